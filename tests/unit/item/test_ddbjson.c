#include "../base/unit.h"

#include "base/limits.h"
#include "generate.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

#include "../base/scratch.h"

enum { ROUNDS = 2000 };

static struct item read_ok(struct span line)
{
    struct err err = ERR_INIT;
    struct item item;
    assert_ok(err, ddbjson_read_line(line, &arena, &item, &err));
    return item;
}

/* ---- what is read ---- */

static void test_all_types(void **state)
{
    (void)state;
    struct item item =
        read_ok(SPAN(" { \"s\" : {\"S\":\"a\\u0000\\n\"}, \"n\":{\"N\":\"-1.50\"}, \"b\":{\"B\":\"AP8=\"},"
                     "\"t\":{\"BOOL\":true},\"f\":{\"BOOL\":false},\"z\":{\"NULL\":true},\"ss\":{\"SS\":[\"\",\"x\"]},"
                     "\"ns\":{\"NS\":[\"1\",\"2\"]},\"bs\":{\"BS\":[\"AQ==\"]},\"l\":{\"L\":[{\"S\":\"i\"},{\"L\":[]}]},"
                     "\"m\":{\"M\":{\"k\":{\"N\":\"7\"}}}} \n"));
    assert_int_equal(item.count, 11);
    assert_span(item_get(&item, SPAN("s"))->bytes, SPAN("a\0\n"));
    assert_true(number_equal(item_get(&item, SPAN("n"))->number, (struct number){ 15, -1, true }));
    assert_span(item_get(&item, SPAN("b"))->bytes, SPAN("\x00\xFF"));
    assert_true(item_get(&item, SPAN("t"))->boolean);
    assert_false(item_get(&item, SPAN("f"))->boolean);
    assert_int_equal(item_get(&item, SPAN("z"))->type, VALUE_NULL);
    const struct value *strings = item_get(&item, SPAN("ss"));
    assert_int_equal(strings->type, VALUE_SS);
    assert_int_equal(strings->list.count, 2);
    assert_int_equal(strings->list.values[0].type, VALUE_S);
    assert_span(strings->list.values[1].bytes, SPAN("x"));
    assert_true(number_equal(item_get(&item, SPAN("ns"))->list.values[1].number, number_from_int64(2)));
    assert_span(item_get(&item, SPAN("bs"))->list.values[0].bytes, SPAN("\x01"));
    assert_int_equal(item_get(&item, SPAN("l"))->list.values[1].type, VALUE_L);
    assert_int_equal(item_get(&item, SPAN("l"))->list.values[1].list.count, 0);
    assert_true(number_equal(map_get(item_get(&item, SPAN("m")), SPAN("k"))->number, number_from_int64(7)));
}

static void test_shapes_of_a_line(void **state)
{
    (void)state;
    struct item item = read_ok(SPAN("{\"Item\":{\"pk\":{\"S\":\"x\"}}}"));
    assert_span(item_get(&item, SPAN("pk"))->bytes, SPAN("x"));
    assert_int_equal(read_ok(SPAN("{}")).count, 0);
    assert_int_equal(read_ok(SPAN("{\"Item\":{}}")).count, 0);

    /* Bare items that have an attribute of that name. */
    item = read_ok(SPAN("{\"Item\":{\"S\":\"x\"}}"));
    assert_span(item_get(&item, SPAN("Item"))->bytes, SPAN("x"));
    item = read_ok(SPAN("{\"Item\":{\"M\":{}},\"pk\":{\"S\":\"x\"}}"));
    assert_int_equal(item.count, 2);
    item = read_ok(SPAN("{\"Item\":{\"M\":{\"S\":{\"S\":\"x\"}}}}"));
    assert_int_equal(item_get(&item, SPAN("Item"))->type, VALUE_M);
    /* Items that have attributes named like types. */
    item = read_ok(SPAN("{\"Item\":{\"M\":{\"S\":\"x\"},\"L\":{\"N\":\"1\"}}}"));
    assert_span(item_get(&item, SPAN("M"))->bytes, SPAN("x"));
    item = read_ok(SPAN("{\"Item\":{\"Item\":{\"S\":\"x\"}}}"));
    assert_span(item_get(&item, SPAN("Item"))->bytes, SPAN("x"));
}

