#include "../base/unit.h"

#include "expression/projection.h"
#include "fixture.h"

/* The item as projected, or the message of the error. */
static const struct row rows[] = {
    { "s", "{\"s\":{\"S\":\"text\"}}" },
    { "s, n", "{\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"}}" },
    { "m.x", "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"}}}}" },
    { "m.x, m.y", "{\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}" },
    { "m.y.z, m.x", "{\"m\":{\"M\":{\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}},\"x\":{\"N\":\"1\"}}}}" },
    { "l[0], l[2]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "l[2], l[0]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "l[9]", "{}" },
    { "l[2].x, l[0]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
    { "l[2].y", "{}" },
    { "m.zz", "{}" },
    { "m.zz.y", "{}" },
    { "s.x", "{}" },
    { "s[0]", "{}" },
    { "#a, #n", "{\"n\":{\"N\":\"5\"}}" },
    { "#nope", "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute "
               "name: #nope" },
    { "name", "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "s, s", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
              "paths; path one: [s], path two: [s]" },
    { "m, m.x", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
                "paths; path one: [m], path two: [m, x]" },
    { "m.x, m", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
                "paths; path one: [m, x], path two: [m]" },
    { "m.x, m[0]", "Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one of "
                   "these paths; path one: [m, x], path two: [m, [0]]" },
    { "l[0], l.x", "Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one of "
                   "these paths; path one: [l, [0]], path two: [l, x]" },
    { "l[0], l[0]", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of "
                    "these paths; path one: [l, [0]], path two: [l, [0]]" },
    { "l[0], l", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
                 "paths; path one: [l, [0]], path two: [l]" },
    { ",", "Invalid ProjectionExpression: Syntax error; token: \",\", near: \",\"" },
    { "s,", "Invalid ProjectionExpression: Syntax error; token: \"<EOF>\", near: \",\"" },
    { "s n", "Invalid ProjectionExpression: Syntax error; token: \"n\", near: \"s n\"" },
    { "s,,n", "Invalid ProjectionExpression: Syntax error; token: \",\", near: \",,n\"" },
    { ":s", "Invalid ProjectionExpression: Syntax error; token: \":s\", near: \":s\"" },
    { "(s)", "Invalid ProjectionExpression: Syntax error; token: \"(\", near: \"(s\"" },
    { "size(s)", "Invalid ProjectionExpression: Syntax error; token: \"(\", near: \"size(s\"" },
    { "s = :s", "Invalid ProjectionExpression: Syntax error; token: \"=\", near: \"s = :s\"" },
    { "SET s", "Invalid ProjectionExpression: Syntax error; token: \"SET\", near: \"SET s\"" },
    { "#n, n", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these "
               "paths; path one: [n], path two: [n]" },
    { "l[99999999999]", "Invalid ProjectionExpression: List index is not within the allowable range; index: [99999999999]" },
    { "#nope, s, s", "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of "
                     "these paths; path one: [s], path two: [s]" },
    { "s, s, #nope", "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; "
                     "attribute name: #nope" },
    { "s, s, name", "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name" },
    { "s, s, l[99999999999]",
      "Invalid ProjectionExpression: List index is not within the allowable range; index: [99999999999]" },
    { "m[0]", "{}" },
    { "l[1][0], l[2].x", "{\"l\":{\"L\":[{\"M\":{\"x\":{\"N\":\"3\"}}}]}}" },
};

static void test_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err err = ERR_INIT;
        struct projection projection;
        struct item item;
        enum lf_code code =
            projection_parse(span_from_cstr(rows[i].expression), &fixture.inputs, &fixture.arena, &projection, &err);
        if (code != LF_OK) {
            fixture_check_error(&rows[i], code, &err);
            continue;
        }
        assert_int_equal(projection_apply(&projection, &fixture.item, &fixture.arena, &item, &err), LF_OK);
        if (!fixture_same(&fixture, &item, rows[i].result))
            fail_msg("%s is not %s", rows[i].expression, rows[i].result);
    }
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
