#include "../base/unit.h"

#include "item/members.h"

static const size_t counts[] = {
    0, 1, 2, 7, 8, 9, MEMBERS_INDEXED - 1, MEMBERS_INDEXED, MEMBERS_INDEXED + 1, 3 * MEMBERS_INDEXED + 5,
};
enum { COUNTS = sizeof counts / sizeof *counts, COUNT_MAX = 3 * MEMBERS_INDEXED + 5 };

static char texts[COUNT_MAX][16];
static struct value strings[COUNT_MAX], numbers[COUNT_MAX];
static struct attribute attributes[COUNT_MAX];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_MAX; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "name %zu", i);
        strings[i] = value_string(span_of(texts[i], (size_t)len));
        numbers[i] = value_number(number_from_int64((int64_t)i - COUNT_MAX / 2));
        attributes[i] = (struct attribute){ .name = strings[i].bytes, .value = numbers[i] };
    }
    return 0;
}

static struct members first_of(unsigned kind, size_t count)
{
    if (kind == 0)
        return members_of_map(attributes, count);
    return (struct members){ .values = kind == 1 ? strings : numbers, .count = count };
}

/* Makes the member `to` equal to `from`; called again with the result it gives what was there before. */
static void swap_in(unsigned kind, size_t to, struct value *member)
{
    struct value *slot = kind == 2 ? &numbers[to] : &strings[to];
    struct value before = *slot;
    *slot = *member;
    attributes[to].name = strings[to].bytes;
    *member = before;
}

static void test_distinct_members_have_no_duplicate(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < COUNTS; i++)
            assert_int_equal(members_duplicate(first_of(kind, counts[i])), MEMBERS_NONE);
    }
}

static void test_a_duplicate_is_found_wherever_it_is(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        unsigned kind = random_below(3);
        size_t count = counts[2 + random_below(COUNTS - 2)];
        size_t later = 1 + random_below((unsigned)count - 1), earlier = random_below((unsigned)later);
        struct value member = kind == 2 ? numbers[earlier] : strings[earlier];
        swap_in(kind, later, &member);
        ptrdiff_t found = members_duplicate(first_of(kind, count));
        swap_in(kind, later, &member);
        assert_int_equal(found, later);
    }
}

static void test_find_gives_the_position(void **state)
{
    (void)state;
    struct members_index index;
    struct members members = first_of(0, COUNT_MAX);
    assert_int_equal(members_index_init(&index, members, 10), MEMBERS_NONE);
    assert_int_equal(index.count, MEMBERS_INDEXED);
    assert_int_equal(members_index_find(&index, &members, 9), MEMBERS_NONE);
    assert_int_equal(members_index_find(&index, &members, 10), 10);
    assert_int_equal(members_index_find(&index, &members, 10 + MEMBERS_INDEXED - 1), 10 + MEMBERS_INDEXED - 1);
    assert_int_equal(members_index_find(&index, &members, 10 + MEMBERS_INDEXED), MEMBERS_NONE);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distinct_members_have_no_duplicate),
        cmocka_unit_test(test_a_duplicate_is_found_wherever_it_is),
        cmocka_unit_test(test_find_gives_the_position),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
