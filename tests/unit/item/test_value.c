#include "../base/unit.h"

#include "base/limits.h"
#include "item/ddbjson.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

static struct arena arena;

static struct value value_of(const char *json)
{
    struct err err = ERR_INIT;
    struct value value;
    assert_ok(err, ddbjson_read_value(span_from_cstr(json), &arena, &value, &err));
    return value;
}

static void test_type_names_go_both_ways(void **state)
{
    (void)state;
    for (enum value_type type = 0; type < VALUE_TYPES; type++) {
        enum value_type back;
        assert_true(value_type_from_name(span_from_cstr(value_type_name(type)), &back));
        assert_int_equal(back, type);
    }
    enum value_type untouched = VALUE_M;
    static const char *const unknown[] = { "", "s", "SSS", "BOO", "BOOLEAN", "NULL ", "LS", "MS" };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(value_type_from_name(span_from_cstr(unknown[i]), &untouched));
    assert_false(value_type_from_name(SPAN("S\0"), &untouched));
    assert_int_equal(untouched, VALUE_M);
}

static void test_member_types(void **state)
{
    (void)state;
    assert_int_equal(value_member_type(VALUE_SS), VALUE_S);
    assert_int_equal(value_member_type(VALUE_NS), VALUE_N);
    assert_int_equal(value_member_type(VALUE_BS), VALUE_B);
    assert_int_equal(value_member_type(VALUE_L), VALUE_TYPES);
    assert_int_equal(value_member_type(VALUE_S), VALUE_TYPES);
}

static void test_get_finds_by_whole_name(void **state)
{
    (void)state;
    struct value map = value_of("{\"M\":{\"a\":{\"S\":\"1\"},\"ab\":{\"S\":\"2\"},\"a\\u0000\":{\"S\":\"3\"}}}");
    struct item item = { map.map.attributes, map.map.count };
    assert_span(map_get(&map, SPAN("ab"))->bytes, SPAN("2"));
    assert_span(item_get(&item, SPAN("a"))->bytes, SPAN("1"));
    assert_span(item_get(&item, SPAN("a\0"))->bytes, SPAN("3"));
    assert_null(item_get(&item, SPAN("b")));
    assert_null(item_get(&item, SPAN("")));
}

/* Measured: the longest string that DynamoDB takes beside an attribute of each value. */
static void test_sizes_are_those_of_dynamodb(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        size_t size;
    } cases[] = {
        { "{\"S\":\"\"}", 0 },
        { "{\"S\":\"a\\u00e9\\ud83d\\ude00\"}", 7 },
        { "{\"B\":\"\"}", 0 },
        { "{\"B\":\"AAEC\"}", 3 },
        { "{\"N\":\"0\"}", 1 },
        { "{\"N\":\"1\"}", 2 },
        { "{\"N\":\"12\"}", 2 },
        { "{\"N\":\"123\"}", 3 },
        { "{\"N\":\"1234\"}", 3 },
        { "{\"N\":\"-1\"}", 3 },
        { "{\"N\":\"-123\"}", 4 },
        { "{\"N\":\"0.12\"}", 2 },
        { "{\"N\":\"1000\"}", 2 },
        { "{\"N\":\"1.5\"}", 3 },
        { "{\"N\":\"12.34\"}", 3 },
        { "{\"N\":\"-1.234\"}", 5 },
        { "{\"N\":\"1E125\"}", 2 },
        { "{\"N\":\"1E-130\"}", 2 },
        { "{\"N\":\"9999999999999999999\"}", 11 },
        { "{\"N\":\"10000000000000000001\"}", 11 },
        { "{\"N\":\"123456789012345678901\"}", 12 },
        { "{\"N\":\"12345678901234567890123456789012345678\"}", 20 },
        { "{\"N\":\"-12345678901234567890123456789012345678\"}", 21 },
        { "{\"N\":\"-1234567890123456789.1234567890123456789\"}", 21 },
        { "{\"NULL\":true}", 1 },
        { "{\"BOOL\":false}", 1 },
        { "{\"L\":[]}", 3 },
        { "{\"L\":[{\"S\":\"a\"}]}", 5 },
        { "{\"L\":[{\"S\":\"a\"},{\"S\":\"b\"}]}", 7 },
        { "{\"L\":[{\"N\":\"1\"}]}", 6 },
        { "{\"M\":{}}", 3 },
        { "{\"M\":{\"a\":{\"S\":\"a\"}}}", 6 },
        { "{\"SS\":[\"a\",\"b\"]}", 2 },
        { "{\"NS\":[\"1\",\"2\"]}", 4 },
        { "{\"BS\":[\"AA==\",\"AQ==\"]}", 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value value = value_of(cases[i].json);
        if (value_size(&value) != cases[i].size)
            fail_msg("%s: %zu", cases[i].json, value_size(&value));
        struct attribute attribute = { .name = SPAN("name"), .value = value };
        assert_int_equal(item_size(&(struct item){ &attribute, 1 }), 4 + cases[i].size);
    }
    assert_int_equal(item_size(&(struct item){ NULL, 0 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_names_go_both_ways),
        cmocka_unit_test(test_member_types),
        cmocka_unit_test(test_get_finds_by_whole_name),
        cmocka_unit_test(test_sizes_are_those_of_dynamodb),
    };
    arena_init(&arena, ARENA_BYTES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
