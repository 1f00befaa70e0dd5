/*
 * relational_pages: Query and Scan of mapped tables.
 *
 *     court.case:     rows in order, LIMIT n ─┐
 *     court.message:  rows in order, LIMIT n ─┼─ UNION ALL ─► merged by key bytes ─► up to where every source has been read
 *     landfall.item:  rows in order, LIMIT n ─┘
 *
 * One statement, hence one snapshot, is mostly enough for a page. Where sources give more than a page needs, the rest is read
 * again for the next one.
 */
#pragma once

#include "gateway/store/store.h"

enum lf_code relational_query(struct worker *worker, const struct table *table, const struct store_range *range,
                              struct arena *arena, struct store_page *ret_page, struct err *err) MUST_CHECK;
enum lf_code relational_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                             struct store_page *ret_page, struct err *err) MUST_CHECK;
