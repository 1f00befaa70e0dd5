#include "shape_unit.h"

/* ---- what is read ---- */

static void test_every_kind_of_member(void **state)
{
    (void)state;
    struct query_request query;
    read_request(
        &shape_query_request,
        " { \"TableName\" : \"abc\", \"Limit\":7,\"ConsistentRead\":true,\"ScanIndexForward\":false,\"Select\":\"COUNT\","
        "\"AttributesToGet\":[\"a\",\"b\\u0000\"],\"ExclusiveStartKey\":{\"a\":{\"S\":\"x\"}},"
        "\"ExpressionAttributeNames\":{\"#a\":\"b\"},\"ExpressionAttributeValues\":{},"
        "\"QueryFilter\":{\"q\":{\"ComparisonOperator\":\"IN\",\"AttributeValueList\":[{\"N\":\"1\"},{\"L\":[]}]}}} ",
        &query);
    assert_span(query.table_name, SPAN("abc"));
    assert_true(query.has_limit && query.limit == 7);
    assert_true(query.has_consistent_read && query.consistent_read);
    assert_true(query.has_scan_index_forward && !query.scan_index_forward);
    assert_int_equal(query.select, API_SELECT_COUNT);
    assert_int_equal(query.attributes_to_get.count, 2);
    assert_span(query.attributes_to_get.values[1], SPAN("b\0"));
    assert_span(item_get(&query.exclusive_start_key, SPAN("a"))->bytes, SPAN("x"));
    assert_int_equal(query.expression_attribute_names.count, 1);
    assert_span(query.expression_attribute_names.entries[0].name, SPAN("#a"));
    assert_span(query.expression_attribute_names.entries[0].value, SPAN("b"));
    assert_true(query.expression_attribute_values.attributes && query.expression_attribute_values.count == 0);
    const struct api_condition_entry *condition = query.query_filter.entries;
    assert_span(condition->name, SPAN("q"));
    assert_int_equal(condition->value.comparison_operator, API_COMPARISON_OPERATOR_IN);
    assert_int_equal(condition->value.attribute_value_list.count, 2);
    assert_int_equal(condition->value.attribute_value_list.values[1].type, VALUE_L);
    assert_null(query.head.value_error);
}

static void test_what_is_not_given(void **state)
{
    (void)state;
    struct query_request query;
    read_request(&shape_query_request, "{\"TableName\":\"abc\",\"Limit\":null,\"ExclusiveStartKey\":null,\"IndexName\":null}",
                 &query);
    assert_false(query.has_limit || query.has_consistent_read);
    assert_null(query.index_name.ptr);
    assert_null(query.exclusive_start_key.attributes);
    assert_null(query.attributes_to_get.values);
    assert_null(query.expression_attribute_names.entries);
    assert_int_equal(query.select, API_SELECT_UNSET);
    assert_int_equal(query.return_consumed_capacity, API_RETURN_CONSUMED_CAPACITY_UNSET);
}

static void test_empty_is_given(void **state)
{
    (void)state;
    struct query_request query;
    read_request(&shape_query_request,
                 "{\"TableName\":\"abc\",\"ExclusiveStartKey\":{},\"ExpressionAttributeNames\":{},\"QueryFilter\":{},"
                 "\"FilterExpression\":\"\"}",
                 &query);
    assert_non_null(query.exclusive_start_key.attributes);
    assert_non_null(query.expression_attribute_names.entries);
    assert_non_null(query.query_filter.entries);
    assert_true(query.filter_expression.ptr && query.filter_expression.len == 0);
}