static void test_a_reader_goes_on_behind_an_item(void **state)
{
    (void)state;
    struct json_reader reader;
    struct json_token token;
    struct item item;
    struct err err = ERR_INIT;
    json_init(&reader, SPAN("{\"Keys\":{\"pk\":{\"S\":\"1\"}},\"NewImage\":{\"pk\":{\"S\":\"2\"}}}"), &arena);
    assert_ok(err, json_expect(&reader, JSON_OBJECT_BEGIN, &token, &err));
    assert_ok(err, json_expect(&reader, JSON_NAME, &token, &err));
    assert_ok(err, ddbjson_read_item(&reader, &item, &err));
    assert_ok(err, json_expect(&reader, JSON_NAME, &token, &err));
    assert_span(token.text, SPAN("NewImage"));
    assert_ok(err, ddbjson_read_item(&reader, &item, &err));
    assert_span(item_get(&item, SPAN("pk"))->bytes, SPAN("2"));
    assert_ok(err, json_expect(&reader, JSON_OBJECT_END, &token, &err));
    assert_ok(err, json_end(&reader, &err));
}

/* ---- what is refused ---- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum lf_code code;
        int64_t offset;
        const char *message; /* a part of it */
    } cases[] = {
        { "", LF_SYNTAX, 0, "" },
        { "{", LF_SYNTAX, 1, "" },
        { "{\"a\":{\"S\":\"x\"}", LF_SYNTAX, 14, "" },
        { "{\"a\":{\"S\":\"x\"}} x", LF_SYNTAX, 16, "" },
        { "{\"Item\":{\"a\":{\"S\":\"x\"}}}{}", LF_SYNTAX, 24, "" },
        { "[]", LF_ITEM, 0, "expected an object" },
        { "1", LF_ITEM, 0, "expected an object" },
        { "{\"a\":1}", LF_ITEM, 5, "found a number" },
        { "{\"a\":\"x\"}", LF_ITEM, 5, "found a string" },
        { "{\"a\":[]}", LF_ITEM, 5, "found an array" },
        { "{\"a\":null}", LF_ITEM, 5, "found null" },
        { "{\"a\":{}}", LF_ITEM, 5, "Supplied AttributeValue is empty" },
        { "{\"a\":{\"S\":\"x\",\"N\":\"1\"}}", LF_ITEM, 14, "more than one datatypes" },
        { "{\"a\":{\"s\":\"x\"}}", LF_ITEM, 6, "\"s\" is no type" },
        { "{\"a\":{\"\":\"x\"}}", LF_ITEM, 6, "\"\" is no type" },
        { "{\"a\":{\"S\":1}}", LF_ITEM, 10, "expected a string for S, found a number" },
        { "{\"a\":{\"N\":1}}", LF_ITEM, 10, "expected a string for N" },
        { "{\"a\":{\"B\":null}}", LF_ITEM, 10, "expected a string for B" },
        { "{\"a\":{\"N\":\"x\"}}", LF_ITEM, 10, "" },
        { "{\"a\":{\"N\":\"\"}}", LF_ITEM, 10, "" },
        { "{\"a\":{\"N\":\"NaN\"}}", LF_ITEM, 10, "" },
        { "{\"a\":{\"N\":\"1E126\"}}", LF_LIMIT, 10, "" },
        { "{\"a\":{\"N\":\"1E-131\"}}", LF_LIMIT, 10, "" },
        { "{\"a\":{\"N\":\"123456789012345678901234567890123456789\"}}", LF_LIMIT, 10, "" },
        { "{\"a\":{\"B\":\"AA=\"}}", LF_ITEM, -2, "" },
        { "{\"a\":{\"B\":\"A!==\"}}", LF_ITEM, 12, "" },
        { "{\"a\":{\"BOOL\":\"true\"}}", LF_ITEM, 13, "BOOL takes true or false" },
        { "{\"a\":{\"BOOL\":1}}", LF_ITEM, 13, "BOOL takes true or false" },
        { "{\"a\":{\"NULL\":false}}", LF_ITEM, 13, "must have the value of true" },
        { "{\"a\":{\"NULL\":null}}", LF_ITEM, 13, "must have the value of true" },
        { "{\"a\":{\"SS\":[]}}", LF_ITEM, 11, "An string set  may not be empty" },
        { "{\"a\":{\"NS\":[]}}", LF_ITEM, 11, "An number set  may not be empty" },
        { "{\"a\":{\"BS\":[]}}", LF_ITEM, 11, "Binary sets should not be empty" },
        { "{\"a\":{\"SS\":\"x\"}}", LF_ITEM, 11, "expected an array" },
        { "{\"a\":{\"SS\":[1]}}", LF_ITEM, 12, "expected a string for S" },
        { "{\"a\":{\"SS\":[{\"S\":\"x\"}]}}", LF_ITEM, 12, "expected a string for S" },
        { "{\"a\":{\"SS\":[\"x\",\"y\",\"x\"]}}", LF_ITEM, 11, "duplicates" },
        { "{\"a\":{\"NS\":[\"1\",\"1.0\"]}}", LF_ITEM, 11, "duplicates" },
        { "{\"a\":{\"NS\":[\"0\",\"-0\"]}}", LF_ITEM, 11, "duplicates" },
        { "{\"a\":{\"NS\":[\"100\",\"1e2\"]}}", LF_ITEM, 11, "duplicates" },
        { "{\"a\":{\"BS\":[\"\",\"\"]}}", LF_ITEM, 11, "duplicates" },
        { "{\"a\":{\"L\":{}}}", LF_ITEM, 10, "expected an array" },
        { "{\"a\":{\"L\":[1]}}", LF_ITEM, 11, "found a number" },
        { "{\"a\":{\"M\":[]}}", LF_ITEM, 10, "expected an object" },
        { "{\"a\":{\"M\":{\"\":{\"S\":\"x\"}}}}", LF_ITEM, 11, "Empty attribute name" },
        { "{\"\":{\"S\":\"x\"}}", LF_ITEM, 1, "Empty attribute name" },
        { "{\"a\":{\"S\":\"x\"},\"a\":{\"S\":\"x\"}}", LF_ITEM, 0, "\"a\" occurs twice" },
        { "{\"m\":{\"M\":{\"a\":{\"S\":\"x\"},\"\\u0061\":{\"S\":\"y\"}}}}", LF_ITEM, 10, "\"a\" occurs twice" },
        { "{\"Item\":{\"a\":{\"S\":\"x\"}},\"b\":1}", LF_ITEM, 24, "" },
        { "{\"Item\":{\"a\":{\"S\":\"x\"}},\"Item\":{\"a\":{\"S\":\"x\"}}}", LF_ITEM, 24, "" },
        { "{\"Item\":{\"a\":{\"S\":\"x\"},\"b\":{\"Q\":\"x\"}}}", LF_ITEM, 28, "\"Q\" is no type" },
        { "{\"Item\":[]}", LF_ITEM, 8, "found an array" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = ERR_INIT;
        struct item item = { NULL, 77 };
        enum lf_code code = ddbjson_read_line(span_from_cstr(cases[i].line), &arena, &item, &err);
        bool is_offset_right = cases[i].offset == err.offset || (cases[i].offset == -2 && err.offset >= 0);
        if (code != cases[i].code || err.code != code || !is_offset_right || !strstr(err.message, cases[i].message))
            fail_msg("%s: code %d, \"%s\" at %lld", cases[i].line, code, err.message, (long long)err.offset);
        assert_int_equal(item.count, 77);
    }
}

