/*
 * page: what Query and Scan have in common: which attributes they return, the filter, the counts, the key to go on from.
 *
 *     store's page ──► filter ──► index's projection · ProjectionExpression · whole ──► Items, Count, ScannedCount
 *
 * Items that are returned whole are copied from the store as they are. Errors: LF_VALIDATION in AWS's words, LF_MEMORY.
 */
#pragma once

#include "gateway/call.h"
#include "gateway/operations/parameters.h"
#include "gateway/store/store.h"

enum { PAGE_BYTES_MAX = 1024 * 1024 };

struct page {
    const struct table *table;
    const struct table_index *index; /* NULL: the table */
    bool is_query;
    enum api_select select;
    bool has_projection_expression, has_attributes_to_get;
    struct projection projection; /* when there is one of them */
    const struct expression_node *filter;
    bool is_consistent;
    enum api_return_consumed_capacity return_consumed_capacity;
};

/* The index of this name; `name` not given is the table, NULL. An index that is still being filled cannot be read. */
enum lf_code page_find_index(const struct table *table, struct span name, const struct table_index **ret_index,
                             struct err *err) MUST_CHECK;

/* Global indexes are not read consistently. */
enum lf_code page_check_consistency(const struct page *page, struct err *err) MUST_CHECK;

/* Whether Select, the projection, the filter and the index suit one another. */
enum lf_code page_check_select(const struct page *page, struct err *err) MUST_CHECK;

/* The whole answer. */
enum lf_code page_answer(struct call *call, const struct page *page, const struct store_page *found, struct err *err) MUST_CHECK;
