/* Which segments are listed together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "move/verify_keys.h"

enum { TABLES = 2, FLAGS = TABLES * PARITY_SEGMENTS };

struct fixture {
    struct map map;
    struct parity source[TABLES], target[TABLES];
    bool left[FLAGS], group[FLAGS];
    struct comparison comparison;
};

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture = (struct fixture){ .map = { .table_count = TABLES } };
    fixture.comparison.map = &fixture.map;
    fixture.comparison.source_sums = fixture.source;
    fixture.comparison.target_sums = fixture.target;
    return 0;
}

/* An unequal segment with so many items on both sides together. */
static void add_segment(size_t table, size_t segment, uint64_t entries)
{
    fixture.source[table].segments[segment].count = entries / 3;
    fixture.target[table].segments[segment].count = entries - entries / 3;
    fixture.left[table * PARITY_SEGMENTS + segment] = true;
}

/* Takes the next group; the number of its segments, 0 when there is none. */
static size_t next_group(void)
{
    size_t count = 0;
    bool any =
        segment_group_next(&fixture.comparison, (struct segment_set){ fixture.left }, (struct segment_set){ fixture.group });
    for (size_t i = 0; i < FLAGS; i++)
        count += fixture.group[i];
    assert_int_equal(any, count > 0);
    return count;
}

static void test_none(void **state)
{
    (void)state;
    assert_int_equal(next_group(), 0);
}

static void test_all_that_fit(void **state)
{
    (void)state;
    add_segment(0, 3, 10);
    add_segment(1, 3, 20);
    assert_int_equal(next_group(), 2);
    assert_true(fixture.group[3] && fixture.group[PARITY_SEGMENTS + 3]);
    assert_int_equal(next_group(), 0);
}

static void test_limit(void **state)
{
    static const int64_t off[] = { -1, 0, 1 };
    static const size_t first_group[] = { 2, 2, 1 };
    for (size_t i = 0; i < 3; i++) {
        setup(state);
        add_segment(0, 1, 1000);
        add_segment(1, 255, (uint64_t)(VERIFY_GROUP_ENTRIES - 1000 + off[i]));
        assert_int_equal(next_group(), first_group[i]);
        assert_int_equal(next_group(), 2 - first_group[i]);
        assert_int_equal(next_group(), 0);
    }
}

/* A segment over the limit goes alone; later ones that fit are not held up by it. */
static void test_large_segment(void **state)
{
    (void)state;
    add_segment(0, 0, 10);
    add_segment(0, 1, 3 * (uint64_t)VERIFY_GROUP_ENTRIES);
    add_segment(0, 2, 10);
    assert_int_equal(next_group(), 2);
    assert_true(fixture.group[0] && fixture.group[2]);
    assert_int_equal(next_group(), 1);
    assert_true(fixture.group[1]);
    assert_int_equal(next_group(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_none, setup),
        cmocka_unit_test_setup(test_all_that_fit, setup),
        cmocka_unit_test_setup(test_limit, setup),
        cmocka_unit_test_setup(test_large_segment, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
