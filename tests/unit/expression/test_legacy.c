#include "../base/unit.h"

#include "expression/evaluate.h"
#include "expression/legacy.h"
#include "fixture.h"
#include "item/canonical.h"

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

/* The values of a list in DynamoDB JSON, such as "[{\"S\":\"a\"}]"; NULL for none. */
static struct value values_of(const char *list)
{
    if (!list)
        return (struct value){ .type = VALUE_L };
    struct span json = { 0 };
    struct err err = ERR_INIT;
    assert_int_equal(arena_printf(&fixture.arena, &json, &err, "{\"L\":%s}", list), LF_OK);
    return fixture_value(&fixture, json.ptr);
}

static struct legacy_condition condition(const char *name, const char *comparison, const char *list)
{
    struct value values = values_of(list);
    return (struct legacy_condition){ .name = span_from_cstr(name),
                                      .comparison = span_from_cstr(comparison),
                                      .values = values.list.values,
                                      .value_count = values.list.count };
}

/* --- filters --- */

struct filter_row {
    const char *name, *comparison, *values;
    const char *result; /* "true", "false" or a message */
};

#define NOT_VALID(operator, type) \
    "One or more parameter values were invalid: ComparisonOperator " operator" is not valid for " type " AttributeValue type"
#define ARGUMENTS(operator) \
    "One or more parameter values were invalid: Invalid number of argument(s) for the " operator" ComparisonOperator"
#define SAME_TYPE "One or more parameter values were invalid: AttributeValues inside AttributeValueList must be of same type"

static const struct filter_row filters[] = {
    { "s", "EQ", "[{\"S\":\"text\"}]", "true" },
    { "s", "EQ", NULL, ARGUMENTS("EQ") },
    { "s", "EQ", "[{\"S\":\"text\"},{\"S\":\"text\"}]", ARGUMENTS("EQ") },
    { "m", "EQ", "[{\"M\":{}}]", "false" },
    { "s", "NE", "[{\"S\":\"text\"}]", "false" },
    { "s", "NE", "[{\"N\":\"1\"}]", "true" },
    { "zz", "NE", "[{\"N\":\"1\"}]", "true" },
    { "s", "LT", "[{\"S\":\"z\"}]", "true" },
    { "s", "LT", "[{\"N\":\"1\"}]", "false" },
    { "s", "LT", "[{\"M\":{}}]", NOT_VALID("LT", "M") },
    { "n", "GE", "[{\"N\":\"5.0\"}]", "true" },
    { "n", "GT", "[{\"N\":\"5\"}]", "false" },
    { "s", "LE", "[{\"NULL\":true}]", NOT_VALID("LE", "NULL") },
    { "s", "IN", "[{\"S\":\"text\"}]", "true" },
    { "s", "IN", "[{\"S\":\"text\"},{\"N\":\"1\"}]", SAME_TYPE },
    { "s", "IN", NULL, ARGUMENTS("IN") },
    { "s", "IN", "[{\"BOOL\":true}]", NOT_VALID("IN", "BOOL") },
    { "s", "BETWEEN", "[{\"S\":\"a\"},{\"S\":\"z\"}]", "true" },
    { "s", "BETWEEN", "[{\"S\":\"z\"},{\"S\":\"a\"}]",
      "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound" },
    { "s", "BETWEEN", "[{\"S\":\"a\"},{\"N\":\"1\"}]", SAME_TYPE },
    { "s", "BETWEEN", "[{\"S\":\"a\"}]", ARGUMENTS("BETWEEN") },
    { "s", "NULL", NULL, "false" },
    { "zz", "NULL", NULL, "true" },
    { "s", "NULL", "[{\"S\":\"a\"}]", ARGUMENTS("NULL") },
    { "s", "NOT_NULL", NULL, "true" },
    { "nu", "NOT_NULL", NULL, "true" },
    { "s", "CONTAINS", "[{\"S\":\"ex\"}]", "true" },
    { "ss", "CONTAINS", "[{\"S\":\"x\"}]", "true" },
    { "l", "CONTAINS", "[{\"S\":\"two\"}]", "true" },
    { "s", "CONTAINS", "[{\"BOOL\":true}]", "false" },
    { "s", "CONTAINS", "[{\"L\":[]}]", NOT_VALID("CONTAINS", "L") },
    { "s", "NOT_CONTAINS", "[{\"S\":\"ex\"}]", "false" },
    { "s", "NOT_CONTAINS", "[{\"S\":\"qq\"}]", "true" },
    { "n", "NOT_CONTAINS", "[{\"S\":\"qq\"}]", "true" },
    { "zz", "NOT_CONTAINS", "[{\"S\":\"qq\"}]", "false" },
    { "s", "BEGINS_WITH", "[{\"S\":\"te\"}]", "true" },
    { "s", "BEGINS_WITH", "[{\"N\":\"1\"}]", NOT_VALID("BEGINS_WITH", "N") },
    { "s", "FOO", "[{\"S\":\"a\"}]", "Comparison type does not exist in DynamoDB" },
    { "s", "eq", "[{\"S\":\"a\"}]", "Comparison type does not exist in DynamoDB" },
};

