#include "../base/unit.h"

#include "expression/evaluate.h"
#include "expression/partiql.h"
#include "fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static enum lf_code parse(const char *text, struct partiql_statement *ret_statement, struct err *err)
{
    return partiql_parse(span_from_cstr(text), NULL, 0, &fixture.arena, ret_statement, err);
}

static struct partiql_statement parsed(const char *text)
{
    struct partiql_statement statement = { 0 };
    struct err err = ERR_INIT;
    if (parse(text, &statement, &err) != LF_OK)
        fail_msg("%s: %s", text, err.message);
    return statement;
}

#define MALFORMED "Statement wasn't well formed, can't be processed: "

static const struct row wrong[] = {
    { "", MALFORMED },
    { "FOO", MALFORMED "FOO" },
    { "SELECT FROM ttt", MALFORMED "SELECT FROM ttt" },
    { "SELECT * FROM ttt WHERE", MALFORMED "SELECT * FROM ttt WHERE" },
    { "SELECT * FROM ttt WHERE s = 'open", MALFORMED "SELECT * FROM ttt WHERE s = 'open" },
    { "INSERT INTO ttt VALUES {'pk':'b'}", MALFORMED "INSERT INTO ttt VALUES {'pk':'b'}" },
    { "DELETE ttt WHERE pk='a'", MALFORMED "DELETE ttt WHERE pk='a'" },
    { "UPDATE ttt WHERE pk='a'", MALFORMED "UPDATE ttt WHERE pk='a'" },
    { "UPDATE ttt REMOVE a, b WHERE pk='a'", MALFORMED "UPDATE ttt REMOVE a, b WHERE pk='a'" },
    { "SELECT s AS x FROM ttt", "Aliasing is not supported" },
    { "SELECT * FROM ttt AS t", "Aliasing is not supported" },
    { "SELECT t.s FROM ttt t WHERE t.pk='a'", "Aliasing is not supported" },
    { "SELECT s, s FROM ttt", "Duplicate identifiers in select clause: s" },
    { "SELECT m.x, n, x FROM ttt", "Duplicate identifiers in select clause: x" },
    { "SELECT m.x, m FROM ttt",
      "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, x]" },
    { "UPDATE ttt.gsi SET n = 1 WHERE pk = 'a'", "This operation is not supported on an index" },
    { "DELETE FROM ttt.gsi WHERE pk = 'a'", "This operation is not supported on an index" },
    { "INSERT INTO ttt.gsi VALUE {'pk':'b'}",
      "FROM clause may only contain a single table name in data manipulation statements" },
    { "SELECT * FROM ttt, qqq", "Only select from a single table or index is supported." },
    { "SELECT count(*) FROM ttt", "Unexpected path component at 1:8:5" },
    { "SELECT pk, count(n) FROM ttt", "Unexpected path component at 1:12:5" },
    { "SELECT 'a' FROM ttt", "Unexpected path component at 1:8:3" },
    { "SELECT \"é\", 1 FROM ttt", "Unexpected path component at 1:13:1" },
    { "SELECT * FROM ttt\nLIMIT 10", "Unsupported clause: LIMIT at 2:7:2" },
    { "SELECT * FROM ttt LIMIT", MALFORMED "SELECT * FROM ttt LIMIT" },
    { "DROP TABLE ttt", "Unsupported operation: DropTable" },
    { "create index on ttt", "Unsupported operation: CreateIndex" },
    { "DROP ttt", MALFORMED "DROP ttt" },
    { "SELECT VALUE s FROM ttt", "Select projection doesn't support value or pivot keywords" },
    { "SELECT sk FROM qqq ORDER BY sk", "Must have WHERE clause in the statement when using ORDER BY clause." },
    { "SELECT * FROM ttt WHERE pk = ?", "Number of parameters in request and statement don't match." },
    { "SELECT pk FROM ttt WHERE foo(s)", "Unrecognized function: foo" },
    { "SELECT pk FROM ttt WHERE if_not_exists(s, 1) = 1", "Unrecognized function: if_not_exists" },
    { "UPDATE ttt SET a = size(s) WHERE pk='a'", "Unrecognized function: size" },
    { "UPDATE ttt SET a = attribute_exists(s) WHERE pk='a'", "Unrecognized function: attribute_exists" },
    { "SELECT pk FROM ttt WHERE size(s)", "WHERE clause must contain an expression that resolves to a boolean" },
    { "SELECT pk FROM ttt WHERE n", "WHERE clause must contain an expression that resolves to a boolean" },
    { "SELECT pk FROM ttt WHERE n AND s = 1", "WHERE clause must contain an expression that resolves to a boolean" },
    { "SELECT pk FROM ttt WHERE m.x + 1 = 2", "Unsupported operator in Condition Expression. Operator: +" },
    { "SELECT pk FROM ttt WHERE s LIKE 't%'", "Unsupported operator in Condition Expression. Operator: LIKE" },
    { "SELECT pk FROM ttt WHERE n < true",
      "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL" },
    { "SELECT pk FROM ttt WHERE begins_with(n, 5)",
      "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N" },
    { "SELECT pk FROM ttt WHERE n BETWEEN 9 AND 1",
      "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
      "AttributeValue: {N:9}, upper bound operand: AttributeValue: {N:1}" },
    { "UPDATE ttt SET a = 1, a = 2 WHERE pk='a'",
      "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]" },
    { "DELETE FROM ttt WHERE pk='b' RETURNING ALL NEW *",
      "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements." },
    { "INSERT INTO ttt VALUE {'pk':'x','pk':'y'}", "Duplicate keys in tuple. Key: pk" },
    { "INSERT INTO ttt VALUE {pk:'x'}", "Tuple keys must be of type String." },
    { "INSERT INTO ttt VALUE {'pk':'x','s':<<>>}", "Empty bags are not supported" },
    { "INSERT INTO ttt VALUE {'pk':'x','s':<<1,'a'>>}",
      "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags" },
    { "INSERT INTO ttt VALUE {'pk':'x','s':<<1,1.0>>}", "Input collection contains duplicates" },
    { "INSERT INTO ttt VALUE {'pk':'x','s':n}", "Unsupported data type: n" },
};

