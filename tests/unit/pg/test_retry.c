#include "../base/unit.h"
#include "pg/retry.h"

static const struct pg_retry_policy policy = {
    .attempts_max = 5, .lock_timeout_ms = 10, .delay_ms_min = 100, .delay_ms_max = 5000
};

static void pauses_stay_in_their_bounds(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct pg_backoff backoff;
        pg_backoff_init(&backoff, &policy, random_u64());
        unsigned before = policy.delay_ms_min;
        for (int i = 0; i < 50; i++) {
            unsigned delay = pg_backoff_next_ms(&backoff);
            assert_in_range(delay, policy.delay_ms_min, policy.delay_ms_max);
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
        struct pg_backoff one, other;
        pg_backoff_init(&one, &policy, random_u64());
        pg_backoff_init(&other, &policy, random_u64());
        unsigned first = pg_backoff_next_ms(&one);
        equal += first == pg_backoff_next_ms(&other);
        first_sum += first;
        for (int i = 0; i < 9; i++)
            (void)pg_backoff_next_ms(&one);
        late_sum += pg_backoff_next_ms(&one);
    }
    assert_true(late_sum > 2 * first_sum);
    assert_true(equal < 50);
}

static void equal_seeds_make_equal_pauses(void **state)
{
    (void)state;
    struct pg_backoff one, other;
    uint64_t seed = random_u64();
    pg_backoff_init(&one, &policy, seed);
    pg_backoff_init(&other, &policy, seed);
    for (int i = 0; i < 20; i++)
        assert_int_equal(pg_backoff_next_ms(&one), pg_backoff_next_ms(&other));
}

static void extreme_policies(void **state)
{
    (void)state;
    const struct pg_retry_policy none = { .attempts_max = 1 };
    const struct pg_retry_policy huge = { .attempts_max = 1, .delay_ms_min = UINT32_MAX, .delay_ms_max = UINT32_MAX };
    struct pg_backoff backoff;
    pg_backoff_init(&backoff, &none, 0);
    assert_int_equal(pg_backoff_next_ms(&backoff), 0);
    pg_backoff_init(&backoff, &huge, 0);
    assert_int_equal(pg_backoff_next_ms(&backoff), UINT32_MAX);
    assert_int_equal(pg_backoff_next_ms(&backoff), UINT32_MAX);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_stay_in_their_bounds),
        cmocka_unit_test(pauses_grow_and_differ),
        cmocka_unit_test(equal_seeds_make_equal_pauses),
        cmocka_unit_test(extreme_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