static void test_a_value_is_the_whole_text(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct value value;
    assert_ok(err, ddbjson_read_value(SPAN(" {\"N\":\"5\"} "), &arena, &value, &err));
    assert_true(number_equal(value.number, number_from_int64(5)));
    assert_code(err, LF_SYNTAX, ddbjson_read_value(SPAN("{\"N\":\"5\"},"), &arena, &value, &err));
    assert_code(err, LF_ITEM, ddbjson_read_value(SPAN("\"5\""), &arena, &value, &err));
}

/* ---- limits ---- */

/* An item whose attribute has a text inside `levels` lists or maps. */
static struct span nested(unsigned levels, const char *open, const char *close)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{\"a\":");
    for (unsigned i = 0; i < levels; i++)
        buf_put_cstr(&scratch, open);
    buf_put_cstr(&scratch, "{\"S\":\"x\"}");
    for (unsigned i = 0; i < levels; i++)
        buf_put_cstr(&scratch, close);
    buf_put_cstr(&scratch, "}");
    return buf_span(&scratch);
}

/* The attributes of the item are the first level: DynamoDB takes 31 maps around a string and refuses 32. */
static void test_nesting_limit(void **state)
{
    (void)state;
    static const char *const shapes[][2] = { { "{\"M\":{\"m\":", "}}" }, { "{\"L\":[", "]}" } };
    for (size_t i = 0; i < 2; i++) {
        struct err err;
        struct item item;
        (void)read_ok(nested(LIMIT_NESTING - 2, shapes[i][0], shapes[i][1]));
        (void)read_ok(nested(LIMIT_NESTING - 1, shapes[i][0], shapes[i][1]));
        assert_code(err, LF_LIMIT, ddbjson_read_line(nested(LIMIT_NESTING, shapes[i][0], shapes[i][1]), &arena, &item, &err));
        assert_non_null(strstr(err.message, "Nesting Levels have exceeded supported limits"));
        assert_true(err.offset > 0);
    }
}

