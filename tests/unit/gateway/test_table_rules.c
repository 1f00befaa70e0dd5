#include "shape_unit.h"

#include <stdio.h>

#include "gateway/operations/table_rules.h"

enum { BODY_BYTES_MAX = 64 * 1024 };

#define INVALID "One or more parameter values were invalid: "
#define ON_DEMAND "\"BillingMode\":\"PAY_PER_REQUEST\""
#define KEY(name, type) "{\"AttributeName\":\"" name "\",\"KeyType\":\"" type "\"}"
#define ATTRIBUTE(name) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"S\"}"
#define ALL "\"Projection\":{\"ProjectionType\":\"ALL\"}"
#define INDEX(name, keys, more) "{\"IndexName\":\"" name "\",\"KeySchema\":[" keys "]," more "}"
#define TABLE(attributes, keys, more) \
    "{\"TableName\":\"abc\",\"AttributeDefinitions\":[" attributes "],\"KeySchema\":[" keys "]," more "}"
#define PLAIN(more) TABLE(ATTRIBUTE("a"), KEY("a", "HASH"), more)
#define PAIR(attributes, more) TABLE(attributes, KEY("a", "HASH") "," KEY("b", "RANGE"), more)
#define GLOBAL(keys, more)                                     \
    TABLE(ATTRIBUTE("a") "," ATTRIBUTE("b"), KEY("a", "HASH"), \
          ON_DEMAND ",\"GlobalSecondaryIndexes\":[" INDEX("ggg", keys, more) "]")
#define LOCAL(keys, more) \
    PAIR(ATTRIBUTE("a") "," ATTRIBUTE("b"), ON_DEMAND ",\"LocalSecondaryIndexes\":[" INDEX("lll", keys, more) "]")

static enum lf_code check(const char *body, struct err *err)
{
    struct create_table_request request = { 0 };
    read_request(&shape_create_table_request, body, &request);
    return table_rules_check(&request, &arena, err);
}

static void assert_good(const char *body)
{
    struct err err = ERR_INIT;
    assert_ok(err, check(body, &err));
}

static void assert_invalid(const char *body, const char *message)
{
    struct err err = ERR_INIT;
    assert_int_equal(check(body, &err), LF_VALIDATION);
    assert_string_equal(err.message, message);
}

static void test_good_tables(void **state)
{
    (void)state;
    assert_good(PLAIN(ON_DEMAND));
    assert_good(PLAIN("\"ProvisionedThroughput\":{\"ReadCapacityUnits\":40000,\"WriteCapacityUnits\":1}"));
    assert_good(GLOBAL(KEY("b", "HASH"), ALL));
    assert_good(GLOBAL(KEY("b", "HASH") "," KEY("a", "HASH"), ALL));
    assert_good(LOCAL(KEY("a", "HASH") "," KEY("b", "RANGE"), ALL));
}

static void test_billing(void **state)
{
    (void)state;
    assert_invalid(PLAIN("\"BillingMode\":\"PROVISIONED\""),
                   INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    assert_invalid(PLAIN(ON_DEMAND ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":1}"), INVALID
                   "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    assert_invalid(PLAIN("\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":40001}"),
                   "Cannot increase provisioned throughput to more than 40,000 units per table");
}

