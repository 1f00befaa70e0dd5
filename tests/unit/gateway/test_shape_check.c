#include "shape_unit.h"

#define NOT_NULL(path) "Value null at '" path "' failed to satisfy constraint: Member must not be null"

static void refuse(const struct shape *shape, const char *body, const char *message)
{
    assert_refused(shape, body, LF_VALIDATION, message);
}

static void test_required_members(void **state)
{
    (void)state;
    refuse(&shape_get_item_request, "{}", "2 validation errors detected: " NOT_NULL("tableName") "; " NOT_NULL("key"));
    refuse(&shape_get_item_request, "{\"TableName\":\"abc\"}", "1 validation error detected: " NOT_NULL("key"));
    refuse(&shape_get_item_request, "{\"TableName\":\"abc\",\"Key\":null}", "1 validation error detected: " NOT_NULL("key"));
    refuse(&shape_batch_get_item_request, "{}", "1 validation error detected: " NOT_NULL("requestItems"));
}

static void test_all_violations_are_listed(void **state)
{
    (void)state;
    refuse(
        &shape_get_item_request, "{\"TableName\":\"\",\"ReturnConsumedCapacity\":\"hi\",\"AttributesToGet\":[]}",
        "4 validation errors detected: Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy "
        "enum value set: [INDEXES, TOTAL, NONE]; Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have "
        "length greater than or equal to 1; Value '' at 'tableName' failed to satisfy constraint: Member must have length "
        "greater "
        "than or equal to 1; " NOT_NULL("key"));
}

static void test_no_more_than_ten_violations(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    union any_request request;
    struct span body = SPAN("{\"TableName\":\"abc\",\"AttributeDefinitions\":[{},{},{},{},{},{}],"
                            "\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"}]}");
    assert_int_equal(shape_read(&shape_create_table_request, body, &arena, &request, &err), LF_VALIDATION);
    assert_true(span_starts_with(span_from_cstr(err.message), SPAN("10 validation errors detected: ")));
}

static void test_enums_in_the_order_of_aws(void **state)
{
    (void)state;
    refuse(
        &shape_put_item_request, "{\"TableName\":\"abc\",\"Item\":{},\"ReturnValues\":\"all_old\"}",
        "1 validation error detected: Value 'all_old' at 'returnValues' failed to satisfy constraint: Member must satisfy enum "
        "value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]");
    refuse(&shape_scan_request, "{\"TableName\":\"abc\",\"ScanFilter\":{\"a\":{\"ComparisonOperator\":\"is\\t\"}}}",
           "1 validation error detected: Value 'is\t' at 'scanFilter.a.member.comparisonOperator' failed to satisfy constraint: "
           "Member "
           "must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, "
           "CONTAINS]");
}

static void test_paths(void **state)
{
    (void)state;
    refuse(
        &shape_create_table_request,
        "{\"TableName\":\"abc\",\"AttributeDefinitions\":[{\"AttributeName\":\"a\",\"AttributeType\":\"S\"},{\"AttributeType\":"
        "\"SS\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"}],\"ProvisionedThroughput\":{}}",
        "4 validation errors detected: " NOT_NULL(
            "attributeDefinitions.2.member.attributeName") "; Value 'SS' at "
                                                           "'attributeDefinitions.2.member.attributeType' failed to satisfy "
                                                           "constraint: Member must satisfy enum value set: [B, N, S]; " NOT_NULL(
                                                               "provisionedThroughput.writeCapacityUnits") "; " NOT_NULL("provisi"
                                                                                                                         "onedThr"
                                                                                                                         "oughput"
                                                                                                                         ".readCa"
                                                                                                                         "pacityU"
                                                                                                                         "nits"));
    refuse(&shape_batch_write_item_request, "{\"RequestItems\":{\"abc\":[{\"PutRequest\":{},\"DeleteRequest\":{}}]}}",
           "2 validation errors detected: " NOT_NULL("requestItems.abc.member.1.member.deleteRequest.key") "; " NOT_NULL(
               "requestItems.abc.member.1.member.putRequest.item"));
    refuse(&shape_transact_get_items_request, "{\"TransactItems\":[null]}",
           "1 validation error detected: " NOT_NULL("transactItems.1.member.get"));
}

/* ---- at the edges ---- */

static enum lf_code read_limit(long limit)
{
    char body[128];
    struct list_tables_request request;
    struct err err;
    (void)snprintf(body, sizeof body, "{\"Limit\":%ld}", limit);
    return shape_read(&shape_list_tables_request, span_from_cstr(body), &arena, &request, &err);
}

