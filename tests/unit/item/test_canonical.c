#include "../base/unit.h"

#include "generate.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, ROUNDS = 3000 };

static struct arena arena;

static struct value value_of(const char *json)
{
    struct err err = ERR_INIT;
    struct value value;
    assert_ok(err, ddbjson_read_value(span_from_cstr(json), &arena, &value, &err));
    return value;
}

static bool hashes_equal(const struct item *a, const struct item *b)
{
    return hash128_equal(item_hash(a), item_hash(b));
}

static void print_item(const struct item *item)
{
    struct buf buf;
    buf_init(&buf, ARENA_BYTES);
    ddbjson_put_item(&buf, item);
    print_error("%s\n", buf_cstr(&buf));
    buf_done(&buf);
}

static void test_order_does_not_matter(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct item item = generate_item(&generator, &arena);
        struct item other = generate_shuffled(&generator, &arena, &item);
        if (!item_equal(&item, &other) || !item_equal(&other, &item) || !hashes_equal(&item, &other)) {
            print_item(&item);
            print_item(&other);
            fail();
        }
    }
}

static void test_any_change_is_seen(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct item item = generate_item(&generator, &arena);
        struct item changed = generate_changed(&generator, &arena, &item);
        struct item other = generate_shuffled(&generator, &arena, &changed);
        if (item_equal(&item, &other) || item_equal(&other, &item) || hashes_equal(&item, &other)) {
            print_item(&item);
            print_item(&other);
            fail();
        }
    }
}

static void check_values(const char *a, const char *b, bool are_equal)
{
    struct value x = value_of(a), y = value_of(b);
    if (value_equal(&x, &y) != are_equal || value_equal(&y, &x) != are_equal ||
        hash128_equal(value_hash(&x), value_hash(&y)) != are_equal)
        fail_msg("%s and %s", a, b);
}

static void test_what_is_the_same(void **state)
{
    (void)state;
    check_values("{\"N\":\"1.50\"}", "{\"N\":\"1.5\"}", true);
    check_values("{\"N\":\"-0\"}", "{\"N\":\"0.00\"}", true);
    check_values("{\"N\":\"100\"}", "{\"N\":\"1E2\"}", true);
    check_values("{\"NS\":[\"1\",\"2\"]}", "{\"NS\":[\"2.0\",\"1\"]}", true);
    check_values("{\"S\":\"\\u0041\"}", "{\"S\":\"A\"}", true);
}

static void test_what_is_not_the_same(void **state)
{
    (void)state;
    /* No two of these are equal. */
    static const char *const different[] = {
        "{\"S\":\"\"}",
        "{\"S\":\"1\"}",
        "{\"S\":\"e\\u0301\"}",
        "{\"S\":\"\\u00e9\"}",
        "{\"S\":\"\\u0000\"}",
        "{\"B\":\"\"}",
        "{\"B\":\"MQ==\"}",
        "{\"N\":\"0\"}",
        "{\"N\":\"1\"}",
        "{\"N\":\"-1\"}",
        "{\"N\":\"10\"}",
        "{\"N\":\"0.1\"}",
        "{\"N\":\"12345678901234567890123456789012345678\"}",
        "{\"N\":\"12345678901234567890123456789012345679\"}",
        "{\"BOOL\":true}",
        "{\"BOOL\":false}",
        "{\"NULL\":true}",
        "{\"SS\":[\"1\"]}",
        "{\"SS\":[\"1\",\"2\"]}",
        "{\"SS\":[\"1\",\"\"]}",
        "{\"NS\":[\"1\"]}",
        "{\"BS\":[\"MQ==\"]}",
        "{\"L\":[]}",
        "{\"L\":[{\"S\":\"1\"}]}",
        "{\"L\":[{\"S\":\"1\"},{\"S\":\"2\"}]}",
        "{\"L\":[{\"S\":\"2\"},{\"S\":\"1\"}]}",
        "{\"L\":[{\"S\":\"2\"},{\"S\":\"1\"},{\"S\":\"1\"}]}",
        "{\"L\":[{\"L\":[]}]}",
        "{\"L\":[{\"L\":[]},{\"L\":[]}]}",
        "{\"M\":{}}",
        "{\"M\":{\"a\":{\"S\":\"b\"}}}",
        "{\"M\":{\"b\":{\"S\":\"a\"}}}",
        "{\"M\":{\"a\":{\"S\":\"a\"},\"b\":{\"S\":\"b\"}}}",
        "{\"M\":{\"a\":{\"S\":\"b\"},\"b\":{\"S\":\"a\"}}}",
        "{\"M\":{\"a\":{\"NULL\":true}}}",
    };
    enum { COUNT = sizeof different / sizeof *different };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++)
            check_values(different[i], different[j], i == j);
    }
}

/* More members than are indexed at once, in another order: found without allocation and without comparing each with each. */
static void test_large_collections(void **state)
{
    (void)state;
    enum { MEMBERS = 5000 };
    struct generator generator;
    struct err err = ERR_INIT;
    generator_init(&generator, generator_seed());
    struct value *values = arena_calloc(&arena, MEMBERS, sizeof *values, &err);
    struct attribute *entries = arena_calloc(&arena, MEMBERS, sizeof *entries, &err);
    assert_true(values && entries);
    for (int i = 0; i < MEMBERS; i++) {
        values[i] = value_number(number_from_int64(i));
        struct span name;
        assert_ok(err, arena_printf(&arena, &name, &err, "%d", i));
        entries[i] = (struct attribute){ .name = name, .value = values[i] };
    }
    struct attribute attributes[] = {
        { SPAN("set"), { .type = VALUE_NS, .list = { values, MEMBERS } } },
        { SPAN("map"), { .type = VALUE_M, .map = { entries, MEMBERS } } },
    };
    struct item item = { attributes, 2 };
    struct item other = generate_shuffled(&generator, &arena, &item);
    assert_true(item_equal(&item, &other));
    assert_true(hashes_equal(&item, &other));

    values[random_below(MEMBERS)] = value_number(number_from_int64(MEMBERS));
    assert_false(item_equal(&item, &other));
    assert_false(hashes_equal(&item, &other));
    other = generate_shuffled(&generator, &arena, &item);
    entries[random_below(MEMBERS)].value = value_number(number_from_int64(-1));
    assert_false(item_equal(&item, &other));
    assert_false(hashes_equal(&item, &other));
}

/* Hashes are stored beside checkpoints and compared by other hosts and later versions. */
static void test_known_hash(void **state)
{
    (void)state;
    struct value map = value_of("{\"M\":{\"s\":{\"S\":\"x\"},\"n\":{\"N\":\"-1.5\"},\"b\":{\"B\":\"AAE=\"},\"t\":{\"BOOL\":true},"
                                "\"z\":{\"NULL\":true},\"ss\":{\"SS\":[\"a\",\"b\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{}}]}}}");
    struct hash128 hash = value_hash(&map);
    if (hash.high != UINT64_C(0x1cb0be0d518c96bd) || hash.low != UINT64_C(0x4f0562142f80cb45))
        fail_msg("0x%016llx 0x%016llx", (unsigned long long)hash.high, (unsigned long long)hash.low);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_does_not_matter), cmocka_unit_test(test_any_change_is_seen),
        cmocka_unit_test(test_what_is_the_same),      cmocka_unit_test(test_what_is_not_the_same),
        cmocka_unit_test(test_large_collections),     cmocka_unit_test(test_known_hash),
    };
    arena_init(&arena, ARENA_BYTES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