static void test_keys_of_tables(void **state)
{
    (void)state;
    assert_invalid(TABLE(ATTRIBUTE("x"), KEY("a", "HASH"), ON_DEMAND),
                   INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: "
                           "[x]");
    assert_invalid(PAIR(ATTRIBUTE("a"), ON_DEMAND), "Invalid KeySchema: Some index key attribute have no definition");
    assert_invalid(TABLE(ATTRIBUTE("a"), KEY("a", "RANGE"), ON_DEMAND),
                   "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    assert_invalid(TABLE(ATTRIBUTE("a") "," ATTRIBUTE("b"), KEY("a", "HASH") "," KEY("b", "HASH"), ON_DEMAND),
                   "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    assert_invalid(TABLE(ATTRIBUTE("a"), KEY("a", "HASH") "," KEY("a", "RANGE"), ON_DEMAND),
                   "Both the Hash Key and the Range Key element in the KeySchema have the same name");
    assert_invalid(TABLE(ATTRIBUTE("a") "," ATTRIBUTE("b"), KEY("a", "HASH"), ON_DEMAND),
                   INVALID "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                           "AttributeDefinitions");
    assert_invalid(TABLE(ATTRIBUTE("a") "," ATTRIBUTE("a"), KEY("a", "HASH"), ON_DEMAND),
                   "Cannot have two attributes with the same name");
}

static void test_global_indexes(void **state)
{
    (void)state;
    assert_invalid(PLAIN(ON_DEMAND ",\"GlobalSecondaryIndexes\":[]"), INVALID "List of GlobalSecondaryIndexes is empty");
    assert_invalid(GLOBAL(KEY("c", "HASH"), ALL),
                   INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [c], AttributeDefinitions: "
                           "[a, b]");
    assert_invalid(GLOBAL(KEY("b", "RANGE"), ALL), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    assert_invalid(GLOBAL(KEY("b", "HASH"), "\"Projection\":{}"), INVALID "Unknown ProjectionType: null");
    assert_invalid(GLOBAL(KEY("b", "HASH"), "\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\",\"NonKeyAttributes\":[\"x\"]}"),
                   INVALID "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified");
    assert_invalid(GLOBAL(KEY("b", "HASH"), "\"Projection\":{\"ProjectionType\":\"INCLUDE\"}"),
                   INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    assert_invalid(GLOBAL(KEY("a", "HASH"), ALL),
                   INVALID "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b], keys used: [a]");
    assert_invalid(GLOBAL(KEY("b", "HASH"), ALL ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":1}"),
                   INVALID "ProvisionedThroughput should not be specified for index: ggg when BillingMode is PAY_PER_REQUEST");
}

static void test_local_indexes(void **state)
{
    (void)state;
    assert_invalid(PLAIN(ON_DEMAND ",\"LocalSecondaryIndexes\":[" INDEX("lll", KEY("a", "HASH"), ALL) "]"),
                   INVALID "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
    assert_invalid(LOCAL(KEY("a", "HASH"), ALL), INVALID "Index KeySchema does not have a range key for index: lll");
    assert_invalid(LOCAL(KEY("b", "HASH") "," KEY("a", "RANGE"), ALL), INVALID
                   "Index KeySchema does not have the same leading hash key as table KeySchema for index: lll. index hash "
                   "key: b, table hash key: a");
}

/* A table of so many indexes of one kind, or keys of an index, made by `put`. */
typedef void put_part(struct buf *body, int number);

static const char *body_of(const char *before, put_part *put, int count, const char *after)
{
    static struct buf body;
    buf_done(&body);
    buf_init(&body, BODY_BYTES_MAX);
    buf_put_cstr(&body, before);
    for (int i = 0; i < count; i++) {
        buf_put_cstr(&body, i ? "," : "");
        put(&body, i);
    }
    buf_put_cstr(&body, after);
    return buf_cstr(&body);
}

static void put_global(struct buf *body, int number)
{
    buf_printf(body, INDEX("index%d", KEY("a", "HASH"), ALL), number);
}

static void put_local(struct buf *body, int number)
{
    buf_printf(body, INDEX("index%d", KEY("a", "HASH") "," KEY("b", "RANGE"), ALL), number);
}

static void put_name(struct buf *body, int number)
{
    buf_printf(body, "\"x%d\"", number);
}

static void put_tag(struct buf *body, int number)
{
    buf_printf(body, "{\"Key\":\"k%d\",\"Value\":\"\"}", number);
}

#define OPEN_PLAIN "{\"TableName\":\"abc\",\"AttributeDefinitions\":[" ATTRIBUTE("a") "],\"KeySchema\":[" KEY("a", "HASH") "],"

static void test_limits(void **state)
{
    (void)state;
    const char *global = OPEN_PLAIN ON_DEMAND ",\"GlobalSecondaryIndexes\":[";
    const char *local = "{\"TableName\":\"abc\",\"AttributeDefinitions\":[" ATTRIBUTE("a") "," ATTRIBUTE(
        "b") "],\"KeySchema\":[" KEY("a", "HASH") "," KEY("b", "RANGE") "]," ON_DEMAND ",\"LocalSecondaryIndexes\":[";
    const char *included = OPEN_PLAIN ON_DEMAND ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"ggg\",\"KeySchema\":[" KEY(
        "a", "HASH") "],\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[";
    assert_good(body_of(global, put_global, TABLE_GSI_MAX, "]}"));
    assert_invalid(body_of(global, put_global, TABLE_GSI_MAX + 1, "]}"),
                   INVALID "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    assert_good(body_of(local, put_local, TABLE_LSI_MAX, "]}"));
    assert_invalid(body_of(local, put_local, TABLE_LSI_MAX + 1, "]}"),
                   INVALID "Number of LocalSecondaryIndexes exceeds per-table limit of 5");
    assert_good(body_of(included, put_name, INDEX_PROJECTED_MAX, "]}}]}"));
    assert_invalid(body_of(included, put_name, INDEX_PROJECTED_MAX + 1, "]}}]}"),
                   INVALID "Number of projected NonKeyAttributes exceeds the per-table limit of 100");
    assert_good(body_of(OPEN_PLAIN ON_DEMAND ",\"Tags\":[", put_tag, 50, "]}"));
    assert_invalid(body_of(OPEN_PLAIN ON_DEMAND ",\"Tags\":[", put_tag, 51, "]}"), "The number of tags exceeds the limit of 50");
}

static int hash_count;

static void put_attribute(struct buf *body, int number)
{
    buf_printf(body, "{\"AttributeName\":\"k%d\",\"AttributeType\":\"N\"}", number);
}

static void put_key(struct buf *body, int number)
{
    buf_printf(body, "{\"AttributeName\":\"k%d\",\"KeyType\":\"%s\"}", number, number < hash_count ? "HASH" : "RANGE");
}

static enum lf_code check_key_of(int hashes, int ranges, struct err *err)
{
    struct api_global_secondary_index index = { .index_name = SPAN("ggg") };
    struct create_table_request request = { 0 };
    char before[BODY_BYTES_MAX];
    hash_count = hashes;
    (void)snprintf(
        before, sizeof before, "%s",
        body_of("{\"TableName\":\"abc\",\"AttributeDefinitions\":[", put_attribute, hashes + ranges, "],\"KeySchema\":["));
    read_request(&shape_create_table_request, body_of(before, put_key, hashes + ranges, "]}"), &request);
    struct api_projection all = { .projection_type = API_PROJECTION_TYPE_ALL };
    index.key_schema = request.key_schema;
    index.projection = &all;
    return table_rules_check_global(&index, &request.attribute_definitions, true, &arena, err);
}

static void test_keys_of_several_attributes(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(err, check_key_of(3, 3, &err));
    assert_ok(err, check_key_of(4, 4, &err));
    assert_int_equal(check_key_of(5, 0, &err), LF_VALIDATION);
    assert_int_equal(check_key_of(1, 5, &err), LF_VALIDATION);
    assert_int_equal(check_key_of(0, 2, &err), LF_VALIDATION);
}

static void test_streams_and_tags(void **state)
{
    (void)state;
    assert_good(PLAIN(ON_DEMAND ",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}"));
    assert_invalid(PLAIN(ON_DEMAND ",\"StreamSpecification\":{\"StreamEnabled\":true}"),
                   "Invalid StreamViewType: Stream ViewType must not be null or empty when enabling streams.");
    assert_invalid(PLAIN(ON_DEMAND ",\"StreamSpecification\":{\"StreamEnabled\":false,\"StreamViewType\":\"NEW_IMAGE\"}"),
                   "Invalid StreamViewType: Stream StreamEnabled was false but a StreamViewType was present.");
    assert_invalid(PLAIN(ON_DEMAND ",\"Tags\":[{\"Key\":\"a\",\"Value\":\"1\"},{\"Key\":\"a\",\"Value\":\"2\"}]"),
                   "Duplicate tag keys are not allowed: a");
    assert_invalid(PLAIN(ON_DEMAND ",\"Tags\":[{\"Key\":\"aws:a\",\"Value\":\"1\"}]"),
                   "Tag keys starting with 'aws:' are reserved for system use");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_tables),
        cmocka_unit_test(test_billing),
        cmocka_unit_test(test_keys_of_tables),
        cmocka_unit_test(test_global_indexes),
        cmocka_unit_test(test_local_indexes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_keys_of_several_attributes),
        cmocka_unit_test(test_streams_and_tags),
    };
    return cmocka_run_group_tests(tests, shape_setup, shape_teardown);
}