static void check_result(const char *what, enum lf_code code, const struct expression_node *root, const char *result,
                         const struct err *err)
{
    if (code != LF_OK)
        fixture_check_error(&(struct row){ what, result }, code, err);
    else if (strcmp(condition_holds(root, &fixture.item) ? "true" : "false", result) != 0)
        fail_msg("%s is not %s", what, result);
}

static void test_filters(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(filters); i++) {
        struct err err = ERR_INIT;
        const struct expression_node *root = NULL;
        struct legacy_condition one = condition(filters[i].name, filters[i].comparison, filters[i].values);
        enum lf_code code = legacy_filter(&one, 1, (struct span){ 0 }, &fixture.arena, &root, &err);
        check_result(filters[i].comparison, code, root, filters[i].result, &err);
    }
}

static void check_operator(const char *conditional_operator, size_t count, const char *result)
{
    struct err err = ERR_INIT;
    const struct expression_node *root = NULL;
    struct legacy_condition two[] = { condition("s", "EQ", "[{\"S\":\"a\"}]"), condition("n", "NOT_NULL", NULL) };
    enum lf_code code = legacy_filter(two, count, span_from_cstr(conditional_operator), &fixture.arena, &root, &err);
    check_result("two conditions", code, root, result, &err);
}

static void test_conditional_operator(void **state)
{
    (void)state;
    check_operator("OR", 2, "true");
    check_operator("AND", 2, "false");
    check_operator(NULL, 2, "false");
    check_operator(NULL, 0, "true");
    check_operator("OR", 0, "ConditionalOperator cannot be used without Filter or Expected");
    check_operator("AND", 1, "ConditionalOperator can only be used when Filter or Expected has two or more elements");
}

static void test_query_filter_keys(void **state)
{
    (void)state;
    static const struct span keys[] = { { "pk", 2 }, { "sk", 2 } };
    struct err err = ERR_INIT;
    struct legacy_condition conditions[] = { condition("a", "NULL", NULL), condition("sk", "NULL", NULL) };
    assert_int_equal(legacy_check_query_filter(conditions, 1, keys, ROWS(keys), &err), LF_OK);
    assert_int_equal(legacy_check_query_filter(conditions, 2, keys, ROWS(keys), &err), LF_VALIDATION);
    assert_string_equal(err.message, "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk");
}

/* --- Expected --- */

struct expected_row {
    const char *comparison, *values, *value;
    int exists; /* -1 when not given */
    const char *result;
};

#define INVALID(why) "One or more parameter values were invalid: " why " for Attribute: s"

static const struct expected_row expectations[] = {
    { NULL, NULL, NULL, -1, INVALID("Value must be provided when Exists is null") },
    { NULL, NULL, "{\"S\":\"a\"}", -1, "false" },
    { NULL, NULL, "{\"S\":\"text\"}", -1, "true" },
    { NULL, NULL, NULL, 1, INVALID("Value must be provided when Exists is true") },
    { NULL, NULL, NULL, 0, "false" },
    { NULL, NULL, "{\"S\":\"a\"}", 0, INVALID("Value cannot be used when Exists is false") },
    { NULL, NULL, "{\"S\":\"text\"}", 1, "true" },
    { "EQ", NULL, NULL, 1, INVALID("Exists and ComparisonOperator cannot be used together") },
    { "NE", NULL, "{\"S\":\"a\"}", -1, "true" },
    { "EQ", "[{\"S\":\"a\"}]", "{\"S\":\"a\"}", -1, INVALID("Value and AttributeValueList cannot be used together") },
    { NULL, "[{\"S\":\"a\"}]", NULL, -1, INVALID("AttributeValueList can only be used with a ComparisonOperator") },
    { NULL, "[{\"S\":\"a\"}]", "{\"S\":\"a\"}", -1, INVALID("Value and AttributeValueList cannot be used together") },
    { "EQ", NULL, NULL, -1, INVALID("Value or AttributeValueList must be used with ComparisonOperator: EQ") },
    { "EQ", "[]", NULL, -1, ARGUMENTS("EQ") },
    { "NULL", NULL, NULL, -1, "false" },
    { "NOT_NULL", NULL, NULL, -1, "true" },
    { "NULL", NULL, "{\"S\":\"a\"}", -1, ARGUMENTS("NULL") },
    { "FOO", "[{\"S\":\"a\"}]", NULL, -1, "Comparison type does not exist in DynamoDB" },
};