static void test_ranges_of_integers(void **state)
{
    (void)state;
    assert_int_equal(read_limit(0), LF_VALIDATION);
    assert_int_equal(read_limit(1), LF_OK);
    assert_int_equal(read_limit(100), LF_OK);
    assert_int_equal(read_limit(101), LF_VALIDATION);
    refuse(
        &shape_list_tables_request, "{\"Limit\":0}",
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or "
        "equal to 1");
    refuse(
        &shape_list_tables_request, "{\"Limit\":101}",
        "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or "
        "equal to 100");
    refuse(&shape_update_table_request,
           "{\"TableName\":\"abc\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":-1}}",
           "1 validation error detected: Value '-1' at 'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: "
           "Member "
           "must have value greater than or equal to 1");
}

/* A request with `count` times `text` between `begin` and `end`, separated by `joint`. */
static char *repeated(const char *begin, const char *text, size_t count, const char *joint, const char *end)
{
    char *body =
        arena_alloc(&arena, strlen(begin) + count * (strlen(text) + strlen(joint)) + strlen(end) + 1, &(struct err)ERR_INIT);
    char *at = stpcpy(body, begin);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(stpcpy(at, i ? joint : ""), text);
    strcpy(at, end);
    return body;
}

static void check_length(const struct shape *shape, const char *begin, const char *text, const char *joint, const char *end,
                         size_t min, size_t max)
{
    union any_request request;
    struct err err;
    for (size_t count = min ? min - 1 : 0; count <= min + 1; count++)
        assert_int_equal(shape_read(shape, span_from_cstr(repeated(begin, text, count, joint, end)), &arena, &request, &err),
                         count >= min ? LF_OK : LF_VALIDATION);
    for (size_t count = max - 1; count <= max + 1; count++)
        assert_int_equal(shape_read(shape, span_from_cstr(repeated(begin, text, count, joint, end)), &arena, &request, &err),
                         count <= max ? LF_OK : LF_VALIDATION);
}

static void test_lengths(void **state)
{
    (void)state;
    check_length(&shape_query_request, "{\"TableName\":\"abc\",\"IndexName\":\"", "i", "", "\"}", 3, 255);
    check_length(&shape_get_item_request, "{\"Key\":{},\"TableName\":\"", "i", "", "\"}", 3, 255);
    check_length(
        &shape_get_shard_iterator_request,
        "{\"StreamArn\":\"arn:aws:dynamodb:us-east-1:000000000000:table/abc\",\"ShardIteratorType\":\"LATEST\",\"ShardId\":\"",
        "s", "", "\"}", 28, 65);
    check_length(&shape_batch_get_item_request, "{\"RequestItems\":{\"abc\":{\"Keys\":[", "{}", ",", "]}}}", 1, 100);
    check_length(&shape_batch_write_item_request, "{\"RequestItems\":{\"abc\":[", "{\"PutRequest\":{\"Item\":{}}}", ",", "]}}", 1,
                 25);
    check_length(&shape_transact_write_items_request, "{\"TransactItems\":[", "{}", ",", "]}", 1, 100);
    check_length(&shape_execute_statement_request, "{\"Statement\":\"", "s", "", "\"}", 1, 8192);
}

static void test_constraints_of_parts(void **state)
{
    (void)state;
    refuse(&shape_batch_write_item_request, "{\"RequestItems\":{\"abc\":[]}}",
           "1 validation error detected: Value '{abc=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy "
           "constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]");
    refuse(
        &shape_batch_write_item_request, "{\"RequestItems\":{}}",
        "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater "
        "than or equal to 1");
    refuse(
        &shape_batch_get_item_request, "{\"RequestItems\":{\"\":{\"Keys\":[{}]}}}",
        "1 validation error detected: Value '{=com.amazonaws.dynamodb.v20120810.KeysAndAttributes}' at 'requestItems' failed to "
        "satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must "
        "have length greater than or equal to 1]");
    refuse(
        &shape_untag_resource_request, "{\"ResourceArn\":\"a\",\"TagKeys\":[\"b\",\"\"]}",
        "1 validation error detected: Value '[b, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]");
}

static void test_long_lists_are_not_shown_to_their_end(void **state)
{
    (void)state;
    const char *body = repeated("{\"RequestItems\":{\"abc\":[", "{\"PutRequest\":{\"Item\":{}}}", 26, ",", "]}}");
    struct err err = ERR_INIT;
    union any_request request;
    assert_int_equal(shape_read(&shape_batch_write_item_request, span_from_cstr(body), &arena, &request, &err), LF_VALIDATION);
    assert_true(span_ends_with(
        span_from_cstr(err.message),
        SPAN(", ...]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must "
             "have length less than or equal to 25, Member must have length greater than or equal to 1]")));
}

/* ---- patterns ---- */