static void test_structures_in_structures(void **state)
{
    (void)state;
    struct transact_write_items_request request;
    read_request(&shape_transact_write_items_request,
                 "{\"TransactItems\":[{\"Put\":{\"TableName\":\"abc\",\"Item\":{\"a\":{\"N\":\"1\"}},"
                 "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}},{\"Delete\":{\"Key\":{},\"TableName\":\"t12\"}}]}",
                 &request);
    assert_int_equal(request.transact_items.count, 2);
    const struct api_transact_write_item *items = request.transact_items.values;
    assert_null(items[0].delete);
    assert_span(items[0].put->table_name, SPAN("abc"));
    assert_int_equal(items[0].put->return_values_on_condition_check_failure,
                     API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD);
    assert_span(items[1].delete->table_name, SPAN("t12"));
    assert_null(items[1].put);
}

static void test_lists_in_maps_and_items_in_lists(void **state)
{
    (void)state;
    struct batch_write_item_request write;
    read_request(
        &shape_batch_write_item_request,
        "{\"RequestItems\":{\"abc\":[{\"PutRequest\":{\"Item\":{}}},{\"DeleteRequest\":{\"Key\":{\"k\":{\"B\":\"AA==\"}}}}],"
        "\"def\":[{\"PutRequest\":{\"Item\":{}}}]}}",
        &write);
    assert_int_equal(write.request_items.count, 2);
    assert_span(write.request_items.entries[0].name, SPAN("abc"));
    assert_int_equal(write.request_items.entries[0].value.count, 2);
    assert_span(item_get(&write.request_items.entries[0].value.values[1].delete_request->key, SPAN("k"))->bytes, SPAN("\0"));

    struct batch_get_item_request get;
    read_request(&shape_batch_get_item_request, "{\"RequestItems\":{\"abc\":{\"Keys\":[{\"k\":{\"S\":\"1\"}} , {}]}}}", &get);
    assert_int_equal(get.request_items.entries[0].value.keys.count, 2);
    assert_span(item_get(&get.request_items.entries[0].value.keys.values[0], SPAN("k"))->bytes, SPAN("1"));
    assert_non_null(get.request_items.entries[0].value.keys.values[1].attributes);
}

static void test_unknown_members_are_passed_over(void **state)
{
    (void)state;
    struct get_item_request request;
    read_request(
        &shape_get_item_request,
        "{\"\":1,\"x\":{\"TableName\":[{}]},\"TableNam\":1,\"TableNames\":[],\"tableName\":2,\"TableName\":\"abc\",\"Key\":{}}",
        &request);
    assert_span(request.table_name, SPAN("abc"));
}

static void test_the_last_of_equal_names_counts(void **state)
{
    (void)state;
    struct put_item_request request;
    read_request(
        &shape_put_item_request,
        "{\"TableName\":\"abc\",\"TableName\":\"def\",\"Item\":{\"b\":{\"S\":\"1\"},\"a\":{\"S\":\"0\"},\"b\":{\"S\":\"2\"}},"
        "\"ExpressionAttributeNames\":{\"#a\":\"x\",\"#b\":\"y\",\"#a\":\"z\"}}",
        &request);
    assert_span(request.table_name, SPAN("def"));
    assert_int_equal(request.item.count, 2);
    assert_span(item_get(&request.item, SPAN("b"))->bytes, SPAN("2"));
    assert_int_equal(request.expression_attribute_names.count, 2);
    assert_span(request.expression_attribute_names.entries[0].value, SPAN("z"));
    assert_null(request.head.value_error);
}

static int64_t limit_of(const char *number)
{
    char body[512];
    struct query_request query;
    (void)snprintf(body, sizeof body, "{\"TableName\":\"abc\",\"Limit\":%s}", number);
    read_request(&shape_query_request, body, &query);
    return query.limit;
}

static void test_integers(void **state)
{
    (void)state;
    assert_int_equal(limit_of("1"), 1);
    assert_int_equal(limit_of("1.9"), 1);
    assert_int_equal(limit_of("2e2"), 200);
    assert_int_equal(limit_of("2147483647"), INT32_MAX);
    assert_int_equal(limit_of("2147483648"), INT32_MAX);
    assert_int_equal(limit_of("999999999999999999"), INT32_MAX);
    assert_int_equal(limit_of("99999999999999999999999999"), INT32_MAX);
    assert_int_equal(limit_of("1e999"), INT32_MAX);
}

