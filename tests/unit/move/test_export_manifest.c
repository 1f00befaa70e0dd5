/* The manifests and table.json, byte by byte where bytes matter, by jansson where they must be JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "move/export_manifest.h"

static struct secondary_index indexes[] = {
    { .name = { "by_owner", 8 }, .key = { { { "owner", 5 }, VALUE_S }, { { "sk", 2 }, VALUE_N } } },
    { .name = { "by_size", 7 }, .key = { { { "pk", 2 }, VALUE_S }, { { "size", 4 }, VALUE_B } }, .is_local = true },
    { .name = { "by_owner_size", 13 }, .key = { { { "owner", 5 }, VALUE_S }, { { "size", 4 }, VALUE_B } } },
};
static const struct map_table table = {
    .name = { "court\"s", 7 }, .key = { { { "pk", 2 }, VALUE_S }, { { "sk", 2 }, VALUE_N } }, .indexes = indexes, .index_count = 3
};
static const struct map_table plain = { .name = { "plain", 5 }, .key = { .partition = { { "id", 2 }, VALUE_B } } };
static const struct export_entry entries[] = {
    { .name = "aaaaaaaaaaaaaaaaaaaaaaaaaa.json.gz", .md5 = "1B2M2Y8AsgTpgAmY7PhCfg==", .items = 7, .bytes = 100 },
    { .name = "bbbbbbbbbbbbbbbbbbbbbbbbbb.json.gz", .md5 = "1B2M2Y8AsgTpgAmY7PhCfg==", .items = 0, .bytes = 20 },
};
static const struct export_manifest manifest = { .table = &table,
                                                 .id = "01700000002000-03ba3cf5",
                                                 .table_id = "00000000-0000-4000-8000-000000000000",
                                                 .start_ms = 1700000002000,
                                                 .end_ms = 1700000002345,
                                                 .entries = entries,
                                                 .entry_count = 2 };

static json_t *parse(struct buf *buf)
{
    json_t *json = json_loads(buf_cstr(buf), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static void expect_text(json_t *json, const char *name, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(json, name)), expected);
}

static void test_summary(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64 * 1024);
    manifest_put_summary(&buf, &manifest);
    json_t *json = parse(&buf);
    expect_text(json, "version", "2020-06-30");
    expect_text(json, "exportArn", "arn:aws:dynamodb:local:000000000000:table/court\"s/export/01700000002000-03ba3cf5");
    expect_text(json, "startTime", "2023-11-14T22:13:22.000Z");
    expect_text(json, "endTime", "2023-11-14T22:13:22.345Z");
    expect_text(json, "exportTime", "2023-11-14T22:13:22.000Z");
    expect_text(json, "tableArn", "arn:aws:dynamodb:local:000000000000:table/court\"s");
    expect_text(json, "s3Prefix", "court\"s");
    expect_text(json, "manifestFilesS3Key", "court\"s/AWSDynamoDB/01700000002000-03ba3cf5/manifest-files.json");
    expect_text(json, "outputFormat", "DYNAMODB_JSON");
    assert_true(json_is_null(json_object_get(json, "s3SseKmsKeyId")));
    assert_int_equal(json_integer_value(json_object_get(json, "itemCount")), 7);
    assert_int_equal(json_object_size(json), 15);
    json_decref(json);
    buf_done(&buf);
}

static void test_files(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64 * 1024);
    manifest_put_files(&buf, &manifest);
    assert_string_equal(
        buf_cstr(&buf),
        "{\"itemCount\":7,\"md5Checksum\":\"1B2M2Y8AsgTpgAmY7PhCfg==\",\"etag\":\"d41d8cd98f00b204e9800998ecf8427e\","
        "\"dataFileS3Key\":\"court\\\"s/AWSDynamoDB/01700000002000-03ba3cf5/data/aaaaaaaaaaaaaaaaaaaaaaaaaa.json.gz\"}\n"
        "{\"itemCount\":0,\"md5Checksum\":\"1B2M2Y8AsgTpgAmY7PhCfg==\",\"etag\":\"d41d8cd98f00b204e9800998ecf8427e\","
        "\"dataFileS3Key\":\"court\\\"s/AWSDynamoDB/01700000002000-03ba3cf5/data/bbbbbbbbbbbbbbbbbbbbbbbbbb.json.gz\"}\n");
    buf_done(&buf);
}

/* Each attribute of a key is defined once, as CreateTable demands. */
static void test_table(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64 * 1024);
    manifest_put_table(&buf, &table);
    assert_string_equal(
        buf_cstr(&buf),
        "{\"TableName\":\"court\\\"s\",\"AttributeDefinitions\":["
        "{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},{\"AttributeName\":\"sk\",\"AttributeType\":\"N\"},"
        "{\"AttributeName\":\"owner\",\"AttributeType\":\"S\"},{\"AttributeName\":\"size\",\"AttributeType\":\"B\"}],"
        "\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],"
        "\"BillingMode\":\"PAY_PER_REQUEST\",\"GlobalSecondaryIndexes\":["
        "{\"IndexName\":\"by_owner\",\"KeySchema\":[{\"AttributeName\":\"owner\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}},"
        "{\"IndexName\":\"by_owner_size\",\"KeySchema\":[{\"AttributeName\":\"owner\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"size\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}],"
        "\"LocalSecondaryIndexes\":["
        "{\"IndexName\":\"by_size\",\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"size\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}]}\n");
    json_decref(parse(&buf));
    buf_done(&buf);
}

static void test_table_without_sort_key_and_indexes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64 * 1024);
    manifest_put_table(&buf, &plain);
    assert_string_equal(buf_cstr(&buf),
                        "{\"TableName\":\"plain\",\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"B\"}],"
                        "\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],\"BillingMode\":\"PAY_PER_REQUEST\"}\n");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_without_sort_key_and_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
