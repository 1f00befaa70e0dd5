/*
 * item_fill: what goes over a table of the item store outside of requests: filling a new index, finding what has expired,
 * measuring.
 */
#pragma once

#include "gateway/store/store.h"

/* One batch of rows, in order of (h, sk), whose place is kept in landfall.dynamodb_index. (store.h) */
enum lf_code item_fill_index(struct worker *worker, const struct table *table, const struct table_index *index,
                             struct arena *arena, bool *ret_done, struct err *err) MUST_CHECK;
/* The same for the time to live, after it was switched on; its place is kept in landfall.dynamodb_table. */
enum lf_code item_fill_ttl(struct worker *worker, const struct table *table, struct arena *arena, bool *ret_done,
                           struct err *err) MUST_CHECK;
enum lf_code item_expired(struct worker *worker, const struct table *table, int64_t now_s, size_t items_max, struct arena *arena,
                          struct store_page *ret_page, struct err *err) MUST_CHECK;
enum lf_code item_measure(struct worker *worker, const struct table *table, const struct table_index *index, int64_t *ret_items,
                          int64_t *ret_bytes, struct err *err) MUST_CHECK;
