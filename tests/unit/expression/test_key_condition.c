#include "../base/unit.h"

#include "expression/key_condition.h"
#include "fixture.h"
#include "item/canonical.h"

/* Of a table with pk S and sk S: the messages of errors. */
static const struct row rows[] = {
    { "NOT pk = :s OR pk = :s", "Invalid operator used in KeyConditionExpression: OR" },
    { "contains(pk, :s) AND size(pk) = :n", "Invalid operator used in KeyConditionExpression: contains" },
    { "size(pk) = :n AND contains(pk, :s)", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = :s AND a.b = :s", "KeyConditionExpressions cannot have conditions on nested attributes" },
    { "a.b = :s", "KeyConditionExpressions cannot have conditions on nested attributes" },
    { "pk = sk AND sk = pk", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
    { "pk = :s AND pk.a = :s",
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk" },
    { "pk = :s AND sk < :s AND contains(a, :s)", "Invalid operator used in KeyConditionExpression: contains" },
    { "pk = :n AND sk = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :n AND sk = :e", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :e AND sk = :n", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                             "an empty string value. Key: pk" },
    { "pk < :n AND a = :s", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk BETWEEN :e AND :s", "One or more parameter values are not valid. The AttributeValue for a key attribute "
                                          "cannot contain an empty string value. Key: sk" },
    { "pk = :s AND sk = :s AND a = :s", "Conditions can be of length 1 or 2 only" },
    { "pk = :s AND pk = :s AND pk = :s", "KeyConditionExpressions must only contain one condition per key" },
    { "a = :s AND a = :s", "KeyConditionExpressions must only contain one condition per key" },
    { "a = :s AND b = :s AND a = :s", "KeyConditionExpressions must only contain one condition per key" },
    { "pk = :n AND a = :s", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :e AND a = :s", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                            "an empty string value. Key: pk" },
    { "sk = :n", "Query condition missed key schema element: pk" },
    { "sk = :e", "Query condition missed key schema element: pk" },
    { "pk < :e", "Query key condition not supported" },
    { "pk < :s AND sk = :n", "Query key condition not supported" },
    { "pk < :s AND sk = :e", "Query key condition not supported" },
    { "a = :e AND pk = :s", "Query condition missed key schema element: sk" },
    { "begins_with(pk, :e)", "Query key condition not supported" },
    { "pk = :s AND begins_with(a.b, :s)", "KeyConditionExpressions cannot have conditions on nested attributes" },
    { ":s < :z", "Invalid condition in KeyConditionExpression: No key attribute specified" },
    { "pk = :s AND :z > :s", "Invalid condition in KeyConditionExpression: No key attribute specified" },
    { "size(pk) = size(sk)", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = :s AND sk BETWEEN size(a) AND :n", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = :s AND begins_with(sk, size(a))", "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
                                              "operator or function: begins_with, operand type: N" },
    { "sk = :s", "Query condition missed key schema element: pk" },
    { "pk < :s", "Query key condition not supported" },
    { "pk = :s AND sk BETWEEN :z AND :s",
      "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
      "lower bound operand: AttributeValue: {S:zzz}, upper bound operand: AttributeValue: {S:text}" },
    { "pk = :s AND begins_with(sk, :e)", "One or more parameter values are not valid. The AttributeValue for a key attribute "
                                         "cannot contain an empty string value. Key: sk" },
    { "pk = :s AND contains(sk, :s)", "Invalid operator used in KeyConditionExpression: contains" },
    { "pk = :s AND sk <> :s", "Invalid operator used in KeyConditionExpression: <>" },
    { "pk = :s OR sk = :s", "Invalid operator used in KeyConditionExpression: OR" },
    { "NOT pk = :s", "Invalid operator used in KeyConditionExpression: NOT" },
    { "pk = :s AND NOT sk = :s", "Invalid operator used in KeyConditionExpression: NOT" },
    { "pk IN (:s)", "Invalid operator used in KeyConditionExpression: IN" },
    { "pk = :s AND sk IN (:s)", "Invalid operator used in KeyConditionExpression: IN" },
    { "pk = :s AND attribute_exists(sk)", "Invalid operator used in KeyConditionExpression: attribute_exists" },
    { "pk = :s AND size(sk) = :n", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = :s AND size(sk) > :s", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk > :n", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk BETWEEN :n1 AND :n",
      "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND begins_with(sk, :b)",
      "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :e", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
                 "string value. Key: pk" },
    { "pk = :s AND sk = :e", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                             "an empty string value. Key: sk" },
    { "pk = :s AND sk > :e", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                             "an empty string value. Key: sk" },
    { "pk = :s AND pk = :s", "KeyConditionExpressions must only contain one condition per key" },
    { "pk = :s AND sk > :s AND sk < :s", "KeyConditionExpressions must only contain one condition per key" },
    { "pk = :s AND other = :s", "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other" },
    { "pk = :s AND sk = :s AND other = :s",
      "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other" },
    { "other = :s", "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other" },
    { "pk = sk", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
    { "pk = :s AND sk = pk", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
    { "pk.a = :s", "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk" },
    { "pk[0] = :s", "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk" },
    { "pk = :s AND sk.a = :s",
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: sk" },
    { "pk = :s AND sk = :t", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk = :ss", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk = :nu", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "attribute_type(pk, :S)", "Invalid operator used in KeyConditionExpression: attribute_type" },
    { "begins_with(pk, :s)", "Query key condition not supported" },
    { "pk = :s AND begins_with(:s, sk)",
      "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand" },
    { "pk = :s AND begins_with(sk, pk)",
      "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
    { "pk BETWEEN :s AND :z", "Query key condition not supported" },
    { "pk = :s AND :s BETWEEN sk AND :z",
      "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand" },
    { "pk = :s AND :s = :s", "Invalid condition in KeyConditionExpression: No key attribute specified" },
    { ":s = :s", "Invalid condition in KeyConditionExpression: No key attribute specified" },
    { "pk = :s AND other > :s", "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other" },
    { "pk > :s AND sk > :s", "Query key condition not supported" },
    { "pk = :s AND size(:s) = :n", "KeyConditionExpressions cannot contain nested operations" },
    { "pk = if_not_exists(pk, :s)",
      "Invalid KeyConditionExpression: The function is not allowed in a condition expression; function: if_not_exists" },
    { "pk = :s AND (sk = :s OR sk = :z)", "Invalid operator used in KeyConditionExpression: OR" },
    { "pk = :s AND (sk > :s AND sk < :z)", "KeyConditionExpressions must only contain one condition per key" },
    { "name = :s", "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "pk = :nope",
      "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; attribute value: :nope" },
    { "#nope = :s", "Invalid KeyConditionExpression: An expression attribute name used in the document path is not defined; "
                    "attribute name: #nope" },
    { "pk = pk", "Invalid KeyConditionExpression: The first operand must be distinct from the remaining operands for this "
                 "operator or function; operator: =, first operand: [pk]" },
    { "pk <> :s", "Invalid operator used in KeyConditionExpression: <>" },
    { "sk > :s AND sk < :z", "KeyConditionExpressions must only contain one condition per key" },
    { "a = :s AND b = :s", "Query condition missed key schema element: pk" },
    { "a = :s AND b = :s AND c = :s", "Conditions can be of length 1 or 2 only" },
    { "pk = :s AND sk BETWEEN sk AND :s", "Invalid KeyConditionExpression: The first operand must be distinct from the remaining "
                                          "operands for this operator or function; operator: BETWEEN, first operand: [sk]" },
    { "pk = :s AND sk BETWEEN pk AND :s",
      "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition" },
    { "pk = :s AND begins_with(sk, :n)", "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
                                         "operator or function: begins_with, operand type: N" },
    { "pk = :s AND begins_with(other, :s)",
      "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: other" },
    { "pk > :n", "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "pk = :s AND sk > :ss", "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or "
                              "function: >, operand type: SS" },
    { "pk = :s AND sk BETWEEN :s AND :n",
      "Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
      "operand: AttributeValue: {S:text}, upper bound operand: AttributeValue: {N:5}" },
};

static const struct key_schema usual = { .partition = { { "pk", 2 }, VALUE_S }, .sort = { { "sk", 2 }, VALUE_S } };

static const struct key_condition_schema wide = {
    .partition = { { { "a", 1 }, VALUE_S }, { { "n", 1 }, VALUE_N } },
    .partition_count = 2,
    .sort = { { { "x", 1 }, VALUE_S }, { { "y", 1 }, VALUE_N }, { { "z", 1 }, VALUE_B } },
    .sort_count = 3,
};

static enum lf_code reduce(struct fixture *fixture, const char *expression, const struct key_condition_schema *schema,
                           struct key_condition *ret_condition, struct err *err)
{
    const struct expression_node *root;
    TRY(expression_parse_condition(span_from_cstr(expression), EXPRESSION_KEY_CONDITION, &fixture->inputs, &fixture->arena, &root,
                                   err));
    return key_condition_reduce(root, schema, ret_condition, err);
}

static void test_errors(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct key_condition_schema schema = key_condition_schema_of(&usual);
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err = ERR_INIT;
        struct key_condition condition;
        fixture_check_error(&rows[i], reduce(&fixture, rows[i].expression, &schema, &condition, &err), &err);
    }
    fixture_done(&fixture);
}

static void test_empty_keys_of_indexes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    struct key_condition condition;
    struct key_condition_schema schema = key_condition_schema_of(&usual);
    schema.index_name = SPAN("by_time");
    fixture_init(&fixture);
    assert_int_equal(reduce(&fixture, "pk = :e", &schema, &condition, &err), LF_VALIDATION);
    assert_string_equal(err.message,
                        "One or more parameter values are not valid. A value specified for a secondary index key is not "
                        "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
                        "IndexName: by_time, IndexKey: pk");
    fixture_done(&fixture);
}

/* Without a sort key there is no second condition, whatever it is about. */
static void test_two_conditions_on_a_key_of_one_attribute(void **state)
{
    (void)state;
    static const struct key_schema single = { .partition = { { "pk", 2 }, VALUE_S } };
    static const char *const expressions[] = { "pk = :s AND a = :s", "a = :s AND b = :s", "pk = :n AND a = :s",
                                               "pk = :e AND a > :s" };
    const struct key_condition_schema schema = key_condition_schema_of(&single);
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(expressions); i++) {
        struct err err = ERR_INIT;
        struct key_condition condition;
        assert_int_equal(reduce(&fixture, expressions[i], &schema, &condition, &err), LF_VALIDATION);
        assert_string_equal(err.message, "Query key condition not supported");
    }
    fixture_done(&fixture);
}

static void check_range(struct fixture *fixture, const char *expression, enum key_range range, const char *value)
{
    struct err err = ERR_INIT;
    struct key_condition condition;
    const struct key_condition_schema schema = key_condition_schema_of(&usual);
    if (reduce(fixture, expression, &schema, &condition, &err) != LF_OK)
        fail_msg("%s: %s", expression, err.message);
    assert_true(span_equal(condition.partition[0].bytes, SPAN("text")));
    assert_int_equal(condition.sort_count, 0);
    assert_int_equal(condition.range, range);
    if (value)
        assert_true(span_equal(condition.range_value.bytes, span_from_cstr(value)));
}

static void test_ranges(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    check_range(&fixture, "pk = :s", KEY_RANGE_ALL, NULL);
    check_range(&fixture, ":s = pk", KEY_RANGE_ALL, NULL);
    check_range(&fixture, "pk = :s AND sk < :z", KEY_RANGE_LESS, "zzz");
    check_range(&fixture, "pk = :s AND :z > sk", KEY_RANGE_LESS, "zzz");
    check_range(&fixture, "sk <= :z AND pk = :s", KEY_RANGE_LESS_OR_EQUAL, "zzz");
    check_range(&fixture, "pk = :s AND :z >= sk", KEY_RANGE_LESS_OR_EQUAL, "zzz");
    check_range(&fixture, "pk = :s AND sk > :z", KEY_RANGE_GREATER, "zzz");
    check_range(&fixture, "pk = :s AND :z < sk", KEY_RANGE_GREATER, "zzz");
    check_range(&fixture, "pk = :s AND sk >= :z", KEY_RANGE_GREATER_OR_EQUAL, "zzz");
    check_range(&fixture, "pk = :s AND :z <= sk", KEY_RANGE_GREATER_OR_EQUAL, "zzz");
    check_range(&fixture, "(pk = :s AND (begins_with(sk, :z)))", KEY_RANGE_BEGINS_WITH, "zzz");
    check_range(&fixture, "pk = :s AND sk BETWEEN :s AND :z", KEY_RANGE_BETWEEN, "text");
    fixture_done(&fixture);
}

static void test_several_attributes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    struct key_condition condition;
    fixture_init(&fixture);
    assert_int_equal(reduce(&fixture, "n = :n AND a = :s AND x = :z AND y BETWEEN :n1 AND :n9", &wide, &condition, &err), LF_OK);
    assert_true(span_equal(condition.partition[0].bytes, SPAN("text")));
    assert_true(number_equal(condition.partition[1].number, number_from_int64(5)));
    assert_int_equal(condition.sort_count, 1);
    assert_true(span_equal(condition.sort[0].bytes, SPAN("zzz")));
    assert_int_equal(condition.range, KEY_RANGE_BETWEEN);
    assert_true(number_equal(condition.range_upper.number, number_from_int64(9)));

    assert_int_equal(reduce(&fixture, "n = :n AND a = :s AND x = :s AND y = :n AND z = :b", &wide, &condition, &err), LF_OK);
    assert_int_equal(condition.sort_count, 3);
    assert_int_equal(condition.range, KEY_RANGE_ALL);
    fixture_done(&fixture);
}

static void test_several_attributes_wrong(void **state)
{
    (void)state;
    static const struct row wrong[] = {
        { "a = :s", "Query condition missed key schema element: n" },
        { "a = :s AND n > :n", "Query key condition not supported" },
        { "a = :s AND n = :n AND y = :n", "Query condition missed key schema element: x" },
        { "a = :s AND n = :n AND x > :s AND y = :n", "Query key condition not supported" },
        { "a = :s AND n = :n AND x = :s AND q = :n", "Query condition missed key schema element: y" },
        { "a = :s AND n = :n AND x = :n",
          "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    };
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(wrong); i++) {
        struct err err = ERR_INIT;
        struct key_condition condition;
        fixture_check_error(&wrong[i], reduce(&fixture, wrong[i].expression, &wide, &condition, &err), &err);
    }
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_errors),
                                        cmocka_unit_test(test_empty_keys_of_indexes),
                                        cmocka_unit_test(test_two_conditions_on_a_key_of_one_attribute),
                                        cmocka_unit_test(test_ranges),
                                        cmocka_unit_test(test_several_attributes),
                                        cmocka_unit_test(test_several_attributes_wrong) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