static void test_longs_and_timestamps(void **state)
{
    (void)state;
    struct create_table_request create;
    read_request(
        &shape_create_table_request,
        "{\"TableName\":\"abc\",\"AttributeDefinitions\":[],\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"}],"
        "\"OnDemandThroughput\":{\"MaxReadRequestUnits\":9223372036854775807,\"MaxWriteRequestUnits\":-1}}",
        &create);
    assert_true(create.on_demand_throughput->max_read_request_units == INT64_MAX);
    assert_true(create.on_demand_throughput->max_write_request_units == -1);

    struct list_backups_request list;
    read_request(&shape_list_backups_request, "{\"TimeRangeLowerBound\":1732185858.125,\"TimeRangeUpperBound\":1.5e9}", &list);
    assert_true(list.has_time_range_lower_bound && list.time_range_lower_bound_ms == INT64_C(1732185858125));
    assert_true(list.time_range_upper_bound_ms == INT64_C(1500000000000));
}

/* ---- SerializationException ---- */

#define OF_STRING(value, message) assert_refused(&shape_get_item_request, "{\"TableName\":" value "}", LF_SERIALIZATION, message)

static void test_wrong_type_for_a_string(void **state)
{
    (void)state;
    OF_STRING("true", "TRUE_VALUE cannot be converted to String");
    OF_STRING("false", "FALSE_VALUE cannot be converted to String");
    OF_STRING("23", "NUMBER_VALUE cannot be converted to String");
    OF_STRING("-2147483648", "NUMBER_VALUE cannot be converted to String");
    OF_STRING("34.56", "DECIMAL_VALUE cannot be converted to String");
    OF_STRING("[]", "Unrecognized collection type class java.lang.String");
    OF_STRING("{}", "Start of structure or map found where not expected");
}

static void test_wrong_type_for_other_scalars(void **state)
{
    (void)state;
    const struct shape *shape = &shape_query_request;
    assert_refused(shape, "{\"ConsistentRead\":\"true\"}", LF_SERIALIZATION, "Unexpected token received from parser");
    assert_refused(shape, "{\"ConsistentRead\":1}", LF_SERIALIZATION, "NUMBER_VALUE cannot be converted to Boolean");
    assert_refused(shape, "{\"ConsistentRead\":[]}", LF_SERIALIZATION, "Unrecognized collection type class java.lang.Boolean");
    assert_refused(shape, "{\"Limit\":\"23\"}", LF_SERIALIZATION, "STRING_VALUE cannot be converted to Integer");
    assert_refused(shape, "{\"Limit\":true}", LF_SERIALIZATION, "TRUE_VALUE cannot be converted to Integer");
    assert_refused(shape, "{\"Limit\":{}}", LF_SERIALIZATION, "Start of structure or map found where not expected");
    assert_refused(shape, "{\"Select\":1}", LF_SERIALIZATION, "NUMBER_VALUE cannot be converted to String");
    assert_refused(&shape_update_table_request, "{\"ProvisionedThroughput\":{\"ReadCapacityUnits\":[]}}", LF_SERIALIZATION,
                   "Unrecognized collection type class java.lang.Long");
}

