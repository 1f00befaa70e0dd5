#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../item/generate.h"
#include "item/canonical.h"
#include "item/ddbjson.h"
#include "map/row.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, ROUNDS = 2000 };

struct fixture {
    struct arena arena;
    struct buf buf;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, ARENA_BYTES);
    buf_init(&fixture->buf, ARENA_BYTES);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buf_done(&fixture->buf);
    test_free(fixture);
    return 0;
}

static struct item item_from(struct fixture *fixture, const char *json)
{
    struct item item;
    if (ddbjson_read_line(span_from_cstr(json), &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s: %s", json, fixture->err.message);
    return item;
}

/* ---- writing ---- */

static void assert_written(struct fixture *fixture, const char *item_json, const char *extra)
{
    struct item item = item_from(fixture, item_json), back;
    buf_reset(&fixture->buf);
    assert_int_equal(extra_put(&fixture->buf, item.attributes, item.count, &fixture->err), LF_OK);
    assert_string_equal(buf_cstr(&fixture->buf), extra);
    assert_int_equal(extra_read(buf_span(&fixture->buf), &fixture->arena, &back, &fixture->err), LF_OK);
    assert_true(item_equal(&back, &item));
}

static void test_it_is_dynamodb_json(void **state)
{
    static const char *const items[] = {
        "{}",
        "{\"s\":{\"S\":\"\\\"q\\\" é\"},\"n\":{\"N\":\"-1.5\"},\"b\":{\"B\":\"AAH/\"}}",
        "{\"t\":{\"BOOL\":true},\"f\":{\"BOOL\":false},\"z\":{\"NULL\":true}}",
        "{\"ss\":{\"SS\":[\"a\",\"b\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},\"bs\":{\"BS\":[\"AA==\"]}}",
        "{\"l\":{\"L\":[{\"S\":\"\"},{\"L\":[]}]},\"m\":{\"M\":{\"x\":{\"M\":{}}}}}",
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        assert_written(*state, items[i], items[i]);
}

static void test_what_jsonb_cannot_hold_is_base64(void **state)
{
    assert_written(*state, "{\"a\":{\"S\":\"\\u0000\"}}", "{\"a\":{\"S64\":\"AA==\"}}");
    assert_written(*state, "{\"a\":{\"SS\":[\"x\",\"\\u0000\"]}}", "{\"a\":{\"SS64\":[\"eA==\",\"AA==\"]}}");
    assert_written(*state, "{\"a\":{\"L\":[{\"M\":{\"b\":{\"S\":\"é\\u0000\"}}}]}}",
                   "{\"a\":{\"L\":[{\"M\":{\"b\":{\"S64\":\"w6kA\"}}}]}}");
    assert_written(*state, "{\"a\":{\"S\":\"\\u0001\"}}", "{\"a\":{\"S\":\"\\u0001\"}}");
}

static void test_absent_attributes_are_null(void **state)
{
    struct fixture *fixture = *state;
    struct attribute attributes[] = {
        { .name = SPAN("gsi1pk"), .value = { .type = VALUE_TYPES } },
        { .name = SPAN("a"), .value = { .type = VALUE_NULL } },
    };
    struct item back;
    assert_int_equal(extra_put(&fixture->buf, attributes, 2, &fixture->err), LF_OK);
    assert_string_equal(buf_cstr(&fixture->buf), "{\"gsi1pk\":null,\"a\":{\"NULL\":true}}");
    assert_int_equal(extra_read(buf_span(&fixture->buf), &fixture->arena, &back, &fixture->err), LF_OK);
    assert_int_equal(back.count, 2);
    assert_int_equal(back.attributes[0].value.type, VALUE_TYPES);
    assert_int_equal(back.attributes[1].value.type, VALUE_NULL);
}

static void test_names_that_jsonb_cannot_hold(void **state)
{
    struct fixture *fixture = *state;
    static const char *const items[] = {
        "{\"a\\u0000\":{\"S\":\"x\"}}",
        "{\"a\":{\"L\":[{\"M\":{\"\\u0000\":{\"S\":\"x\"}}}]}}",
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        struct item item = item_from(fixture, items[i]);
        assert_int_equal(extra_put(&fixture->buf, item.attributes, item.count, &fixture->err), LF_ITEM);
    }
}

/* ---- reading ---- */

static void test_postgres_writes_it_in_its_own_way(void **state)
{
    struct fixture *fixture = *state;
    struct span text = SPAN("{\"b\": {\"SS\": [\"y\", \"x\"]}, \"aa\": {\"S64\": \"AA==\"}}");
    struct item back, expected = item_from(fixture, "{\"aa\":{\"S\":\"\\u0000\"},\"b\":{\"SS\":[\"x\",\"y\"]}}");
    assert_int_equal(extra_read(text, &fixture->arena, &back, &fixture->err), LF_OK);
    assert_true(item_equal(&back, &expected));
}

static void test_what_it_is_not(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        enum lf_code code;
    } cases[] = {
        { "", LF_SYNTAX },
        { "{", LF_SYNTAX },
        { "{} {}", LF_SYNTAX },
        { "[]", LF_ITEM },
        { "{\"a\":1}", LF_ITEM },
        { "{\"a\":{}}", LF_ITEM },
        { "{\"a\":{\"X\":\"\"}}", LF_ITEM },
        { "{\"a\":{\"64\":\"\"}}", LF_ITEM },
        { "{\"a\":{\"N64\":\"AA==\"}}", LF_ITEM },
        { "{\"a\":{\"S\":1}}", LF_ITEM },
        { "{\"a\":{\"N\":\"x\"}}", LF_ITEM },
        { "{\"a\":{\"B\":\"?\"}}", LF_ITEM },
        { "{\"a\":{\"S64\":\"/w==\"}}", LF_ITEM },
        { "{\"a\":{\"SS\":[]}}", LF_ITEM },
        { "{\"a\":{\"SS\":[\"x\",\"x\"]}}", LF_ITEM },
        { "{\"a\":{\"NS\":[\"1\",\"1.0\"]}}", LF_ITEM },
        { "{\"a\":{\"L\":[null]}}", LF_ITEM },
        { "{\"a\":{\"M\":{\"b\":null}}}", LF_ITEM },
        { "{\"a\":{\"BOOL\":\"true\"}}", LF_ITEM },
        { "{\"a\":{\"NULL\":false}}", LF_ITEM },
        { "{\"a\":{\"S\":\"x\",\"N\":\"1\"}}", LF_ITEM },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct item item;
        enum lf_code code = extra_read(span_from_cstr(cases[i].text), &fixture->arena, &item, &fixture->err);
        if (code != cases[i].code)
            fail_msg("%s: %s", cases[i].text, lf_code_info(code)->name);
    }
}

/* No name or string in it has U+0000. */
static void assert_jsonb_holds(struct fixture *fixture, struct span text)
{
    struct json_reader reader;
    struct json_token token;
    json_init(&reader, text, &fixture->arena);
    while (json_next(&reader, &token, &fixture->err) == LF_OK)
        assert_int_equal(span_find_byte(token.text, '\0'), token.text.len);
    assert_int_equal(json_offset(&reader), text.len);
}

static void test_generated_items_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    int written = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct item item = generate_item(&generator, &fixture->arena), back;
        buf_reset(&fixture->buf);
        if (extra_put(&fixture->buf, item.attributes, item.count, &fixture->err) == LF_OK) {
            struct span text = buf_span(&fixture->buf);
            assert_jsonb_holds(fixture, text);
            assert_int_equal(extra_read(text, &fixture->arena, &back, &fixture->err), LF_OK);
            assert_true(item_equal(&back, &item));
            written++;
        }
        arena_reset(&fixture->arena);
    }
    assert_true(written > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_dynamodb_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_jsonb_cannot_hold_is_base64, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_attributes_are_null, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_that_jsonb_cannot_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_postgres_writes_it_in_its_own_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_it_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_generated_items_come_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
