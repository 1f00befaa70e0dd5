/*
 * shadow_compare: whether two answers to a read say the same: items as DynamoDB compares them (item/canonical.h), in order where
 * the order is the table's, without capacity. Pure.
 *
 * In an index items may have equal keys, and stand in each side's own order then. Where a page ends among them, each side has
 * others of them on it, so they are left out, and the page must end at the same key:
 *
 *     DynamoDB    … 08:00 a   08:30 b │ 09:00 c   09:00 d │ 09:00 e
 *     PostgreSQL  … 08:00 a   08:30 b │ 09:00 e   09:00 c │ 09:00 d
 *                 compared            │ not compared      │ of the next page
 */
#pragma once

#include "base/arena.h"
#include "gateway/shape.h"

struct shadow_order {
    bool is_ordered; /* by the table's sort key: no two are equal */
    struct span by;  /* else the sort key of the index; empty: it has none, or the answer is no page */
};

/* Errors: those of reading JSON. */
enum lf_code shadow_compare(struct span first, struct span second, const struct shadow_order *order, struct arena *arena,
                            bool *ret_same, struct err *err) MUST_CHECK;
