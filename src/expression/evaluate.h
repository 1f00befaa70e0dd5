/*
 * evaluate: whether an item meets a condition.
 *
 * DynamoDB's rules: types are never converted, an operand that is absent or of a type the operator does not take makes a
 * comparison false (but <> true), numbers compare by value, strings and binaries by bytes, sets and maps without order. Pure,
 * allocates nothing; one tree may serve many items.
 */
#pragma once

#include "expression/expression.h"

/* `condition` NULL holds for every item; `item` NULL is the item that is not there, and has no attribute. */
bool condition_holds(const struct expression_node *condition, const struct item *item);

/* The order of two values of one type, S, N or B: negative, 0 or positive. */
int value_order(const struct value *a, const struct value *b);
