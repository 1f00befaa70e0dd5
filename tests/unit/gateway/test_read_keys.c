/* Which reads are of some entities' keys and of nothing else, of which alone PostgreSQL answers a share then. */
#include "shape_unit.h"

#include "gateway/read_keys.h"
#include "map/key_group.h"
#include "map/map_yaml.h"

#define ENTITY(name, key)                                                                \
    "      " name ":\n        key: { pk: 'a{x}', sk: '" key "' }\n        table: " name  \
    "\n        primary_key: [x, y]\n        columns:\n          x: { type: text, null: " \
    "false }\n          y: { type: text, null: false }\n"

static const char yaml[] =
    "version: 1\nschema: s\ntables:\n  ttt:\n    key: { pk: S, sk: S }\n    entities:\n" ENTITY("moving", "m|{y}")
        ENTITY("ending", "e|{y}|end") ENTITY("staying", "s|{y}");

#define ONE(sk) "{\"pk\":{\"S\":\"a1\"},\"sk\":{\"S\":\"" sk "\"}}"
#define GET(pk, sk) "{\"TableName\":\"ttt\",\"Key\":{\"pk\":{\"S\":\"" pk "\"},\"sk\":{\"S\":\"" sk "\"}}}"
#define BATCH(keys) "{\"RequestItems\":{\"ttt\":{\"Keys\":[" keys "]}}}"
#define QUERY(more, condition, values)                                                                                      \
    "{\"TableName\":\"ttt\"," more "\"KeyConditionExpression\":\"pk = :p" condition "\",\"ExpressionAttributeValues\":{\":" \
    "p\":{\"S\":\"a1\"}" values "}}"
#define A(text) ",\":a\":{\"S\":\"" text "\"}"
#define B(text) ",\":b\":{\"S\":\"" text "\"}"
#define LEGACY(text)                                                                                                      \
    "{\"TableName\":\"ttt\",\"KeyConditions\":{\"pk\":{\"ComparisonOperator\":\"EQ\",\"AttributeValueList\":[{\"S\":\"a1" \
    "\"}]},\"sk\":{\"ComparisonOperator\":\"BEGINS_WITH\",\"AttributeValueList\":[{\"S\":\"" text "\"}]}}}"

static struct map map;
static struct key_group shared;
static struct table_index indexes[2];
static struct table table;

static int setup(void **state)
{
    struct err err = ERR_INIT;
    shape_setup(state);
    assert_ok(err, map_read_yaml(span_from_cstr(yaml), "yaml", &arena, &map, &err));
    table = (struct table){ .name = SPAN("ttt"), .key = map.tables[0].key, .indexes = indexes, .index_count = 2 };
    for (size_t i = 0; i < 2; i++)
        indexes[i] = (struct table_index){ .name = i ? SPAN("local") : SPAN("global"),
                                           .is_local = i == 1,
                                           .status = TABLE_ACTIVE,
                                           .partition = { table.key.partition },
                                           .partition_count = 1,
                                           .sort = { table.key.sort },
                                           .sort_count = 1 };
    return 0;
}

static void share(const char *entities)
{
    struct err err = ERR_INIT;
    table.shared = entities ? &shared : NULL;
    if (entities)
        assert_ok(err, key_group_make(&map.tables[0], span_from_cstr(entities), &arena, &shared, &err));
}

/* How many of the keys that the request asks for are of the share. */
static size_t shared_of(enum operation operation, const char *body, size_t *ret_count)
{
    struct err err = ERR_INIT;
    union any_request request = { 0 };
    struct read_keys keys;
    bool is_read = false;
    size_t count = 0;
    struct route_table named = { .name = table.name, .table = &table };
    struct call call = { .arena = &arena, .operation = operation_info(operation) };
    read_request(call.operation->request, body, &request);
    assert_ok(err, read_keys_find(&call, &request, &(struct route_tables){ &named, 1 }, &keys, &is_read, &err));
    assert_true(is_read);
    for (size_t i = 0; i < keys.count; i++)
        count += keys.keys[i].is_shared;
    *ret_count = keys.count;
    return count;
}

