#include "shape_unit.h"

#include "gateway/reply.h"

enum { TEXT_BYTES_MAX = 1024 * 1024 };

static struct buf text;
static struct reply reply;

static int setup(void **state)
{
    buf_init(&text, TEXT_BYTES_MAX);
    reply_init(&reply, &text);
    return shape_setup(state);
}

static int teardown(void **state)
{
    buf_done(&text);
    return shape_teardown(state);
}

/* ---- writing ---- */

static void test_members_and_commas(void **state)
{
    (void)state;
    struct attribute attribute = { SPAN("a\""), value_string(SPAN("x")) };
    struct item item = { &attribute, 1 };
    reply_object_begin(&reply);
    reply_member_item(&reply, SPAN("Item"), &item);
    reply_member_string(&reply, SPAN("Text"), SPAN("a\nb"));
    reply_member_boolean(&reply, SPAN("Yes"), true);
    reply_member_boolean(&reply, SPAN("No"), false);
    reply_member_raw(&reply, SPAN("Raw"), SPAN("[1]"));
    reply_name(&reply, SPAN("List"));
    reply_array_begin(&reply);
    reply_array_begin(&reply);
    reply_array_end(&reply);
    reply_value(&reply, &attribute.value);
    reply_object_begin(&reply);
    reply_user_name(&reply, SPAN("\""));
    reply_integer(&reply, INT64_MIN);
    reply_object_end(&reply);
    reply_array_end(&reply);
    reply_member_integer(&reply, SPAN("Count"), 7);
    reply_object_end(&reply);
    assert_span(buf_span(&text),
                SPAN("{\"Item\":{\"a\\\"\":{\"S\":\"x\"}},\"Text\":\"a\\u000ab\",\"Yes\":true,\"No\":false,\"Raw\":[1],"
                     "\"List\":[[],{\"S\":\"x\"},{\"\\\"\":-9223372036854775808}],\"Count\":7}"));
}

static void test_numbers(void **state)
{
    (void)state;
    static const double doubles[] = { 0, 0.5, 1, 12.5, -3, 1e9, 1e20 };
    static const int64_t times[] = { 0, 1732185858125, 5, -5, -1500 };
    reply_array_begin(&reply);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        reply_double(&reply, doubles[i]);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        reply_timestamp(&reply, times[i]);
    reply_array_end(&reply);
    assert_span(buf_span(&text), SPAN("[0.0,0.5,1.0,12.5,-3.0,1000000000,1e+20,0.000,1732185858.125,0.005,-0.005,-1.500]"));
}

static struct span capacity_text(const struct consumed_capacity *capacity, enum capacity_detail detail)
{
    buf_reset(&text);
    reply_init(&reply, &text);
    reply_capacity(&reply, capacity, detail);
    return buf_span(&text);
}

static void test_capacity(void **state)
{
    (void)state;
    const struct consumed_index indexes[] = { { SPAN("g"), false, 1 }, { SPAN("l"), true, 2 }, { SPAN("h"), false, 0.5 } };
    struct consumed_capacity capacity = { .table_name = SPAN("abc"), .table_units = 3, .indexes = indexes, .index_count = 3 };
    assert_span(capacity_text(&capacity, CAPACITY_TOTAL), SPAN("{\"TableName\":\"abc\",\"CapacityUnits\":6.5}"));
    assert_span(capacity_text(&capacity, CAPACITY_INDEXES),
                SPAN("{\"TableName\":\"abc\",\"CapacityUnits\":6.5,\"Table\":{\"CapacityUnits\":3.0},"
                     "\"LocalSecondaryIndexes\":{\"l\":{\"CapacityUnits\":2.0}},"
                     "\"GlobalSecondaryIndexes\":{\"g\":{\"CapacityUnits\":1.0},\"h\":{\"CapacityUnits\":0.5}}}"));
    capacity =
        (struct consumed_capacity){ .table_name = SPAN("abc"), .table_units = 2, .is_transaction = true, .is_write = true };
    assert_span(capacity_text(&capacity, CAPACITY_TOTAL),
                SPAN("{\"TableName\":\"abc\",\"CapacityUnits\":2.0,\"WriteCapacityUnits\":2.0}"));
}

/* ---- checking ---- */

static void good(const struct shape *shape, const char *json)
{
    struct err err = ERR_INIT;
    assert_ok(err, shape_check_reply(shape, span_from_cstr(json), &arena, &err));
}

static void bad(const struct shape *shape, const char *json, const char *part)
{
    struct err err = ERR_INIT;
    enum lf_code code = shape_check_reply(shape, span_from_cstr(json), &arena, &err);
    assert_true(code == LF_ITEM || code == LF_SYNTAX);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.message);
}

static void test_replies_that_keep_their_shape(void **state)
{
    (void)state;
    good(&shape_get_item_reply, "{}");
    good(&shape_tag_resource_reply, "{}");
    good(&shape_get_item_reply,
         "{\"Item\":{\"a\":{\"N\":\"1\"}},\"ConsumedCapacity\":{\"TableName\":\"abc\",\"CapacityUnits\":0.5}}");
    good(&shape_describe_table_reply,
         "{\"Table\":{\"TableName\":\"abc\",\"TableStatus\":\"ACTIVE\",\"CreationDateTime\":1732185858.125,\"ItemCount\":0,"
         "\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"}],\"TableId\":\"01234567-89ab-cdef-0123-456789abcdef\","
         "\"DeletionProtectionEnabled\":false}}");
    good(&shape_batch_get_item_reply, "{\"Responses\":{\"abc\":[{\"a\":{\"S\":\"x\"}},{}]},\"UnprocessedKeys\":{}}");
}

static void test_replies_that_do_not(void **state)
{
    (void)state;
    bad(&shape_get_item_reply, "{\"item\":{}}", "has no member \"item\"");
    bad(&shape_tag_resource_reply, "{\"x\":1}", "has no member \"x\"");
    bad(&shape_get_item_reply, "{\"Item\":{\"a\":1}}", "expected");
    bad(&shape_get_item_reply, "{\"Item\":{},\"Item\":{}}", "there twice");
    bad(&shape_get_item_reply, "{\"ConsumedCapacity\":{\"CapacityUnits\":\"1\"}}", "\"ConsumedCapacity.CapacityUnits\"");
    bad(&shape_scan_reply, "{\"Count\":1.5}", "not an integer");
    bad(&shape_scan_reply, "{\"Count\":null}", "not a number");
    bad(&shape_describe_table_reply, "{\"Table\":{\"TableStatus\":\"active\"}}", "not one of the enum's values");
    bad(&shape_describe_table_reply, "{\"Table\":{\"TableName\":\"a;b\"}}", "pattern");
    bad(&shape_describe_table_reply, "{\"Table\":{\"KeySchema\":[]}}", "less than the shape allows");
    bad(&shape_describe_table_reply, "{\"Table\":{\"KeySchema\":[{\"AttributeName\":\"a\"}]}}", "required, and not there");
    bad(&shape_describe_endpoints_reply, "{}", "required, and not there");
    bad(&shape_batch_get_item_reply, "{\"Responses\":{\"\":[]}}", "less than the shape allows");
    bad(&shape_get_item_reply, "{}{}", "nothing behind");
    bad(&shape_get_item_reply, "", "the text ends");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members_and_commas, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_capacity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replies_that_keep_their_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replies_that_do_not, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
