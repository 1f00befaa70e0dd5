#include "unit.h"

#include "base/backoff.h"

enum { DELAY_MS_MIN = 100, DELAY_MS_MAX = 5000 };

static void pauses_stay_in_their_bounds(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct backoff backoff;
        backoff_init(&backoff, DELAY_MS_MIN, DELAY_MS_MAX, random_u64());
        unsigned before = DELAY_MS_MIN;
        for (int i = 0; i < 50; i++) {
            unsigned delay = backoff_next_ms(&backoff);
            assert_in_range(delay, DELAY_MS_MIN, DELAY_MS_MAX);
            assert_true(delay <= before * 3);
            before = delay;
        }
    }
}

static void pauses_grow_and_differ(void **state)
{
    (void)state;
    uint64_t first_sum = 0, late_sum = 0;
    unsigned equal = 0;
    for (unsigned round = 0; round < 200; round++) {
        struct backoff one, other;
        backoff_init(&one, DELAY_MS_MIN, DELAY_MS_MAX, random_u64());
        backoff_init(&other, DELAY_MS_MIN, DELAY_MS_MAX, random_u64());
        unsigned first = backoff_next_ms(&one);
        equal += first == backoff_next_ms(&other);
        first_sum += first;
        for (int i = 0; i < 9; i++)
            (void)backoff_next_ms(&one);
        late_sum += backoff_next_ms(&one);
    }
    assert_true(late_sum > 2 * first_sum);
    assert_true(equal < 50);
}

static void equal_seeds_make_equal_pauses(void **state)
{
    (void)state;
    struct backoff one, other;
    uint64_t seed = random_u64();
    backoff_init(&one, DELAY_MS_MIN, DELAY_MS_MAX, seed);
    backoff_init(&other, DELAY_MS_MIN, DELAY_MS_MAX, seed);
    for (int i = 0; i < 20; i++)
        assert_int_equal(backoff_next_ms(&one), backoff_next_ms(&other));
}

static void extreme_bounds(void **state)
{
    (void)state;
    struct backoff backoff;
    backoff_init(&backoff, 0, 0, 0);
    assert_int_equal(backoff_next_ms(&backoff), 0);
    backoff_init(&backoff, UINT32_MAX, UINT32_MAX, 0);
    assert_int_equal(backoff_next_ms(&backoff), UINT32_MAX);
    assert_int_equal(backoff_next_ms(&backoff), UINT32_MAX);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_stay_in_their_bounds),
        cmocka_unit_test(pauses_grow_and_differ),
        cmocka_unit_test(equal_seeds_make_equal_pauses),
        cmocka_unit_test(extreme_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