static void test_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(expectations); i++) {
        const struct expected_row *row = &expectations[i];
        struct err err = ERR_INIT;
        const struct expression_node *root = NULL;
        struct value value = row->value ? fixture_value(&fixture, row->value) : (struct value){ 0 };
        struct legacy_expected expected = { .condition = condition("s", row->comparison, row->values),
                                            .has_values = row->values != NULL,
                                            .value = row->value ? &value : NULL,
                                            .has_exists = row->exists >= 0,
                                            .exists = row->exists == 1 };
        enum lf_code code = legacy_expect(&expected, 1, (struct span){ 0 }, &fixture.arena, &root, &err);
        check_result(row->comparison ? row->comparison : "no operator", code, root, row->result, &err);
        assert_int_equal(legacy_check_expected_members(&expected, 1, &err), code);
    }
}

static void test_members_of_expected_are_checked_without_their_values(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct expression_node *root = NULL;
    struct legacy_expected expected = { .condition = condition("s", "BEGINS_WITH", "[{\"NULL\":true}]"), .has_values = true };
    assert_int_equal(legacy_expect(&expected, 1, (struct span){ 0 }, &fixture.arena, &root, &err), LF_VALIDATION);
    assert_int_equal(legacy_check_expected_members(&expected, 1, &err), LF_OK);
    expected.condition.value_count = 0;
    assert_int_equal(legacy_check_expected_members(&expected, 1, &err), LF_VALIDATION);
}

/* --- KeyConditions --- */

struct key_row {
    const char *pk_comparison, *pk_values, *sk_comparison, *sk_values;
    const char *result;
};

#define A "[{\"S\":\"a\"}]"

static const struct key_row keys[] = {
    { "EQ", A, NULL, NULL, "" },
    { "EQ", A, "LT", A, "" },
    { "LT", A, NULL, NULL, "Query key condition not supported" },
    { "NE", A, NULL, NULL, "Query key condition not supported" },
    { "EQ", A, "CONTAINS", A, "Attempted conditional constraint is not an indexable operation" },
    { "EQ", A, "IN", A, "Attempted conditional constraint is not an indexable operation" },
    { "EQ", A, "BETWEEN", A, ARGUMENTS("BETWEEN") },
    { "EQ", "[{\"N\":\"1\"}]", NULL, NULL,
      "One or more parameter values were invalid: Condition parameter type does not match schema type" },
    { "EQ", "[{\"S\":\"\"}]", NULL, NULL,
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. "
      "Key: pk" },
};

static void test_key_conditions(void **state)
{
    (void)state;
    const struct key_schema usual = { .partition = { SPAN("pk"), VALUE_S }, .sort = { SPAN("sk"), VALUE_S } };
    const struct key_condition_schema schema = key_condition_schema_of(&usual);
    for (size_t i = 0; i < ROWS(keys); i++) {
        struct err err = ERR_INIT;
        struct key_condition reduced;
        struct legacy_condition both[2] = { condition("pk", keys[i].pk_comparison, keys[i].pk_values) };
        if (keys[i].sk_comparison)
            both[1] = condition("sk", keys[i].sk_comparison, keys[i].sk_values);
        enum lf_code code = legacy_key_conditions(both, keys[i].sk_comparison ? 2 : 1, &schema, &reduced, &err);
        if (code != LF_OK || keys[i].result[0])
            fixture_check_error(&(struct row){ keys[i].pk_comparison, keys[i].result }, code, &err);
    }
    struct err err = ERR_INIT;
    struct key_condition reduced;
    assert_int_equal(legacy_key_conditions(NULL, 0, &schema, &reduced, &err), LF_VALIDATION);
    assert_string_equal(err.message, "Conditions can be of length 1 or 2 only");
}

/* --- AttributeUpdates --- */

struct update_row {
    const char *name, *action, *value;
    const char *result; /* the attribute's value, "" when it is gone, or a message */
};