/* A line whose item has exactly `size` bytes: a name of 2, a number of 2 and a string. */
static struct span item_of_size(size_t size)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{\"Item\":{\"n\":{\"N\":\"1\"},\"s\":{\"S\":\"");
    for (size_t i = 0; i < size - 4; i++)
        buf_put_byte(&scratch, 'x');
    buf_put_cstr(&scratch, "\"}}}");
    return buf_span(&scratch);
}

static void test_item_size_limit(void **state)
{
    (void)state;
    for (size_t size = LIMIT_ITEM_BYTES - 1; size <= LIMIT_ITEM_BYTES; size++) {
        struct item item = read_ok(item_of_size(size));
        assert_int_equal(item_size(&item), size);
    }
    struct err err;
    struct item item;
    assert_code(err, LF_LIMIT, ddbjson_read_line(item_of_size(LIMIT_ITEM_BYTES + 1), &arena, &item, &err));
    assert_non_null(strstr(err.message, "Item size has exceeded the maximum allowed size"));
}

static struct span item_with_name_of(size_t size)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{\"");
    for (size_t i = 0; i < size; i++)
        buf_put_byte(&scratch, 'x');
    buf_put_cstr(&scratch, "\":{\"BOOL\":true}}");
    return buf_span(&scratch);
}

static void test_attribute_name_limit(void **state)
{
    (void)state;
    struct err err;
    struct item item;
    (void)read_ok(item_with_name_of(LIMIT_ATTRIBUTE_NAME_BYTES - 1));
    (void)read_ok(item_with_name_of(LIMIT_ATTRIBUTE_NAME_BYTES));
    assert_code(err, LF_LIMIT, ddbjson_read_line(item_with_name_of(LIMIT_ATTRIBUTE_NAME_BYTES + 1), &arena, &item, &err));
}

/* An item of `count` attributes and a number set of as many members; `repeat` is the position that repeats the first, or 0. */
static struct span large_item(unsigned count, unsigned repeat_name, unsigned repeat_member)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&scratch, "\"%u\":{\"NULL\":true},", i && i == repeat_name ? 0 : i);
    buf_put_cstr(&scratch, "\"set\":{\"NS\":[\"0\"");
    for (unsigned i = 1; i < count; i++)
        buf_printf(&scratch, ",\"%u\"", i == repeat_member ? 0 : i);
    buf_put_cstr(&scratch, "]}}");
    return buf_span(&scratch);
}

static void test_duplicates_among_thousands(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct err err;
    struct item item = read_ok(large_item(COUNT, 0, 0));
    assert_int_equal(item.count, COUNT + 1);
    for (int round = 0; round < 10; round++) {
        unsigned at = 1 + random_below(COUNT - 1);
        assert_code(err, LF_ITEM, ddbjson_read_line(large_item(COUNT, at, 0), &arena, &item, &err));
        assert_string_equal(err.message, "attribute name \"0\" occurs twice");
        assert_code(err, LF_ITEM, ddbjson_read_line(large_item(COUNT, 0, at), &arena, &item, &err));
        assert_string_equal(err.message, "Input collection contains duplicates");
        arena_reset(&arena);
    }
}

/* With every cap up to one that is enough the answer is LF_MEMORY, and nothing else happens. */
static void test_memory_runs_out_anywhere(void **state)
{
    (void)state;
    static const char line[] =
        "{\"Item\":{\"a\\n\":{\"M\":{\"b\":{\"L\":[{\"S\":\"x\\ty\"},{\"B\":\"AAEC\"}]}}},\"c\":{\"NS\":[\"1\",\"2\"]}}}";
    enum lf_code code = LF_MEMORY;
    size_t failures = 0;
    for (size_t cap = 0; code != LF_OK; cap += 16, failures++) {
        struct arena small;
        struct err err = ERR_INIT;
        struct item item;
        assert_true(cap < 64 * 1024);
        arena_init(&small, cap);
        code = ddbjson_read_line(span_from_cstr(line), &small, &item, &err);
        arena_done(&small);
        assert_true(code == LF_OK || code == LF_MEMORY);
    }
    assert_true(failures > 10);
}

