/*
 * shadow_compare: whether two answers to a read say the same: items as DynamoDB compares them (item/canonical.h), in order where
 * the order is the table's, without capacity. Pure.
 */
#pragma once

#include "base/arena.h"
#include "gateway/shape.h"

/* `is_ordered`: items stand in the order of the table's sort key. Errors: those of reading JSON. */
enum lf_code shadow_compare(struct span first, struct span second, bool is_ordered, struct arena *arena, bool *ret_same,
                            struct err *err) MUST_CHECK;