#define NO_VALUE "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified"
#define MISMATCH "Type mismatch for attribute to update"

static const struct update_row updates[] = {
    { "a", NULL, "{\"S\":\"a\"}", "{\"S\":\"a\"}" },
    { "a", "PUT", "{\"S\":\"a\"}", "{\"S\":\"a\"}" },
    { "a", "PUT", NULL, NO_VALUE },
    { "a", NULL, NULL, NO_VALUE },
    { "n", "ADD", NULL, NO_VALUE },
    { "s", "DELETE", NULL, "" },
    { "zz", "DELETE", NULL, "" },
    { "s", "DELETE", "{\"S\":\"a\"}",
      "One or more parameter values were invalid: DELETE action with value is not supported for the type STRING" },
    { "ss", "DELETE", "{\"SS\":[\"x\"]}", "{\"SS\":[\"y\"]}" },
    { "ss", "DELETE", "{\"SS\":[\"x\",\"y\"]}", "" },
    { "ss", "DELETE", "{\"NS\":[\"1\"]}", MISMATCH },
    { "n", "ADD", "{\"N\":\"1\"}", "{\"N\":\"6\"}" },
    { "zz", "ADD", "{\"N\":\"1\"}", "{\"N\":\"1\"}" },
    { "s", "ADD", "{\"N\":\"1\"}", MISMATCH },
    { "n", "ADD", "{\"S\":\"1\"}", "One or more parameter values were invalid: ADD action is not supported for the type STRING" },
    { "l", "ADD", "{\"L\":[{\"S\":\"p\"}]}",
      "{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}},{\"S\":\"p\"}]}" },
    { "zz", "ADD", "{\"L\":[{\"S\":\"p\"}]}", "{\"L\":[{\"S\":\"p\"}]}" },
    { "n", "ADD", "{\"L\":[]}", MISMATCH },
    { "ss", "ADD", "{\"SS\":[\"new\",\"x\"]}", "{\"SS\":[\"x\",\"y\",\"new\"]}" },
    { "n", "FOO", "{\"N\":\"1\"}", "Member must satisfy enum value set: [ADD, DELETE, PUT]" },
};

static enum lf_code apply_update(const struct update_row *row, struct item *ret_item, struct err *err)
{
    struct update update;
    struct value value = row->value ? fixture_value(&fixture, row->value) : (struct value){ 0 };
    struct legacy_update legacy = { .name = span_from_cstr(row->name),
                                    .action = span_from_cstr(row->action),
                                    .value = row->value ? &value : NULL };
    TRY(legacy_updates(&legacy, 1, &fixture.arena, &update, err));
    return update_apply(&update, &fixture.item, NULL, &fixture.arena, ret_item, err);
}

static void test_updates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(updates); i++) {
        struct err err = ERR_INIT;
        struct item item = { 0 };
        const char *result = updates[i].result;
        enum lf_code code = apply_update(&updates[i], &item, &err);
        const struct value *changed = code == LF_OK ? item_get(&item, span_from_cstr(updates[i].name)) : NULL;
        if (code != LF_OK) {
            fixture_check_error(&(struct row){ updates[i].name, result }, code, &err);
        } else if (result[0]) {
            struct value expected = fixture_value(&fixture, result);
            assert_non_null(changed);
            assert_true(value_equal(changed, &expected));
        } else {
            assert_null(changed);
        }
    }
}

static void test_attributes_to_get(void **state)
{
    (void)state;
    const struct span names[] = { SPAN("n"), SPAN("zz"), SPAN("m.x"), SPAN("n") };
    struct err err = ERR_INIT;
    struct projection projection;
    struct item item;
    assert_int_equal(legacy_attributes_to_get(names, 3, &fixture.arena, &projection, &err), LF_OK);
    assert_int_equal(projection_apply(&projection, &fixture.item, &fixture.arena, &item, &err), LF_OK);
    assert_true(fixture_same(&fixture, &item, "{\"n\":{\"N\":\"5\"}}"));
    assert_int_equal(legacy_attributes_to_get(names, 4, &fixture.arena, &projection, &err), LF_VALIDATION);
    assert_string_equal(err.message, "One or more parameter values were invalid: Duplicate value in attribute name: n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_conditional_operator),
        cmocka_unit_test(test_query_filter_keys),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_members_of_expected_are_checked_without_their_values),
        cmocka_unit_test(test_key_conditions),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_attributes_to_get),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
