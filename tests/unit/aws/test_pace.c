#include <stdatomic.h>

#include "../base/unit.h"
#include "aws/pace.h"

static void assert_near(double actual, double expected)
{
    if (actual < expected - 1e-6 || actual > expected + 1e-6)
        fail_msg("%f is not %f", actual, expected);
}

static void who_spends_first_does_not_wait(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 100);
    assert_near(pace_reserve(&pace, 50, 1000), 0);
    assert_near(pace_reserve(&pace, 10, 1000), 0.5);
    assert_near(pace_reserve(&pace, 10, 1000.2), 0.4);
    pace_done(&pace);
}

static void nothing_is_saved_up(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 100);
    assert_near(pace_reserve(&pace, 100, 1000), 0);
    assert_near(pace_reserve(&pace, 100, 1060), 0);
    assert_near(pace_reserve(&pace, 100, 1060), 1);
    pace_done(&pace);
}

static void what_was_expected_is_corrected(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 100);
    assert_near(pace_reserve(&pace, 100, 1000), 0);
    pace_settle(&pace, 100, 20);
    assert_near(pace_reserve(&pace, 10, 1000), 0.2);
    pace_settle(&pace, 10, 110);
    assert_near(pace_reserve(&pace, 10, 1000), 1.3);
    pace_done(&pace);
}

/* Whatever is expected and whatever it costs: over any time not more than the rate, but for what is under way. */
static void the_rate_is_kept(void **state)
{
    (void)state;
    enum { CALLS = 1000 };
    struct pace pace;
    double now = 1000, spent = 0, most = 0;
    pace_init(&pace, 80);
    for (int i = 0; i < CALLS; i++) {
        double expected = random_below(60), units = random_below(100);
        now += pace_reserve(&pace, expected, now) + random_below(10) / 100.0;
        pace_settle(&pace, expected, units);
        if (spent > (now - 1000) * 80 + most + 1e-6)
            fail_msg("%f units in %f s", spent, now - 1000);
        spent += units;
        most = units > most ? units : most;
    }
    pace_done(&pace);
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void waits_end_when_all_is_over(void **state)
{
    (void)state;
    struct pace pace;
    _Atomic bool is_over = true;
    double begin = now_s();
    pace_init(&pace, 1);
    pace_wait(&pace, 100, NULL);
    pace_wait(&pace, 100, &is_over);
    assert_true(now_s() - begin < 10);
    pace_done(&pace);
}

static void no_rate_is_no_limit(void **state)
{
    (void)state;
    struct pace pace;
    double begin = now_s();
    pace_init(&pace, 0);
    for (int i = 0; i < 1000; i++) {
        pace_wait(&pace, 1e9, NULL);
        pace_settle(&pace, 1e9, 1e9);
    }
    assert_true(now_s() - begin < 10);
    pace_done(&pace);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_spends_first_does_not_wait), cmocka_unit_test(nothing_is_saved_up),
        cmocka_unit_test(what_was_expected_is_corrected), cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(waits_end_when_all_is_over),     cmocka_unit_test(no_rate_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
