/*
 * key_range: from a reduced key condition to the range of key bytes that a store reads.
 *
 *     pk = "a" AND sk BETWEEN 3 AND 5     ──►  partition {pk: a}, from key(3) to key(5), both included
 *     s1 = "x" AND begins_with(s2, "y")   ──►  from joined(x, y…) to its successor
 *
 * Keys of several attributes are joined as item_columns.h joins them. Errors: LF_MEMORY, and LF_VALIDATION when an
 * ExclusiveStartKey lies outside. Pure.
 */
#pragma once

#include "expression/key_condition.h"
#include "gateway/store/store.h"

/* The keys of the index, or of the table when it is NULL. */
struct key_condition_schema key_range_schema(const struct table *table, const struct table_index *index);

/* Fills partition, from, to and condition. */
enum lf_code key_range_of(const struct key_condition_schema *schema, const struct key_condition *condition, struct arena *arena,
                          struct store_range *ret_range, struct err *err) MUST_CHECK;

/* Whether a start key (start_key_check) is one that the range could have ended a page with. */
enum lf_code key_range_check_start(const struct key_condition_schema *schema, const struct store_range *range,
                                   const struct item *start, struct arena *arena, struct err *err) MUST_CHECK;
