#include "shape_unit.h"

#include "base/limits.h"
#include "codec/json.h"
#include "generate.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

/* A PutItem of an item with the attribute {"a": text}. */
static struct put_item_request put(const char *text)
{
    static char body[1024 * 1024];
    struct put_item_request request;
    (void)snprintf(body, sizeof body, "{\"TableName\":\"abc\",\"Item\":{\"a\":%s,\"z\":{\"S\":\"z\"}}}", text);
    read_request(&shape_put_item_request, body, &request);
    return request;
}

/* It is read, is null where it is wrong, and the error waits. */
static void wrong(const char *text, const char *message)
{
    struct put_item_request request = put(text);
    struct err err = ERR_INIT;
    assert_int_equal(shape_check_values(&request.head, &err), LF_VALIDATION);
    assert_string_equal(err.message, message);
    assert_int_equal(item_get(&request.item, SPAN("a"))->type, VALUE_NULL);
    assert_span(item_get(&request.item, SPAN("z"))->bytes, SPAN("z"));
}

static struct value right(const char *text)
{
    struct put_item_request request = put(text);
    struct err err = ERR_INIT;
    assert_ok(err, shape_check_values(&request.head, &err));
    return *item_get(&request.item, SPAN("a"));
}

#define EMPTY_VALUE "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
#define TWO_TYPES "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
#define INVALID "One or more parameter values were invalid: "

static void test_types(void **state)
{
    (void)state;
    wrong("{}", EMPTY_VALUE);
    wrong("null", EMPTY_VALUE);
    wrong("{\"a\":\"\"}", EMPTY_VALUE);
    wrong("{\"S\":null}", EMPTY_VALUE);
    wrong("{\"L\":[{}]}", EMPTY_VALUE);
    wrong("{\"L\":[null]}", EMPTY_VALUE);
    wrong("{\"M\":{\"x\":{\"x\":1}}}", EMPTY_VALUE);
    wrong("{\"S\":\"a\",\"N\":\"1\"}", TWO_TYPES);
    wrong("{\"L\":[],\"M\":{}}", TWO_TYPES);
    wrong("{\"BOOL\":true,\"NULL\":true}", TWO_TYPES);
    wrong("{\"NULL\":false}", INVALID "Null attribute value types must have the value of true");
}

static void test_what_other_members_do_not_spoil(void **state)
{
    (void)state;
    assert_span(right("{\"S\":\"x\",\"X\":[{\"N\":1}]}").bytes, SPAN("x"));
    assert_span(right("{\"N\":null,\"S\":\"x\"}").bytes, SPAN("x"));
    assert_true(number_equal(right("{\"x\":0,\"N\":\"-1.50\"}").number, (struct number){ 15, -1, true }));
    assert_span(right("{\"x\":0,\"B\":\"AP8=\"}").bytes, SPAN("\x00\xFF"));
    assert_int_equal(right("{\"x\":0,\"NULL\":true}").type, VALUE_NULL);
    assert_false(right("{\"x\":0,\"BOOL\":false}").boolean);
    struct value list =
        right("{\"x\":0,\"L\":[{\"SS\":[\"a\",\"b\"]},{\"NS\":[\"1\"]},{\"BS\":[\"AA==\"]},{\"M\":{\"k\":{\"BOOL\":true}}}]}");
    assert_int_equal(list.list.count, 4);
    assert_int_equal(list.list.values[0].list.count, 2);
    assert_int_equal(list.list.values[1].list.values[0].type, VALUE_N);
    assert_span(list.list.values[2].list.values[0].bytes, SPAN("\0"));
    assert_true(map_get(&list.list.values[3], SPAN("k"))->boolean);
}

static void test_sets(void **state)
{
    (void)state;
    wrong("{\"SS\":[]}", INVALID "An string set  may not be empty");
    wrong("{\"NS\":[]}", INVALID "An number set  may not be empty");
    wrong("{\"BS\":[]}", INVALID "Binary sets should not be empty");
    wrong("{\"SS\":[\"a\",\"a\"]}", INVALID "Input collection [a, a] contains duplicates.");
    wrong("{\"NS\":[\"1\",\"1.0\"]}", "Input collection contains duplicates");
    wrong("{\"BS\":[\"Yg==\",\"Yg==\"]}", INVALID "Input collection [Yg==, Yg==]of type BS contains duplicates.");
    wrong("{\"NS\":[\"1\",\"b\",\"a\"]}", "The parameter cannot be converted to a numeric value: b");
    wrong("{\"NS\":[\"1\",\"\"]}", "The parameter cannot be converted to a numeric value");
    assert_int_equal(right("{\"SS\":[\"\"]}").list.count, 1);
}

