#include "../base/unit.h"

#include "fixture.h"

static struct expression_name name(const char *placeholder, bool is_used)
{
    return (struct expression_name){ span_from_cstr(placeholder), SPAN("x"), is_used };
}

static void check_key(const char *key, const char *message)
{
    struct err err = ERR_INIT;
    struct expression_name entry = name(key, false);
    const struct expression_inputs inputs = { .names = &entry, .name_count = 1, .has_names = true };
    enum lf_code code = expression_inputs_check(&inputs, true, NULL, &err);
    if (!message)
        assert_int_equal(code, LF_OK);
    else
        fixture_check_error(&(struct row){ key, message }, code, &err);
}

static void test_keys(void **state)
{
    (void)state;
    char at_limit[EXPRESSION_PLACEHOLDER_BYTES + 1] = "#", over[EXPRESSION_PLACEHOLDER_BYTES + 2] = "#";
    memset(at_limit + 1, 'a', sizeof at_limit - 2);
    memset(over + 1, 'a', sizeof over - 2);
    check_key("#a", NULL);
    check_key("#1_b", NULL);
    check_key(at_limit, NULL);
    check_key(over,
              "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; "
              "size of key: 256");
    check_key("", "ExpressionAttributeNames contains invalid key: The expression attribute map contains an empty key;");
    check_key("a", "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
    check_key("#", "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"");
    check_key("#a-b", "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"");
    check_key(":a", "ExpressionAttributeNames contains invalid key: Syntax error; key: \":a\"");
}

static void test_presence(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct expression_inputs names = { .has_names = true }, values = { .has_values = true }, none = { 0 };
    assert_int_equal(expression_inputs_check(&none, false, "ConditionExpression is null", &err), LF_OK);
    assert_int_equal(expression_inputs_check(&names, false, NULL, &err), LF_VALIDATION);
    assert_string_equal(err.message, "ExpressionAttributeNames can only be specified when using expressions");
    assert_int_equal(expression_inputs_check(&values, true, "FilterExpression is null", &err), LF_VALIDATION);
    assert_string_equal(err.message,
                        "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null");
    assert_int_equal(expression_inputs_check(&names, true, NULL, &err), LF_VALIDATION);
    assert_string_equal(err.message, "ExpressionAttributeNames must not be empty");
    assert_int_equal(expression_inputs_check(&values, true, NULL, &err), LF_VALIDATION);
    assert_string_equal(err.message, "ExpressionAttributeValues must not be empty");
}

static void test_unused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct expression_name names[] = { name("#z", false), name("#y", false), name("#a", false), name("#foo", false),
                                       name("#used", true) };
    struct expression_inputs inputs = { .names = names, .name_count = ROWS(names), .has_names = true };
    assert_int_equal(expression_inputs_check_used(&inputs, &err), LF_VALIDATION);
    assert_string_equal(err.message,
                        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#foo, #y, #z, #a}");
    for (size_t i = 0; i < ROWS(names); i++)
        names[i].is_used = true;
    assert_int_equal(expression_inputs_check_used(&inputs, &err), LF_OK);
    struct expression_value value = { .placeholder = SPAN(":v") };
    inputs.values = &value;
    inputs.value_count = 1;
    assert_int_equal(expression_inputs_check_used(&inputs, &err), LF_VALIDATION);
    assert_string_equal(err.message, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}");
}

static void test_parsers_mark_what_they_use(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = ERR_INIT;
    const struct expression_node *root;
    fixture_init(&fixture);
    assert_int_equal(
        expression_parse_condition(SPAN("#a.b = :s"), EXPRESSION_FILTER, &fixture.inputs, &fixture.arena, &root, &err), LF_OK);
    for (size_t i = 0; i < fixture.inputs.name_count; i++)
        assert_int_equal(fixture.inputs.names[i].is_used, span_equal(fixture.inputs.names[i].placeholder, SPAN("#a")));
    for (size_t i = 0; i < fixture.inputs.value_count; i++)
        assert_int_equal(fixture.inputs.values[i].is_used, span_equal(fixture.inputs.values[i].placeholder, SPAN(":s")));
    fixture_done(&fixture);
}

static void test_reserved_words(void **state)
{
    (void)state;
    static const char *const reserved[] = { "ABORT", "abort", "Name", "ZONE", "localtimestamp", "TTL", "by" };
    static const char *const free_words[] = { "", "a", "names1", "nam", "pk", "localtimestamps", "zones", "orderid" };
    for (size_t i = 0; i < ROWS(reserved); i++)
        assert_true(expression_is_reserved(span_from_cstr(reserved[i])));
    for (size_t i = 0; i < ROWS(free_words); i++)
        assert_false(expression_is_reserved(span_from_cstr(free_words[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys), cmocka_unit_test(test_presence),
                                        cmocka_unit_test(test_unused), cmocka_unit_test(test_parsers_mark_what_they_use),
                                        cmocka_unit_test(test_reserved_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
