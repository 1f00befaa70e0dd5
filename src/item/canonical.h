/*
 * canonical: when two items are the same to DynamoDB, and the hash that says so.
 *
 * Numbers are equal by value, sets and maps without order, lists with order, strings and binaries by bytes; NULL is not absence,
 * empty is not absence, a string set is not a list. Equal items have equal hashes; the hash needs no sorting: attributes, map
 * entries and set members are hashed with their names and types and summed (sums, not XOR, so that pairs do not cancel out).
 * Pure, no allocation.
 */
#pragma once

#include "base/hash.h"
#include "item/value.h"

bool value_equal(const struct value *a, const struct value *b);
bool item_equal(const struct item *a, const struct item *b);

struct hash128 value_hash(const struct value *value);
struct hash128 item_hash(const struct item *item);
