/*
 * upstream_page: Query and Scan of DynamoDB, as a store's pages, without items over whose keys it has not the authority.
 *
 * Asked without filter or projection: whoever asks looks at every item. What is left out takes no room. Errors: those of
 * upstream_call, of catalog_check_fresh, and LF_SYNTAX, LF_ITEM, LF_LIMIT, LF_MEMORY for an answer that makes no sense. On a
 * fiber.
 */
#pragma once

#include "gateway/store/store.h"
#include "gateway/worker.h"

struct upstream_page {
    struct store_page page;  /* whose items are JSON */
    const struct item *next; /* the key that the next page begins behind, with that of the index; NULL: there is none */
};

/* Of the range's condition; `from` and `to` are not looked at. `items_max` 0: as many as fit a page. */
enum lf_code upstream_query(struct worker *worker, const struct table *table, const struct store_range *range,
                            struct arena *arena, struct upstream_page *ret_page, struct err *err) MUST_CHECK;
enum lf_code upstream_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                           struct upstream_page *ret_page, struct err *err) MUST_CHECK;
