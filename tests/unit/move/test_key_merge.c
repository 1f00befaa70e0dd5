/* The merge against an oracle that pairs items one by one, and each kind of difference by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "move/key_merge.h"

static struct key_entry entry(uint64_t key, uint64_t item, enum scan_side side)
{
    return (struct key_entry){ .key = { key, 0 }, .item = { item, 0 }, .side = side };
}

static struct key_differences merged(struct key_entry *entries, size_t count)
{
    struct err err = ERR_INIT;
    struct key_differences differences = { 0 };
    assert_int_equal(key_entries_merge(entries, count, &differences, &err), LF_OK);
    return differences;
}

static void expect_one(struct key_entry *entries, size_t count, unsigned different, unsigned missing, unsigned extra)
{
    struct key_differences found = merged(entries, count);
    assert_int_equal(found.count, different || missing || extra ? 1 : 0);
    if (found.count) {
        assert_int_equal(found.items[0].different, different);
        assert_int_equal(found.items[0].missing, missing);
        assert_int_equal(found.items[0].extra, extra);
    }
    key_differences_done(&found);
}

static void test_kinds(void **state)
{
    (void)state;
    struct key_entry equal[] = { entry(1, 7, SCAN_TARGET), entry(1, 7, SCAN_SOURCE) };
    struct key_entry different[] = { entry(1, 7, SCAN_TARGET), entry(1, 8, SCAN_SOURCE) };
    struct key_entry missing[] = { entry(1, 7, SCAN_SOURCE) };
    struct key_entry extra[] = { entry(1, 7, SCAN_TARGET) };
    struct key_entry twice[] = { entry(1, 7, SCAN_TARGET), entry(1, 7, SCAN_SOURCE), entry(1, 7, SCAN_TARGET) };
    struct key_entry twice_changed[] = { entry(1, 7, SCAN_TARGET), entry(1, 8, SCAN_SOURCE), entry(1, 9, SCAN_TARGET) };
    expect_one(NULL, 0, 0, 0, 0);
    expect_one(equal, 2, 0, 0, 0);
    expect_one(different, 2, 1, 0, 0);
    expect_one(missing, 1, 0, 1, 0);
    expect_one(extra, 1, 0, 0, 1);
    expect_one(twice, 3, 0, 0, 1);
    expect_one(twice_changed, 3, 1, 0, 1);
}

static void test_keys_of_tables_are_apart(void **state)
{
    (void)state;
    struct key_entry entries[] = { entry(1, 7, SCAN_SOURCE), entry(1, 7, SCAN_TARGET) };
    entries[1].table = 1;
    struct key_differences found = merged(entries, 2);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.items[0].missing, 1);
    assert_true(found.items[0].in_source);
    assert_int_equal(found.items[1].extra, 1);
    assert_false(found.items[1].in_source);
    key_differences_done(&found);
}

static void test_find(void **state)
{
    (void)state;
    struct key key = { SPAN("case|1"), SPAN("message|2") };
    struct key other = { SPAN("case|1"), SPAN("message|3") };
    struct key_entry entries[] = { { .key = key_hash128(&key), .table = 3, .side = SCAN_SOURCE },
                                   { .key = { 1, 2 }, .table = 3, .side = SCAN_SOURCE } };
    struct key_differences found = merged(entries, 2);
    const struct key_difference *difference = key_differences_find(&found, 3, &key);
    assert_non_null(difference);
    assert_true(hash128_equal(difference->key, key_hash128(&key)));
    assert_null(key_differences_find(&found, 2, &key));
    assert_null(key_differences_find(&found, 3, &other));
    key_differences_done(&found);
    assert_null(key_differences_find(&found, 3, &key));
}

/* Where the partition key ends must matter. */
static void test_key_parts_are_apart(void **state)
{
    (void)state;
    struct key one = { SPAN("ab"), SPAN("c") }, two = { SPAN("a"), SPAN("bc") }, swapped = { SPAN("c"), SPAN("ab") };
    assert_false(hash128_equal(key_hash128(&one), key_hash128(&two)));
    assert_false(hash128_equal(key_hash128(&one), key_hash128(&swapped)));
}

enum { KEYS = 12, ITEMS = 3, ENTRIES = 40 };

struct counts {
    unsigned different, missing, extra;
};

/* Strikes out equal pairs of one key until there is none. */
static struct counts oracle(const struct key_entry *entries, size_t count, uint64_t key)
{
    int balance[ITEMS] = { 0 };
    unsigned source = 0, target = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].key.low == key)
            balance[entries[i].item.low] += entries[i].side == SCAN_SOURCE ? 1 : -1;
    for (size_t i = 0; i < ITEMS; i++) {
        source += balance[i] > 0 ? (unsigned)balance[i] : 0;
        target += balance[i] < 0 ? (unsigned)-balance[i] : 0;
    }
    unsigned different = source < target ? source : target;
    return (struct counts){ different, source - different, target - different };
}

static void compare_with_oracle(struct key_entry *entries, size_t count)
{
    struct counts expected[KEYS];
    for (uint64_t key = 0; key < KEYS; key++)
        expected[key] = oracle(entries, count, key);
    struct key_differences found = merged(entries, count);
    for (size_t i = 0; i < found.count; i++) {
        struct counts *of_key = &expected[found.items[i].key.low];
        assert_int_equal(found.items[i].different, of_key->different);
        assert_int_equal(found.items[i].missing, of_key->missing);
        assert_int_equal(found.items[i].extra, of_key->extra);
        *of_key = (struct counts){ 0 };
    }
    for (size_t key = 0; key < KEYS; key++)
        assert_int_equal(expected[key].different + expected[key].missing + expected[key].extra, 0);
    key_differences_done(&found);
}

static void test_against_oracle(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 2000; round++) {
        struct key_entry entries[ENTRIES];
        size_t count = (size_t)(rand() % ENTRIES);
        for (size_t i = 0; i < count; i++)
            entries[i] = entry((uint64_t)(rand() % KEYS), (uint64_t)(rand() % ITEMS), rand() % 2 ? SCAN_SOURCE : SCAN_TARGET);
        compare_with_oracle(entries, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_keys_of_tables_are_apart),
        cmocka_unit_test(test_find),           cmocka_unit_test(test_key_parts_are_apart),
        cmocka_unit_test(test_against_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