static void test_numbers(void **state)
{
    (void)state;
    wrong("{\"N\":\"\"}", "The parameter cannot be converted to a numeric value");
    wrong("{\"N\":\"b\"}", "The parameter cannot be converted to a numeric value: b");
    wrong("{\"N\":\"123456789012345678901234567890123456789\"}",
          "Attempting to store more than 38 significant digits in a Number");
    wrong("{\"N\":\"1e126\"}", "Number overflow. Attempting to store a number with magnitude larger than supported range");
    wrong("{\"N\":\"-1e-131\"}", "Number underflow. Attempting to store a number with magnitude smaller than supported range");
    assert_int_equal(right("{\"N\":\"12345678901234567890123456789012345678\"}").type, VALUE_N);
    assert_int_equal(right("{\"N\":\"1e125\"}").type, VALUE_N);
    assert_int_equal(right("{\"N\":\"1e-130\"}").type, VALUE_N);
}

static void nested(char *text, int levels)
{
    text[0] = '\0';
    for (int i = 0; i < levels; i++)
        strcat(text, i % 2 ? "{\"M\":{\"k\":" : "{\"L\":[");
    strcat(text, "{\"S\":\"x\"}");
    for (int i = levels; i-- > 0;)
        strcat(text, i % 2 ? "}}" : "]}");
}

static void test_nesting(void **state)
{
    (void)state;
    char text[4096];
    nested(text, LIMIT_NESTING - 2);
    (void)right(text);
    nested(text, LIMIT_NESTING - 1);
    (void)right(text);
    nested(text, LIMIT_NESTING);
    wrong(text,
          "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit");
}

static void test_names(void **state)
{
    (void)state;
    struct put_item_request request;
    struct err err = ERR_INIT;
    wrong("{\"M\":{\"\":{\"S\":\"x\"}}}", "Empty attribute name");
    read_request(&shape_put_item_request, "{\"TableName\":\"abc\",\"Item\":{\"\":{\"S\":\"x\"}}}", &request);
    assert_int_equal(shape_check_values(&request.head, &err), LF_VALIDATION);
    assert_string_equal(err.message, "Empty attribute name");
}

/* Its size is the operation's to judge. */
static void test_items_beyond_the_limit_are_read(void **state)
{
    (void)state;
    struct put_item_request request;
    struct err err = ERR_INIT;
    size_t len = LIMIT_ITEM_BYTES + 1;
    char *body = arena_alloc(&arena, len + 100, &err), *at = stpcpy(body, "{\"TableName\":\"abc\",\"Item\":{\"a\":{\"S\":\"");
    strcpy((char *)memset(at, 'x', len) + len, "\"}}}");
    read_request(&shape_put_item_request, body, &request);
    assert_ok(err, shape_check_values(&request.head, &err));
    assert_int_equal(item_get(&request.item, SPAN("a"))->bytes.len, len);
}

static void waiting(const struct shape *shape, const char *body, const char *message)
{
    union any_request request;
    struct err err = ERR_INIT;
    read_request(shape, body, &request);
    assert_int_equal(shape_check_values(&request.head, &err), LF_VALIDATION);
    assert_string_equal(err.message, message);
}

