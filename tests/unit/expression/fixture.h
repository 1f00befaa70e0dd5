/*
 * fixture: one item with an attribute of every type, values and names, and rows of expressions with what DynamoDB makes of them.
 *
 *     s "text"   n 5   b "abc"   bo true   nu NULL   ss {x, y}   ns {1, 2}   l [1, "two", {x: 3}]   m {x: 1, y: {z: "deep"}}
 */
#pragma once

#include "expression/expression.h"

struct fixture {
    struct arena arena;
    struct item item;
    struct expression_inputs inputs;
};

/* An expression and the result as text, or the message of its error. */
struct row {
    const char *expression;
    const char *result;
};

void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture);

/* A value or item of DynamoDB JSON, in the fixture's arena. */
struct value fixture_value(struct fixture *fixture, const char *json);
struct item fixture_item(struct fixture *fixture, const char *json);

/* Whether two items in DynamoDB JSON are the same; order does not matter. */
bool fixture_same(struct fixture *fixture, const struct item *item, const char *json);

/* Prints the row and what came instead, and fails. */
void fixture_check_error(const struct row *row, enum lf_code code, const struct err *err);
#define ROWS(array) (sizeof(array) / sizeof *(array))