static void test_wrong_statements(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(wrong); i++) {
        struct partiql_statement statement;
        struct err err = ERR_INIT;
        fixture_check_error(&wrong[i], parse(wrong[i].expression, &statement, &err), &err);
    }
}

static const char *const holding[] = {
    "pk = 'a' AND n > 3 AND NOT s = 'x'",
    "n IN [1, 5]",
    "n IN (1, 5)",
    "n NOT IN [4]",
    "n BETWEEN 1 AND 9",
    "n NOT BETWEEN 6 AND 9",
    "begins_with(s, 'te') OR false = true",
    "contains(\"s\", 'ex')",
    "attribute_type(s, 'S')",
    "size(s) = 4",
    "zz IS MISSING",
    "s IS NOT MISSING",
    "nu IS NULL",
    "s IS NOT NULL",
    "m.x = 1 AND m['y'].z = 'deep'",
    "l[0] = 1 AND l[2].x = 3",
    "s != 'x' AND s <> 'it''s'",
    "bo = true",
    "ss = <<'y', 'x'>>",
    "m.y = {'z': 'deep'}",
    "l = [1, 'two', {'x': 3.0}]",
    "5 = n AND (4 < n) AND n = 5e0 AND n > -5",
    "NOT (n = 4 OR (s = 'x' AND n = 5))",
    "NOT NOT n = 5",
    "s = 'text' -- of the item",
};

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(holding); i++) {
        struct span text, negated;
        struct err err = ERR_INIT;
        assert_int_equal(arena_printf(&fixture.arena, &text, &err, "select * from \"ttt\" where %s", holding[i]), LF_OK);
        assert_int_equal(arena_printf(&fixture.arena, &negated, &err, "SELECT * FROM ttt WHERE NOT (%s\n)", holding[i]), LF_OK);
        if (!condition_holds(parsed(text.ptr).where, &fixture.item))
            fail_msg("not so: %s", holding[i]);
        if (condition_holds(parsed(negated.ptr).where, &fixture.item))
            fail_msg("so, though negated: %s", holding[i]);
    }
}

static void test_select(void **state)
{
    (void)state;
    struct partiql_statement all = parsed("SELECT * FROM ttt;");
    assert_int_equal(all.verb, PARTIQL_SELECT);
    assert_int_equal(all.column_count, 0);
    assert_null(all.where);
    assert_null(all.index.ptr);

    struct partiql_statement some =
        parsed("SELECT m.y.z, l[2][0], \"a b\" FROM \"t.1\".\"by x\" WHERE pk = 'a' ORDER BY sk DESC");
    assert_true(span_equal(some.table, SPAN("t.1")));
    assert_true(span_equal(some.index, SPAN("by x")));
    assert_int_equal(some.column_count, 3);
    assert_true(span_equal(some.columns[0].name, SPAN("z")));
    assert_int_equal(some.columns[0].path.count, 3);
    assert_true(span_equal(some.columns[1].name, SPAN("l[2][0]")));
    assert_true(span_equal(some.columns[2].name, SPAN("a b")));
    assert_true(span_equal(some.order_by, SPAN("sk")));
    assert_true(some.is_descending);
    assert_true(parsed("EXISTS(SELECT * FROM ttt WHERE pk = 'a' AND n = 5)").is_exists);
}

