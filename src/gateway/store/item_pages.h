/*
 * item_pages: pages of the item store: Query and Scan (store.h). A page is one statement: a running sum of sizes ends it where it
 * passes `bytes_max`. Only when the mean size of the table's items was far off does it take a second one.
 */
#pragma once

#include "gateway/store/store.h"

enum lf_code item_query(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                        struct store_page *ret_page, struct err *err) MUST_CHECK;
enum lf_code item_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                       struct store_page *ret_page, struct err *err) MUST_CHECK;
