#include "unit.h"

#include "base/stage_clock.h"

enum { MS = 1000000 };

static uint64_t cpu_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void burn(uint64_t ns)
{
    for (uint64_t until = cpu_ns() + ns; cpu_ns() < until;)
        continue;
}

static void wait_ns(long ns)
{
    const struct timespec pause = { .tv_nsec = ns };
    (void)nanosleep(&pause, NULL);
}

static void test_work_and_waiting_are_told_apart(void **state)
{
    (void)state;
    struct stage_profile profile = { 0 };
    struct stage_clock *clock = stage_worker(&profile, 3);
    struct stage_time times[STAGES];
    stage_clock_begin(clock, STAGE_REST);
    assert_int_equal(stage_enter(clock, STAGE_READ), STAGE_REST);
    burn(20 * MS);
    assert_int_equal(stage_enter(clock, STAGE_SEND), STAGE_READ);
    wait_ns(20 * MS);
    stage_clock_end(clock);
    stage_profile_sum(&profile, times);
    assert_true(times[STAGE_READ].cpu_ns >= 20 * MS && times[STAGE_READ].wall_ns >= 19 * MS);
    assert_true(times[STAGE_SEND].wall_ns >= 20 * MS && times[STAGE_SEND].cpu_ns < 10 * MS);
    assert_true(times[STAGE_PARSE].wall_ns == 0);
}

/* The whole is what was measured, and the larger part has the larger share of it. */
static void test_items_are_split_by_sample(void **state)
{
    (void)state;
    struct stage_profile profile = { 0 };
    struct stage_clock *clock = stage_main(&profile);
    struct stage_time times[STAGES];
    stage_clock_begin(clock, STAGE_ITEMS);
    for (int i = 0; i < 10 * STAGE_SAMPLE_EVERY; i++) {
        stage_item(clock, STAGE_PARSE);
        burn(10000);
        stage_part(clock, STAGE_ENCODE);
        burn(30000);
    }
    stage_clock_end(clock);
    assert_int_equal(clock->items, 10 * STAGE_SAMPLE_EVERY);
    uint64_t whole = clock->times[STAGE_ITEMS].cpu_ns;
    stage_profile_sum(&profile, times);
    uint64_t parts = times[STAGE_PARSE].cpu_ns + times[STAGE_ENCODE].cpu_ns;
    assert_true(whole >= UINT64_C(10) * STAGE_SAMPLE_EVERY * 40000);
    assert_true(parts <= whole + 2 && parts + 2 >= whole);
    assert_true(times[STAGE_ENCODE].cpu_ns > times[STAGE_PARSE].cpu_ns && times[STAGE_PARSE].cpu_ns > whole / 10);
    assert_true(times[STAGE_ITEMS].wall_ns == 0);
}

/* An item that sends what is full is not counted into the sample while it does. */
static void test_a_sampled_item_may_leave(void **state)
{
    (void)state;
    struct stage_profile profile = { 0 };
    struct stage_clock *clock = stage_main(&profile);
    stage_clock_begin(clock, STAGE_ITEMS);
    stage_item(clock, STAGE_PARSE);
    enum stage before = stage_enter(clock, STAGE_SEND);
    burn(5 * MS);
    (void)stage_enter(clock, before);
    stage_part(clock, STAGE_ENCODE);
    stage_clock_end(clock);
    assert_true(clock->times[STAGE_SEND].cpu_ns >= 5 * MS);
    assert_true(clock->sampled[STAGE_PARSE].cpu_ns < 5 * MS);
    assert_true(clock->sampled[STAGE_ENCODE].wall_ns == 0);
}

static void test_items_without_a_sample_are_the_rest(void **state)
{
    (void)state;
    struct stage_profile profile = { 0 };
    struct stage_time times[STAGES];
    stage_clock_begin(&profile.main, STAGE_ITEMS);
    burn(MS);
    stage_clock_end(&profile.main);
    stage_profile_sum(&profile, times);
    assert_true(times[STAGE_REST].cpu_ns >= MS);
}

static void test_no_clock_is_no_work(void **state)
{
    (void)state;
    assert_null(stage_worker(NULL, 1));
    assert_null(stage_main(NULL));
    stage_clock_begin(NULL, STAGE_READ);
    assert_int_equal(stage_enter(NULL, STAGE_SEND), STAGE_REST);
    stage_item(NULL, STAGE_PARSE);
    stage_part(NULL, STAGE_ENCODE);
    stage_clock_end(NULL);
}

static void test_every_stage_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < STAGES; i++)
        assert_true(stage_name((enum stage)i) && stage_name((enum stage)i)[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_and_waiting_are_told_apart),
        cmocka_unit_test(test_items_are_split_by_sample),
        cmocka_unit_test(test_a_sampled_item_may_leave),
        cmocka_unit_test(test_items_without_a_sample_are_the_rest),
        cmocka_unit_test(test_no_clock_is_no_work),
        cmocka_unit_test(test_every_stage_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