static void test_insert(void **state)
{
    (void)state;
    struct partiql_statement statement =
        parsed("INSERT INTO ttt VALUE {'pk': 'it''s', 'n': -1.50, 'l': [1, 'a', true, null, []], 'm': {'q': <<1, 2>>, 'e': {}}}");
    assert_int_equal(statement.verb, PARTIQL_INSERT);
    assert_true(fixture_same(&fixture, &statement.item,
                             "{\"pk\":{\"S\":\"it's\"},\"n\":{\"N\":\"-1.5\"},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"a\"},"
                             "{\"BOOL\":true},{\"NULL\":true},{\"L\":[]}]},\"m\":{\"M\":{\"q\":{\"NS\":[\"1\",\"2\"]},"
                             "\"e\":{\"M\":{}}}}}"));
}

static void test_parameters(void **state)
{
    (void)state;
    const struct value parameters[] = { value_string(SPAN("a")), value_number(number_from_int64(5)),
                                        value_number(number_from_int64(7)) };
    struct partiql_statement statement;
    struct err err = ERR_INIT;
    const struct span text = SPAN("SELECT * FROM ttt WHERE pk = ? AND n IN [?, ?]");
    assert_int_equal(partiql_parse(text, parameters, 3, &fixture.arena, &statement, &err), LF_OK);
    assert_true(condition_holds(statement.where, &fixture.item));
    for (size_t count = 0; count < 3; count++) {
        assert_int_equal(partiql_parse(text, parameters, count, &fixture.arena, &statement, &err), LF_VALIDATION);
        assert_string_equal(err.message, "Number of parameters in request and statement don't match.");
    }
    assert_int_equal(partiql_parse(SPAN("SELECT * FROM ttt"), parameters, 1, &fixture.arena, &statement, &err), LF_VALIDATION);
}

static void check_update(const char *text, enum partiql_returning returning, const char *result)
{
    struct err err = ERR_INIT;
    struct item item;
    struct partiql_statement statement = parsed(text);
    assert_int_equal(statement.verb, PARTIQL_UPDATE);
    assert_int_equal(statement.returning, returning);
    if (update_apply(&statement.update, &fixture.item, NULL, &fixture.arena, &item, &err) != LF_OK)
        fail_msg("%s: %s", text, err.message);
    struct projection projection;
    assert_int_equal(update_projection(&statement.update, &fixture.arena, &projection, &err), LF_OK);
    assert_int_equal(projection_apply(&projection, &item, &fixture.arena, &item, &err), LF_OK);
    if (!fixture_same(&fixture, &item, result))
        fail_msg("%s is not %s", text, result);
}

static void test_updates(void **state)
{
    (void)state;
    check_update("UPDATE ttt SET a=1 SET b='x' WHERE pk='a' RETURNING ALL NEW *", PARTIQL_RETURNING_ALL_NEW,
                 "{\"a\":{\"N\":\"1\"},\"b\":{\"S\":\"x\"}}");
    check_update("UPDATE ttt SET n=n+1, m.x=m.x - 3 WHERE pk='a' RETURNING MODIFIED NEW *", PARTIQL_RETURNING_MODIFIED_NEW,
                 "{\"n\":{\"N\":\"6\"},\"m\":{\"M\":{\"x\":{\"N\":\"-2\"}}}}");
    check_update("UPDATE ttt REMOVE n REMOVE l[1] WHERE pk='a' RETURNING MODIFIED OLD *", PARTIQL_RETURNING_MODIFIED_OLD,
                 "{\"l\":{\"L\":[{\"M\":{\"x\":{\"N\":\"3\"}}}]}}");
    check_update("UPDATE ttt SET q=list_append(if_not_exists(q,[1]),[9]) WHERE pk='a'", PARTIQL_RETURNING_NONE,
                 "{\"q\":{\"L\":[{\"N\":\"1\"},{\"N\":\"9\"}]}}");
    check_update("UPDATE ttt SET ss=set_add(ss,<<'q'>>) WHERE pk='a'", PARTIQL_RETURNING_NONE,
                 "{\"ss\":{\"SS\":[\"q\",\"x\",\"y\"]}}");
    check_update("UPDATE ttt SET ss=set_delete(ss,<<'x'>>) REMOVE n WHERE pk='a' RETURNING ALL OLD *", PARTIQL_RETURNING_ALL_OLD,
                 "{\"ss\":{\"SS\":[\"y\"]}}");
}

