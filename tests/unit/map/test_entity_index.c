#include "row_fixture.h"

/* ---- maps that cannot be ---- */

static void assert_map_error(struct fixture *fixture, const char *yaml, const char *message)
{
    assert_int_equal(map_read_yaml(span_from_cstr(yaml), "test.yaml", &fixture->map_arena, &fixture->map, &fixture->err), LF_MAP);
    if (!strstr(fixture->err.message, message))
        fail_msg("%s", fixture->err.message);
}

static void test_an_attribute_is_stored_once(void **state)
{
    struct fixture *fixture = *state;
    assert_map_error(fixture, HEAD LONG_KEY "          again: { attr: pk, type: text }\n", "the attribute 'pk' is named twice");
    assert_map_error(fixture,
                     HEAD LONG_KEY "          a: { attr: m, type: jsonb }\n"
                                   "          b: { attr: m, flatten: { c: { attr: c, type: text } } }\n",
                     "the attribute 'm' is named twice");
    assert_map_error(fixture, HEAD LONG_KEY "          lonely: { type: text }\n",
                     "column lonely has neither an attribute nor a template that gives it");
}

/* What holds it wins: the constant only decides. */
static void test_a_constant_may_be_a_column_too(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY "          kind: { attr: kind, type: text }\n"
                                    "        match: { kind: long }\n");
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"s\"},\"kind\":{\"S\":\"long\"}}", "Long");
    assert_text(&row, "kind", "long");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"s\"},\"kind\":{\"S\":\"short\"}}",
                       "no entity of the map has its constants");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_an_attribute_is_stored_once),
        ROW_TEST(test_a_constant_may_be_a_column_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