static void test_wrong_type_for_collections(void **state)
{
    (void)state;
    const struct shape *shape = &shape_query_request;
    assert_refused(shape, "{\"AttributesToGet\":\"a\"}", LF_SERIALIZATION, "Unexpected field type");
    assert_refused(shape, "{\"AttributesToGet\":{}}", LF_SERIALIZATION, "Start of structure or map found where not expected");
    assert_refused(shape, "{\"ExpressionAttributeNames\":[]}", LF_SERIALIZATION,
                   "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>");
    assert_refused(shape, "{\"ExclusiveStartKey\":1}", LF_SERIALIZATION, "Unexpected field type");
    assert_refused(
        shape, "{\"ExclusiveStartKey\":[]}", LF_SERIALIZATION,
        "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>");
    assert_refused(shape, "{\"QueryFilter\":{\"a\":1}}", LF_SERIALIZATION, "Unexpected value type in payload");
    assert_refused(shape, "{\"QueryFilter\":{\"a\":[]}}", LF_SERIALIZATION,
                   "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.Condition");
    assert_refused(&shape_update_table_request, "{\"ProvisionedThroughput\":1}", LF_SERIALIZATION, "Unexpected field type");
    assert_refused(&shape_batch_write_item_request, "{\"RequestItems\":[]}", LF_SERIALIZATION,
                   "Unrecognized collection type java.util.Map<java.lang.String, "
                   "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>");
}

#define PARAMETERIZED                                                                                                      \
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "          \
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader " \
    "'bootstrap')"

static void test_wrong_type_inside_collections(void **state)
{
    (void)state;
    assert_refused(&shape_batch_write_item_request, "{\"RequestItems\":{\"abc\":1}}", LF_SERIALIZATION, PARAMETERIZED);
    assert_refused(&shape_batch_get_item_request, "{\"RequestItems\":{\"abc\":{\"Keys\":[true]}}}", LF_SERIALIZATION,
                   PARAMETERIZED);
    assert_refused(&shape_get_item_request, "{\"Key\":{\"a\":1}}", LF_SERIALIZATION, "Unexpected value type in payload");
    assert_refused(&shape_get_item_request, "{\"Key\":{\"a\":[]}}", LF_SERIALIZATION,
                   "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue");
    assert_refused(&shape_get_item_request, "{\"Key\":{\"a\":{\"S\":1}}}", LF_SERIALIZATION,
                   "NUMBER_VALUE cannot be converted to String");
    assert_refused(&shape_get_item_request, "{\"Key\":{\"a\":{\"L\":[{\"M\":{\"x\":{\"N\":true}}}]}}}", LF_SERIALIZATION,
                   "TRUE_VALUE cannot be converted to String");
    assert_refused(&shape_get_item_request, "{\"Key\":{\"a\":{\"L\":[1]}}}", LF_SERIALIZATION,
                   "Unexpected value type in payload");
    assert_refused(&shape_put_item_request, "{\"Expected\":{\"a\":{\"Value\":1}}}", LF_SERIALIZATION, "Unexpected field type");
}

static void test_blobs(void **state)
{
    (void)state;
    const struct shape *shape = &shape_get_item_request;
    assert_refused(shape, "{\"Key\":{\"a\":{\"B\":1}}}", LF_SERIALIZATION,
                   "only base-64-encoded strings are convertible to bytes");
    assert_refused(shape, "{\"Key\":{\"a\":{\"B\":\"23456\"}}}", LF_SERIALIZATION,
                   "Base64 encoded length is expected a multiple of 4 bytes but found: 5");
    assert_refused(shape, "{\"Key\":{\"a\":{\"B\":\"=+/=\"}}}", LF_SERIALIZATION,
                   "Invalid last non-pad Base64 character dectected");
    assert_refused(shape, "{\"Key\":{\"a\":{\"BS\":[\"+/+=\"]}}}", LF_SERIALIZATION,
                   "Invalid last non-pad Base64 character dectected");
    assert_refused(shape, "{\"Key\":{\"a\":{\"B\":\"ab@d\"}}}", LF_SERIALIZATION, "Invalid Base64 character: '@'");
}

