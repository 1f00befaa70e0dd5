/*
 * mixed_pages: pages of a mixed table (docs/live.md, "Mixed tables"): each item from the side that has the authority over its
 * key.
 *
 *     Query   DynamoDB ── items that have not moved ──┐
 *                                                     ├─ by sort key; where equal, as in an index, DynamoDB's first ──► page
 *             PostgreSQL ── items that have ──────────┘
 *     Scan    DynamoDB to its end, then PostgreSQL
 *
 * A side that the keys asked for cannot be of is not asked. A start key says by its own key which side gave it out: a page of a
 * Scan ends with an item of the side that it was reading, and so skips what that side has of the other's.
 */
#pragma once

#include "gateway/store/store.h"
#include "map/key_group.h"

/* Of the keys that a range of the table itself can cover, whether some, or all, are the group's. Pure. */
enum key_group_reach mixed_reach(const struct key_group *group, const struct store_range *range);

/* Callbacks of store.h. Errors: theirs, and those of upstream_query and upstream_scan. */
enum lf_code mixed_query(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                         struct store_page *ret_page, struct err *err) MUST_CHECK;
enum lf_code mixed_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                        struct store_page *ret_page, struct err *err) MUST_CHECK;