static bool is_shared(enum operation operation, const char *body)
{
    size_t count;
    size_t found = shared_of(operation, body, &count);
    assert_int_equal(count, 1);
    return found == 1;
}

static bool is_shared_query(const char *body)
{
    return is_shared(OPERATION_QUERY, body);
}

static void test_of_the_whole_table_everything_is(void **state)
{
    (void)state;
    share(NULL);
    assert_true(is_shared(OPERATION_GET_ITEM, GET("b", "x")));
    assert_true(is_shared_query(QUERY("", "", "")));
    assert_true(is_shared_query(QUERY("\"IndexName\":\"global\",", "", "")));
    assert_true(is_shared(OPERATION_SCAN, "{\"TableName\":\"ttt\"}"));
}

static void test_keys(void **state)
{
    (void)state;
    size_t count;
    share("moving\nending");
    assert_true(is_shared(OPERATION_GET_ITEM, GET("a1", "m|")));
    assert_true(is_shared(OPERATION_GET_ITEM, GET("a1", "e|1|end")));
    assert_false(is_shared(OPERATION_GET_ITEM, GET("a1", "e|1|en")));
    assert_false(is_shared(OPERATION_GET_ITEM, GET("a1", "s|1")));
    assert_false(is_shared(OPERATION_GET_ITEM, GET("b1", "m|1")));
    assert_int_equal(shared_of(OPERATION_BATCH_GET_ITEM, BATCH(ONE("m|1") "," ONE("s|1") "," ONE("e||end")), &count), 2);
    assert_int_equal(count, 3);
}

static void test_ranges_of_one_template_alone(void **state)
{
    (void)state;
    share("moving");
    assert_true(is_shared_query(QUERY("", " AND begins_with(sk, :a)", A("m|"))));
    assert_true(is_shared_query(QUERY("", " AND begins_with(sk, :a)", A("m|x"))));
    assert_true(is_shared_query(QUERY("", " AND sk BETWEEN :a AND :b", A("m|") B("m|z"))));
    assert_true(is_shared_query(QUERY("", " AND sk = :a", A("m|1"))));
    assert_true(is_shared_query(LEGACY("m|")));
    assert_false(is_shared_query(QUERY("", "", "")));
    assert_false(is_shared_query(QUERY("", " AND begins_with(sk, :a)", A("m"))));
    assert_false(is_shared_query(QUERY("", " AND sk BETWEEN :a AND :b", A("m") B("m|z"))));
    assert_false(is_shared_query(QUERY("", " AND sk BETWEEN :a AND :b", A("m|") B("m}"))));
    assert_false(is_shared_query(QUERY("", " AND sk >= :a", A("m|"))));
    assert_false(is_shared_query(QUERY("", " AND sk < :a", A("m|2"))));
    assert_false(is_shared_query(LEGACY("s|")));
}

/* What lies between two keys of such a template need not be one. */
static void test_a_template_with_an_end_has_single_keys(void **state)
{
    (void)state;
    share("ending");
    assert_true(is_shared_query(QUERY("", " AND sk = :a", A("e|1|end"))));
    assert_false(is_shared_query(QUERY("", " AND begins_with(sk, :a)", A("e|"))));
    assert_false(is_shared_query(QUERY("", " AND sk BETWEEN :a AND :b", A("e|1|end") B("e|2|end"))));
}

static void test_indexes_and_scans_never(void **state)
{
    (void)state;
    share("moving\nending\nstaying");
    assert_false(is_shared_query(QUERY("\"IndexName\":\"global\",", " AND sk = :a", A("m|1"))));
    assert_false(is_shared_query(QUERY("\"IndexName\":\"local\",", " AND sk = :a", A("m|1"))));
    assert_false(is_shared(OPERATION_SCAN, "{\"TableName\":\"ttt\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_the_whole_table_everything_is, setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_ranges_of_one_template_alone, setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_a_template_with_an_end_has_single_keys, setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_indexes_and_scans_never, setup, shape_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