static void test_what_is_no_json(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",     " ",  "{", "{\"TableName\"",           "{\"TableName\":\"abc\",}",      "{}x",         "\"x\"",
        "null", "[]", "1", "{\"TableName\":\"a\nb\"}", "{\"Key\":{\"a\":{\"S\":\"x}}}", "{\"x\":[1,]}"
    };
    struct get_item_request request;
    struct err err;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_code(err, LF_SERIALIZATION,
                    shape_read(&shape_get_item_request, span_from_cstr(bodies[i]), &arena, &request, &err));
}

static void test_serialization_comes_before_constraints(void **state)
{
    (void)state;
    assert_refused(&shape_get_item_request,
                   "{\"TableName\":\"\",\"ReturnConsumedCapacity\":\"x\",\"Key\":{\"a\":{},\"b\":{\"N\":{}}}}", LF_SERIALIZATION,
                   "Start of structure or map found where not expected");
}

static void test_nesting_deeper_than_any_item(void **state)
{
    (void)state;
    char body[4096] = "{\"TableName\":\"abc\",\"Key\":{\"a\":";
    for (int i = 0; i < 100; i++)
        strcat(body, "{\"L\":[");
    assert_refused(
        &shape_get_item_request, body, LF_VALIDATION,
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit");
}

/* ---- operations ---- */

static void test_every_operation_is_found(void **state)
{
    (void)state;
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        const struct operation_info *info = operation_info(operation);
        enum operation found;
        assert_true(operation_find(info->target, &found));
        assert_int_equal(found, operation);
        assert_int_equal(info->table == TABLE_IN_NONE, info->table_member == NULL);
        assert_true(info->request->size >= sizeof(struct shape_head));
    }
    assert_int_equal(operation_info(OPERATION_GET_ITEM)->grant, GRANT_READ);
    assert_span(operation_info(OPERATION_GET_RECORDS)->target, SPAN("DynamoDBStreams_20120810.GetRecords"));
}

static void test_other_targets_are_not_found(void **state)
{
    (void)state;
    static const char *const targets[] = { "",
                                           ".",
                                           "GetItem",
                                           "DynamoDB_20120810.",
                                           "DynamoDB_20120810.getItem",
                                           "DynamoDB_20111205.GetItem",
                                           "DynamoDBStreams_20120810.GetItem",
                                           "DynamoDB_20120810.GetItem ",
                                           "DynamoDB_20120810.Nothing" };
    enum operation found;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        assert_false(operation_find(span_from_cstr(targets[i]), &found));
}

static void assert_table(const char *text, const char *expected)
{
    struct span name;
    assert_int_equal(shape_table_name(span_from_cstr(text), &name), expected != NULL);
    if (expected)
        assert_span(name, span_from_cstr(expected));
}

static void test_table_names(void **state)
{
    (void)state;
    char longest[257] = "";
    memset(longest, 'a', 256);
    assert_table(longest, NULL);
    longest[255] = '\0';
    assert_table(longest, longest);
    assert_table("abc", "abc");
    assert_table("ab", NULL);
    assert_table("a.B_-9", "a.B_-9");
    assert_table("abc;", NULL);
    assert_table("arn:aws:dynamodb:us-east-1:000000000000:table/abc", "abc");
    assert_table("arn:aws:dynamodb:us-east-1:000000000000:table/abc/stream/2024-11-21T10:00:00.000", "abc");
    assert_table("arn:aws:dynamodb:us-east-1:000000000000:table/ab", NULL);
    assert_table("arn:aws:s3:::abc", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_of_member, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_given, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_empty_is_given, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_structures_in_structures, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_lists_in_maps_and_items_in_lists, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_members_are_passed_over, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_the_last_of_equal_names_counts, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_integers, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_longs_and_timestamps, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_type_for_a_string, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_type_for_other_scalars, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_type_for_collections, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_type_inside_collections, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_blobs, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_json, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_serialization_comes_before_constraints, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_nesting_deeper_than_any_item, shape_setup, shape_teardown),
        cmocka_unit_test(test_every_operation_is_found),
        cmocka_unit_test(test_other_targets_are_not_found),
        cmocka_unit_test(test_table_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
