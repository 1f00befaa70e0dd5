#include "temp_folder.h"

#include "source/table_json.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 * 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define ATTRIBUTES                                                                 \
    "\"AttributeDefinitions\":[{\"AttributeName\":\"a\",\"AttributeType\":\"S\"}," \
    "{\"AttributeName\":\"n\",\"AttributeType\":\"N\"},{\"AttributeName\":\"b\",\"AttributeType\":\"B\"}]"
#define KEY_A_N "\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"n\",\"KeyType\":\"RANGE\"}]"
#define KEY_B "\"KeySchema\":[{\"KeyType\":\"HASH\",\"AttributeName\":\"b\"}]"

static struct map_table parse(const char *text)
{
    struct err err = ERR_INIT;
    struct map_table table;
    if (table_json_parse(span_from_cstr(text), &arena, &table, &err) != LF_OK)
        fail_msg("%s", err.message);
    return table;
}

static void expect_error(const char *text, enum lf_code code, const char *part)
{
    struct err err = ERR_INIT;
    struct map_table table;
    assert_int_equal(table_json_parse(span_from_cstr(text), &arena, &table, &err), code);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void reads_what_aws_answers_and_takes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"Table\":{\"ItemCount\":3,\"TableName\":\"t\"," KEY_A_N "," ATTRIBUTES ",\"Tags\":[{\"x\":[1,{}]}]}}",
        "{\"TableDescription\":{" ATTRIBUTES ",\"TableName\":\"t\"," KEY_A_N "}}",
        "{" KEY_A_N "," ATTRIBUTES ",\"TableName\":\"t\",\"BillingMode\":\"PAY_PER_REQUEST\",\"GlobalSecondaryIndexes\":null}",
    };
    for (size_t i = 0; i < 3; i++) {
        struct map_table table = parse(texts[i]);
        assert_true(span_equal(table.name, SPAN("t")));
        assert_true(span_equal(table.key.partition.name, SPAN("a")));
        assert_int_equal(table.key.partition.type, VALUE_S);
        assert_true(span_equal(table.key.sort.name, SPAN("n")));
        assert_int_equal(table.key.sort.type, VALUE_N);
        assert_int_equal(table.index_count, 0);
    }
}

static void reads_indexes_of_both_kinds(void **state)
{
    (void)state;
    struct map_table table =
        parse("{\"Table\":{\"TableName\":\"t\"," KEY_A_N ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"g\"," KEY_B
              ",\"Projection\":{\"ProjectionType\":\"ALL\"}}],\"LocalSecondaryIndexes\":[{" KEY_A_N
              ",\"IndexName\":\"l\"}]," ATTRIBUTES "}}");
    assert_int_equal(table.index_count, 2);
    assert_true(span_equal(table.indexes[0].name, SPAN("g")));
    assert_false(table.indexes[0].is_local);
    assert_int_equal(table.indexes[0].key.partition.type, VALUE_B);
    assert_false(key_schema_has_sort(&table.indexes[0].key));
    assert_true(span_equal(table.indexes[1].name, SPAN("l")));
    assert_true(table.indexes[1].is_local);
    assert_int_equal(table.indexes[1].key.sort.type, VALUE_N);
}

