/* Until when the word of other gateways stands. */
#include "../base/unit.h"

#include "base/buf.h"
#include "gateway/trust.h"

#define ONE "11111111-1111-1111-1111-111111111111"
#define TWO "22222222-2222-2222-2222-222222222222"

static struct trust trust;

static int setup(void **state)
{
    (void)state;
    trust = (struct trust){ 0 };
    return 0;
}

static void test_nobody(void **state)
{
    (void)state;
    assert_true(trust_until(&trust, SPAN(""), 1000) == INT64_MAX);
}

/* Counted from the look before the one that found the beat. */
static void test_beats(void **state)
{
    (void)state;
    assert_int_equal(trust_until(&trust, SPAN(ONE " 7 0"), 1000), 0);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 7 0"), 1200), 0);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 8 0"), 1400), 1200 + TRUST_MS);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 8 0"), 1600), 1200 + TRUST_MS);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 10 0"), 1800), 1600 + TRUST_MS);
}

static void test_behind(void **state)
{
    (void)state;
    (void)trust_until(&trust, SPAN(ONE " 7 0"), 1000);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 8 1"), 1200), 0);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 9 0"), 1400), 1200 + TRUST_MS);
}

static void test_the_worst_counts(void **state)
{
    (void)state;
    (void)trust_until(&trust, SPAN(ONE " 1 0\n" TWO " 1 0"), 1000);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 2 0\n" TWO " 1 0"), 1200), 0);
    assert_int_equal(trust_until(&trust, SPAN(TWO " 2 0\n" ONE " 2 0"), 1400), 1000 + TRUST_MS);
    assert_int_equal(trust_until(&trust, SPAN(TWO " 2 0\n" ONE " 3 1"), 1600), 0);
}

/* One that was forgotten and comes back has to show again that it beats. */
static void test_gone(void **state)
{
    (void)state;
    (void)trust_until(&trust, SPAN(ONE " 1 0"), 1000);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 2 0"), 1200), 1000 + TRUST_MS);
    assert_true(trust_until(&trust, SPAN(""), 1400) == INT64_MAX);
    assert_int_equal(trust_until(&trust, SPAN(ONE " 3 0"), 1600), 0);
}

static int64_t look_at_many(size_t count, unsigned beat, int64_t now_ms)
{
    struct buf lines;
    buf_init(&lines, 64 * (TRUST_GATEWAYS_MAX + 1));
    for (size_t i = 0; i < count; i++)
        buf_printf(&lines, "%s%036zu %u 0", i ? "\n" : "", i, beat);
    int64_t until_ms = trust_until(&trust, buf_span(&lines), now_ms);
    buf_done(&lines);
    return until_ms;
}

static void test_as_many_as_there_is_room_for(void **state)
{
    (void)state;
    (void)look_at_many(TRUST_GATEWAYS_MAX, 1, 1000);
    assert_int_equal(look_at_many(TRUST_GATEWAYS_MAX, 2, 1200), 1000 + TRUST_MS);
    assert_int_equal(look_at_many(TRUST_GATEWAYS_MAX + 1, 3, 1400), 0);
    assert_int_equal(look_at_many(TRUST_GATEWAYS_MAX - 1, 4, 1600), 1400 + TRUST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody, setup), cmocka_unit_test_setup(test_beats, setup),
        cmocka_unit_test_setup(test_behind, setup), cmocka_unit_test_setup(test_the_worst_counts, setup),
        cmocka_unit_test_setup(test_gone, setup),   cmocka_unit_test_setup(test_as_many_as_there_is_room_for, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
