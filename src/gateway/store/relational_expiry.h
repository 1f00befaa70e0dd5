/* relational_expiry: what a mapped table has that has expired, and how much it has at all. Callbacks of store.h. */
#pragma once

#include "gateway/store/store.h"

/* Finds items by their TTL attribute, in a column or in ddb_extra; without an index on the column all rows are looked through. */
enum lf_code relational_expired(struct worker *worker, const struct table *table, int64_t now_s, size_t items_max,
                                struct arena *arena, struct store_page *ret_page, struct err *err) MUST_CHECK;

enum lf_code relational_measure(struct worker *worker, const struct table *table, const struct table_index *index,
                                int64_t *ret_items, int64_t *ret_bytes, struct err *err) MUST_CHECK;