static void test_errors_in_the_parameters_own_words(void **state)
{
    (void)state;
    waiting(&shape_put_item_request,
            "{\"TableName\":\"abc\",\"Item\":{},\"ExpressionAttributeValues\":{\":x\":{},\":y\":{\"S\":\"\"}}}",
            "ExpressionAttributeValues contains invalid value: " EMPTY_VALUE " for key :x");
    waiting(&shape_scan_request, "{\"TableName\":\"abc\",\"ExclusiveStartKey\":{\"a\":{\"N\":\"x\"}}}",
            "The provided starting key is invalid: The parameter cannot be converted to a numeric value: x");
    waiting(&shape_query_request,
            "{\"TableName\":\"abc\",\"KeyConditions\":{\"a\":{\"ComparisonOperator\":\"EQ\",\"AttributeValueList\":[{}]}}}",
            EMPTY_VALUE);
    waiting(&shape_update_item_request, "{\"TableName\":\"abc\",\"Key\":{},\"AttributeUpdates\":{\"a\":{\"Value\":{\"SS\":[]}}}}",
            INVALID "An string set  may not be empty");
    waiting(&shape_execute_statement_request, "{\"Statement\":\"s\",\"Parameters\":[{\"S\":\"x\"},{}]}", EMPTY_VALUE);
}

/* Not in the order of the text. */
static void test_the_first_member_in_aws_order_is_told(void **state)
{
    (void)state;
    waiting(&shape_put_item_request,
            "{\"ExpressionAttributeValues\":{\":x\":{}},\"Item\":{\"a\":{\"N\":\"1st\"},\"b\":{\"N\":\"2nd\"}},\"TableName\":"
            "\"abc\"}",
            "The parameter cannot be converted to a numeric value: 1st");
}

static void test_constraints_come_before_values(void **state)
{
    (void)state;
    assert_refused(
        &shape_get_item_request, "{\"Key\":{\"a\":{}}}", LF_VALIDATION,
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null");
}

static void test_legacy_values(void **state)
{
    (void)state;
    struct put_item_request request;
    read_request(&shape_put_item_request,
                 "{\"TableName\":\"abc\",\"Item\":{},\"Expected\":{\"a\":{\"Value\":{\"S\":\"x\"}},\"b\":{\"Exists\":false,"
                 "\"Value\":null}}}",
                 &request);
    assert_span(request.expected.entries[0].value.value->bytes, SPAN("x"));
    assert_false(request.expected.entries[0].value.has_exists);
    assert_null(request.expected.entries[1].value.value);
    assert_true(request.expected.entries[1].value.has_exists && !request.expected.entries[1].value.exists);
}

/* ---- random items ---- */

enum { ROUNDS = 500 };

/* A member that no attribute value has sends the reader the long way round; both must see the same item. */
static void put_with_strangers(struct buf *text, const struct item *item)
{
    buf_put_cstr(text, "{\"TableName\":\"abc\",\"Item\":{");
    for (size_t i = 0; i < item->count; i++) {
        buf_put_cstr(text, i ? "," : "");
        json_put_string(text, item->attributes[i].name);
        buf_put_cstr(text, ":{\"stranger\":[],");
        size_t brace = text->len;
        ddbjson_put_value(text, &item->attributes[i].value);
        text->data[brace] = ' ';
    }
    buf_put_cstr(text, "}}");
}

static void test_random_items(void **state)
{
    (void)state;
    struct generator generator;
    struct arena items;
    struct buf text;
    generator_init(&generator, generator_seed());
    arena_init(&items, SHAPE_ARENA_BYTES);
    buf_init(&text, SHAPE_ARENA_BYTES);
    for (int round = 0; round < ROUNDS; round++) {
        struct put_item_request request;
        struct item item = generate_item(&generator, &items);
        struct err err = ERR_INIT;
        put_with_strangers(&text, &item);
        assert_ok(err, shape_read(&shape_put_item_request, buf_span(&text), &arena, &request, &err));
        assert_ok(err, shape_check_values(&request.head, &err));
        assert_true(item_equal(&item, &request.item));
        buf_reset(&text);
        buf_put_cstr(&text, "{\"TableName\":\"abc\",\"Item\":");
        ddbjson_put_item(&text, &item);
        buf_put_cstr(&text, "}");
        assert_ok(err, shape_read(&shape_put_item_request, buf_span(&text), &arena, &request, &err));
        assert_true(item_equal(&item, &request.item));
        buf_reset(&text);
        arena_reset(&items);
    }
    buf_done(&text);
    arena_done(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_what_other_members_do_not_spoil, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_sets, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_numbers, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_nesting, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_names, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_items_beyond_the_limit_are_read, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_errors_in_the_parameters_own_words, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_the_first_member_in_aws_order_is_told, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_constraints_come_before_values, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_legacy_values, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_random_items, shape_setup, shape_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