/* ---- both ways ---- */

static void test_writing(void **state)
{
    (void)state;
    static const char line[] =
        "{\"a\\\"\":{\"S\":\"\\u0000\xC3\xA9\"},\"n\":{\"N\":\"100\"},\"b\":{\"B\":\"AP8=\"},\"t\":{\"BOOL\":true},"
        "\"f\":{\"BOOL\":false},\"z\":{\"NULL\":true},\"ss\":{\"SS\":[\"\",\"x\"]},\"ns\":{\"NS\":[\"-0.5\"]},"
        "\"bs\":{\"BS\":[\"\",\"AQ==\"]},\"l\":{\"L\":[]},\"m\":{\"M\":{\"k\":{\"L\":[{\"M\":{}},{\"N\":\"7\"}]}}}}";
    struct item item = read_ok(span_from_cstr(line));
    buf_reset(&scratch);
    ddbjson_put_item(&scratch, &item);
    assert_span(buf_span(&scratch), span_from_cstr(line));
}

static void test_items_come_back(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct item item = generate_item(&generator, &arena);
        buf_reset(&scratch);
        ddbjson_put_item(&scratch, &item);
        struct span written;
        struct err err = ERR_INIT;
        assert_ok(err, arena_copy(&arena, buf_span(&scratch), &written, &err));
        struct item back = read_ok(written);
        assert_true(item_equal(&item, &back));
        assert_int_equal(item_size(&item), item_size(&back));
        buf_reset(&scratch);
        ddbjson_put_item(&scratch, &back);
        assert_span(buf_span(&scratch), written);
    }
}

/* No start of an item is an item, and the error lies within it. */
static void test_truncation_is_refused(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < 50; round++) {
        struct item item = generate_item(&generator, &arena);
        buf_reset(&scratch);
        ddbjson_put_item(&scratch, &item);
        for (size_t len = 0; len < scratch.len; len++) {
            struct err err;
            struct item back;
            /* its own copy, so that the address sanitizer sees a read behind the end */
            char *cut = test_malloc(len + 1);
            memcpy(cut, scratch.data, len);
            assert_code(err, LF_SYNTAX, ddbjson_read_line(span_of(cut, len), &arena, &back, &err));
            assert_in_range(err.offset, 0, len);
            test_free(cut);
        }
        arena_reset(&arena);
    }
}

/* One byte replaced: an error, or an item that goes both ways as well. */
static void test_damage_is_refused_or_read(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    struct buf again;
    buf_init(&again, SCRATCH_BYTES);
    for (int round = 0; round < 20 * ROUNDS; round++) {
        arena_reset(&arena);
        struct item item = generate_item(&generator, &arena), read, back;
        struct err err = ERR_INIT;
        buf_reset(&scratch);
        ddbjson_put_item(&scratch, &item);
        static const char replacements[] = "\"{}[],:0SNBML\\\x80 ";
        scratch.data[generate_below(&generator, scratch.len)] = replacements[generate_below(&generator, sizeof replacements - 1)];
        if (ddbjson_read_line(buf_span(&scratch), &arena, &read, &err) != LF_OK) {
            assert_in_range(err.offset, 0, scratch.len);
            continue;
        }
        buf_reset(&again);
        ddbjson_put_item(&again, &read);
        assert_ok(err, ddbjson_read_line(buf_span(&again), &arena, &back, &err));
        assert_true(item_equal(&read, &back));
    }
    buf_done(&again);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types),
        cmocka_unit_test(test_shapes_of_a_line),
        cmocka_unit_test(test_a_reader_goes_on_behind_an_item),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_value_is_the_whole_text),
        cmocka_unit_test(test_nesting_limit),
        cmocka_unit_test(test_item_size_limit),
        cmocka_unit_test(test_attribute_name_limit),
        cmocka_unit_test(test_duplicates_among_thousands),
        cmocka_unit_test(test_memory_runs_out_anywhere),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_items_come_back),
        cmocka_unit_test(test_truncation_is_refused),
        cmocka_unit_test(test_damage_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