static void says_what_is_missing_or_wrong(void **state)
{
    (void)state;
    expect_error("{" KEY_A_N "," ATTRIBUTES "}", LF_SOURCE, "TableName");
    expect_error("{\"TableName\":\"t\"," ATTRIBUTES "}", LF_SOURCE, "table t has no KeySchema");
    expect_error("{\"TableName\":\"t\"," KEY_A_N "}", LF_SOURCE, "lacks the key attribute a");
    expect_error("{\"TableName\":7}", LF_SOURCE, "byte 13: expected a string");
    expect_error("{\"TableName\":\"t\",\"KeySchema\":{}}", LF_SOURCE, "expected an array");
    expect_error("{\"TableName\":\"t\",\"KeySchema\":[7]}", LF_SOURCE, "expected an object");
    expect_error("{\"KeySchema\":[{\"AttributeName\":\"a\",\"KeyType\":\"SORT\"}]}", LF_SOURCE, "HASH nor RANGE");
    expect_error("{\"KeySchema\":[{\"KeyType\":\"HASH\"}]}", LF_SOURCE, "without AttributeName");
    expect_error("{\"AttributeDefinitions\":[{\"AttributeName\":\"a\",\"AttributeType\":\"BOOL\"}]}", LF_SOURCE, "not S, N or B");
    expect_error("{\"LocalSecondaryIndexes\":[{" KEY_B "}]}", LF_SOURCE, "without IndexName");
    expect_error("{\"TableName\":\"t\"," KEY_A_N "," ATTRIBUTES ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"g\"}]}", LF_SOURCE,
                 "index g has no KeySchema");
    expect_error("[]", LF_SOURCE, "expected an object");
    expect_error("{\"TableName\":\"t\"", LF_SYNTAX, "");
    expect_error("{\"TableName\":\"t\"," KEY_A_N "," ATTRIBUTES "} x", LF_SYNTAX, "");
}

static void reads_projections(void **state)
{
    (void)state;
    struct map_table table =
        parse("{\"TableName\":\"t\"," KEY_A_N ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"g\"," KEY_B
              ",\"Projection\":{\"NonKeyAttributes\":[\"x\",\"y\"],\"ProjectionType\":\"INCLUDE\"}},{\"IndexName\":\"h\"," KEY_B
              ",\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}},{\"IndexName\":\"i\"," KEY_B
              ",\"Projection\":{\"ProjectionType\":\"ALL\",\"NonKeyAttributes\":null}}]," ATTRIBUTES "}");
    assert_true(table.indexes[0].is_partial && table.indexes[0].included_count == 2);
    assert_true(span_equal(table.indexes[0].included[1], SPAN("y")));
    assert_true(table.indexes[1].is_partial && table.indexes[1].included_count == 0);
    assert_false(table.indexes[2].is_partial);
}

static void holds_its_limit_of_projected_attributes(void **state)
{
    (void)state;
    for (unsigned count = 99; count <= 101; count++) {
        struct buf text;
        struct err err = ERR_INIT;
        struct map_table table;
        buf_init(&text, 1024 * 1024);
        buf_put_cstr(&text,
                     "{\"TableName\":\"t\"," KEY_A_N "," ATTRIBUTES ",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"g\"," KEY_B
                     ",\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[");
        for (unsigned i = 0; i < count; i++)
            buf_printf(&text, "%s\"a%u\"", i ? "," : "", i);
        buf_put_cstr(&text, "]}}]}");
        assert_int_equal(table_json_parse(buf_span(&text), &arena, &table, &err), count > 100 ? LF_LIMIT : LF_OK);
        buf_done(&text);
    }
}

static void holds_its_limit_of_indexes(void **state)
{
    (void)state;
    for (unsigned count = 63; count <= 65; count++) {
        struct buf text;
        struct err err = ERR_INIT;
        struct map_table table;
        buf_init(&text, 1024 * 1024);
        buf_put_cstr(&text, "{\"TableName\":\"t\"," KEY_A_N "," ATTRIBUTES ",\"GlobalSecondaryIndexes\":[");
        for (unsigned i = 0; i < count; i++)
            buf_printf(&text, "%s{\"IndexName\":\"g%u\"," KEY_B "}", i ? "," : "", i);
        buf_put_cstr(&text, "]}");
        assert_int_equal(table_json_parse(buf_span(&text), &arena, &table, &err), count > 64 ? LF_LIMIT : LF_OK);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_aws_answers_and_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_indexes_of_both_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_projections, setup, teardown),
        cmocka_unit_test_setup_teardown(holds_its_limit_of_projected_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_missing_or_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(holds_its_limit_of_indexes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
