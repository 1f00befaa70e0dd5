#include "shape_unit.h"

#include "gateway/shape_write.h"

enum { TEXT_BYTES_MAX = 64 * 1024 };

static union any_request request;

/* What is written of a body that was read; borrowed from a buffer that lives until the next call. */
static const char *written(const struct shape *shape, const char *body)
{
    static struct buf text;
    struct err err = ERR_INIT;
    buf_done(&text);
    buf_init(&text, TEXT_BYTES_MAX);
    memset(&request, 0, sizeof request);
    read_request(shape, body, &request);
    shape_write(shape, &request, &text);
    assert_ok(err, buf_check(&text, &err));
    return buf_cstr(&text);
}

static void test_a_definition_comes_back_as_it_was(void **state)
{
    (void)state;
    const char *body =
        "{\"AttributeDefinitions\":[{\"AttributeName\":\"a\",\"AttributeType\":\"S\"},{\"AttributeName\":\"n\\\"\\u0000ü\","
        "\"AttributeType\":\"N\"}],\"TableName\":\"Orders\",\"BillingMode\":\"PROVISIONED\",\"ProvisionedThroughput\":{"
        "\"WriteCapacityUnits\":1,\"ReadCapacityUnits\":40000},\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"}],"
        "\"GlobalSecondaryIndexes\":[{\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[\"x\",\"y\"]},"
        "\"IndexName\":\"by_n\",\"KeySchema\":[{\"AttributeName\":\"n\\\"\\u0000ü\",\"KeyType\":\"HASH\"}],"
        "\"WarmThroughput\":{\"ReadUnitsPerSecond\":-1}}],\"StreamSpecification\":{\"StreamEnabled\":false},"
        "\"Tags\":[],\"DeletionProtectionEnabled\":true}";
    assert_string_equal(written(&shape_create_table_request, body), body);
}

static void test_every_kind_of_member(void **state)
{
    (void)state;
    const char *body = "{\"Limit\":7,\"AttributesToGet\":[\"a\"],\"QueryFilter\":{\"q\":{\"AttributeValueList\":[{\"N\":\"1\"},{"
                       "\"L\":[]}],\"ComparisonOperator\":\"IN\"}},\"ExclusiveStartKey\":{\"a\":{\"B\":\"AAE=\"}},\"TableName\":"
                       "\"abc\",\"ConsistentRead\":false,\"ExpressionAttributeNames\":{\"#a\":\"b\"},"
                       "\"ExpressionAttributeValues\":{}}";
    assert_string_equal(written(&shape_query_request, body), body);
    body = "{\"Expected\":{\"a\":{\"Exists\":true,\"Value\":{\"S\":\"x\"}}},\"TableName\":\"abc\",\"Item\":{}}";
    const char *text = written(&shape_put_item_request, body);
    assert_non_null(strstr(text, "\"Expected\":{\"a\":{\"Exists\":true,\"Value\":{\"S\":\"x\"}}}"));
}

static void test_what_is_not_given_is_not_written(void **state)
{
    (void)state;
    assert_string_equal(written(&shape_list_tables_request, "{\"Limit\":null,\"Unknown\":1}"), "{}");
}

static void test_a_small_buffer_says_so(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf text;
    buf_init(&text, 8);
    memset(&request, 0, sizeof request);
    read_request(&shape_list_tables_request, "{\"Limit\":100}", &request);
    shape_write(&shape_list_tables_request, &request, &text);
    assert_int_equal(buf_check(&text, &err), LF_MEMORY);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_definition_comes_back_as_it_was),
        cmocka_unit_test(test_every_kind_of_member),
        cmocka_unit_test(test_what_is_not_given_is_not_written),
        cmocka_unit_test(test_a_small_buffer_says_so),
    };
    return cmocka_run_group_tests(tests, shape_setup, shape_teardown);
}
