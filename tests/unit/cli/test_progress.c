#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/progress.h"

static void assert_renders(const struct progress *progress, double now, uint64_t items, double fraction, const char *expected)
{
    char line[PROGRESS_TEXT_BYTES];
    progress_render(progress, now, items, fraction, line);
    assert_string_equal(line, expected);
}

static void test_a_whole_run(void **state)
{
    const struct progress progress = { .what = "backfill", .started = 100 };
    (void)state;
    assert_renders(&progress, 110, 1000000, 0.25,
                   "backfill  [#####---------------]  25 %  1,000,000 items  100,000/s  0:30 left");
    assert_renders(&progress, 110, 5, 1, "backfill  [####################] 100 %  5 items  0/s  0:00 left");
}

static void test_a_resumed_run_counts_only_its_own(void **state)
{
    const struct progress progress = { .what = "backfill", .started = 100, .first_items = 500000, .first_fraction = 0.5 };
    (void)state;
    assert_renders(&progress, 110, 600000, 0.6, "backfill  [############--------]  60 %  600,000 items  10,000/s  0:40 left");
}

static void test_unknown_totals(void **state)
{
    const struct progress progress = { .what = "verify", .started = 0 };
    (void)state;
    assert_renders(&progress, 2, 3000, -1, "verify  3,000 items  1,500/s");
}

static void test_the_start_has_no_rate(void **state)
{
    const struct progress progress = { .what = "inspect", .started = 1 };
    (void)state;
    assert_renders(&progress, 1, 0, 0, "inspect  [--------------------]   0 %  0 items  0/s  ");
}

static void test_a_share_over_one_is_one(void **state)
{
    const struct progress progress = { .what = "verify", .started = 0 };
    (void)state;
    assert_renders(&progress, 10, 10, 1.2, "verify  [####################] 100 %  10 items  1/s  0:00 left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_run),
        cmocka_unit_test(test_a_resumed_run_counts_only_its_own),
        cmocka_unit_test(test_unknown_totals),
        cmocka_unit_test(test_the_start_has_no_rate),
        cmocka_unit_test(test_a_share_over_one_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