static bool bucket_is_taken(const char *bucket)
{
    char body[512];
    struct export_table_to_point_in_time_request request;
    struct err err;
    (void)snprintf(body, sizeof body, "{\"TableArn\":\"a\",\"S3Bucket\":\"%s\"}", bucket);
    return shape_read(&shape_export_table_to_point_in_time_request, span_from_cstr(body), &arena, &request, &err) == LF_OK;
}

static void test_patterns(void **state)
{
    (void)state;
    assert_true(bucket_is_taken("ab"));
    assert_true(bucket_is_taken("a.b-c_d9"));
    assert_true(bucket_is_taken("A9"));
    assert_false(bucket_is_taken("a"));
    assert_false(bucket_is_taken(""));
    assert_false(bucket_is_taken("a."));
    assert_false(bucket_is_taken("-ab"));
    assert_false(bucket_is_taken("a b"));
    refuse(&shape_scan_request, "{\"TableName\":\"abc\",\"IndexName\":\"a;\"}",
           "2 validation errors detected: Value 'a;' at 'indexName' failed to satisfy constraint: Member must satisfy regular "
           "expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at 'indexName' failed to satisfy constraint: Member must have length "
           "greater "
           "than or equal to 3");
}

static void test_pattern_with_other_characters(void **state)
{
    (void)state;
    union any_request request;
    struct err err;
    const struct shape *shape = &shape_export_table_to_point_in_time_request;
    assert_ok(err, shape_read(shape, SPAN("{\"TableArn\":\"a\",\"S3Bucket\":\"ab\",\"ClientToken\":\"\xC3\xA9 x\"}"), &arena,
                              &request, &err));
    refuse(shape, "{\"TableArn\":\"a\",\"S3Bucket\":\"ab\",\"ClientToken\":\"a$\"}",
           "1 validation error detected: Value 'a$' at 'clientToken' failed to satisfy constraint: Member must satisfy regular "
           "expression "
           "pattern: ^[^\\$]+$");
    refuse(
        shape, "{\"TableArn\":\"a\",\"S3Bucket\":\"ab\",\"S3BucketOwner\":\"12345678901\"}",
        "1 validation error detected: Value '12345678901' at 's3BucketOwner' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [0-9]{12}");
}

/* ---- names of tables ---- */

#define INVALID_NAME                                                                                                    \
    "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the " \
    "characters "                                                                                                       \
    "a-z, A-Z, 0-9, '_', '-', and '.'"

static void test_names_of_tables(void **state)
{
    (void)state;
    struct get_item_request request;
    refuse(&shape_get_item_request, "{\"TableName\":\"ab\",\"Key\":{}}", INVALID_NAME);
    refuse(&shape_get_item_request, "{\"TableName\":\"abc;\",\"Key\":{}}", INVALID_NAME);
    refuse(&shape_get_item_request, "{\"TableName\":\"ab\"}", "1 validation error detected: " NOT_NULL("key"));
    refuse(&shape_batch_get_item_request, "{\"RequestItems\":{\"abc\":{\"Keys\":[{}]},\"a\":{\"Keys\":[{}]}}}", INVALID_NAME);
    refuse(&shape_transact_get_items_request, "{\"TransactItems\":[{\"Get\":{\"Key\":{},\"TableName\":\"a\"}}]}", INVALID_NAME);
    read_request(&shape_get_item_request, "{\"TableName\":\"arn:aws:dynamodb:eu-west-1:000000000000:table/abc\",\"Key\":{}}",
                 &request);
}

static void test_names_of_tables_that_are_managed(void **state)
{
    (void)state;
    static const char short_name[] = "TableName must be at least 3 characters long and at most 255 characters long";
    const struct shape *shapes[] = { &shape_create_table_request, &shape_delete_table_request, &shape_describe_table_request,
                                     &shape_update_table_request };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        refuse(shapes[i], "{}", "The parameter 'TableName' is required but was not present in the request");
        refuse(shapes[i], "{\"TableName\":\"\"}", short_name);
        refuse(shapes[i], "{\"TableName\":\"a;\"}", short_name);
        refuse(shapes[i], repeated("{\"TableName\":\"", "a", 256, "", "\"}"), short_name);
    }
    refuse(&shape_create_table_request, "{\"TableName\":\"abc;\"}",
           "3 validation errors detected: " NOT_NULL(
               "attributeDefinitions") "; Value 'abc;' at 'tableName' failed to satisfy "
                                       "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " NOT_NULL(
                                           "keySchema"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_required_members, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_all_violations_are_listed, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_no_more_than_ten_violations, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_enums_in_the_order_of_aws, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_paths, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_ranges_of_integers, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_lengths, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_constraints_of_parts, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_long_lists_are_not_shown_to_their_end, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_patterns, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_pattern_with_other_characters, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_names_of_tables, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_names_of_tables_that_are_managed, shape_setup, shape_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