/* --- targets --- */

static const struct key_schema table = { .partition = { { "pk", 2 }, VALUE_S }, .sort = { { "sk", 2 }, VALUE_N } };

static struct partiql_target reduced(const char *where)
{
    struct span text;
    struct err err = ERR_INIT;
    struct partiql_target target = { 0 };
    const struct key_condition_schema schema = key_condition_schema_of(&table);
    assert_int_equal(arena_printf(&fixture.arena, &text, &err, "SELECT * FROM t WHERE %s", where), LF_OK);
    if (partiql_reduce(parsed(text.ptr).where, &schema, &fixture.arena, &target, &err) != LF_OK)
        fail_msg("%s: %s", where, err.message);
    return target;
}

static void check_target(const char *where, size_t partitions, size_t sort_count, enum key_range range, bool has_filter)
{
    struct partiql_target target = reduced(where);
    if (target.count != partitions || (target.filter != NULL) != has_filter)
        fail_msg("%s: %zu partitions, %s filter", where, target.count, target.filter ? "a" : "no");
    for (size_t i = 0; i < target.count; i++) {
        assert_int_equal(target.conditions[i].sort_count, sort_count);
        assert_int_equal(target.conditions[i].range, range);
    }
}

static void test_targets(void **state)
{
    (void)state;
    check_target("n = 1", 0, 0, KEY_RANGE_ALL, true);
    check_target("pk > 'a'", 0, 0, KEY_RANGE_ALL, true);
    check_target("pk = 'a'", 1, 0, KEY_RANGE_ALL, false);
    check_target("'a' = pk AND sk = 1", 1, 1, KEY_RANGE_ALL, false);
    check_target("pk = 'a' AND sk > 1 AND sk < 3", 1, 0, KEY_RANGE_GREATER, true);
    check_target("sk > 1 AND sk = 2 AND pk = 'a'", 1, 1, KEY_RANGE_ALL, true);
    check_target("pk = 'a' AND sk BETWEEN 1 AND 2 AND n = 1", 1, 0, KEY_RANGE_BETWEEN, true);
    check_target("pk IN ['a', 'b', 'a'] AND sk = 1", 2, 1, KEY_RANGE_ALL, false);
    check_target("pk = 'a' OR pk = 'b' OR pk IN ['c']", 3, 0, KEY_RANGE_ALL, false);
    check_target("pk = 'a' OR n = 1", 0, 0, KEY_RANGE_ALL, true);
    check_target("pk = 'a' AND pk = 'b'", 1, 0, KEY_RANGE_ALL, true);
    check_target("pk = 'a' AND (sk = 1 OR sk = 2)", 1, 0, KEY_RANGE_ALL, true);
    check_target("NOT pk = 'a'", 0, 0, KEY_RANGE_ALL, true);
    check_target("pk.x = 'a'", 0, 0, KEY_RANGE_ALL, true);
}

static void check_wrong_target(const char *where, const char *message)
{
    struct span text;
    struct err err = ERR_INIT;
    struct partiql_target target;
    const struct key_condition_schema schema = key_condition_schema_of(&table);
    assert_int_equal(arena_printf(&fixture.arena, &text, &err, "DELETE FROM t WHERE %s", where), LF_OK);
    enum lf_code code = partiql_reduce_to_item(parsed(text.ptr).where, &schema, &fixture.arena, &target, &err);
    fixture_check_error(&(struct row){ where, message }, code, &err);
}

static void test_wrong_targets(void **state)
{
    (void)state;
    static const char mandatory[] = "Where clause does not contain a mandatory equality on all key attributes";
    check_wrong_target("n = 1", mandatory);
    check_wrong_target("pk = 'a'", mandatory);
    check_wrong_target("pk = 'a' AND sk > 1", mandatory);
    check_wrong_target("pk IN ['a', 'b'] AND sk = 1", mandatory);
    check_wrong_target("pk = 5 AND sk = 1", "Key attribute's data type should match its data type in table's schema: Key pk");
    check_wrong_target("pk = 'a' AND sk = 'x'", "Key attribute's data type should match its data type in table's schema: Key sk");
    check_wrong_target("pk = '' AND sk = 1", "One or more parameter values are not valid. The AttributeValue for a key attribute "
                                             "cannot contain an empty string value. Key: pk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_statements), cmocka_unit_test(test_conditions),    cmocka_unit_test(test_select),
        cmocka_unit_test(test_insert),           cmocka_unit_test(test_parameters),    cmocka_unit_test(test_updates),
        cmocka_unit_test(test_targets),          cmocka_unit_test(test_wrong_targets),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
