/*
 * page: what Query and Scan have in common: which attributes they return, the filter, the counts, the key to go on from.
 *
 *     store's page ──► filter ──► index's projection · ProjectionExpression · whole ──► Items, Count, ScannedCount
 *
 * Items that are returned whole are copied from the store as they are. Errors: LF_VALIDATION in AWS's words, LF_MEMORY.
 */
#pragma once

#include "expression/partiql.h"
#include "gateway/call.h"
#include "gateway/operations/capacity.h"
#include "gateway/operations/parameters.h"
#include "gateway/store/store.h"

enum { PAGE_BYTES_MAX = 1024 * 1024 };

struct page {
    const struct table *table;
    const struct table_index *index; /* NULL: the table */
    bool is_query;
    bool is_statement; /* of PartiQL, which is less strict about indexes */
    enum api_select select;
    bool has_projection_expression, has_attributes_to_get;
    struct projection projection;         /* when there is one of them */
    const struct partiql_column *columns; /* of a statement, which names what it projects */
    size_t column_count;
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

/* The same in parts, for answers that several pages make together. */
struct page_writer {
    struct call *call;
    const struct page *page;
    enum page_view { VIEW_NOTHING, VIEW_WHOLE, VIEW_OF_INDEX, VIEW_PROJECTED } view;
    bool is_measured, needs_table; /* for the capacity */
    struct capacity capacity;
    size_t size_bytes; /* read of the table or index, in this page */
    int64_t returned;
};

enum lf_code page_writer_init(struct page_writer *writer, struct call *call, const struct page *page, struct err *err) MUST_CHECK;
/* Those of the items that are wanted, as elements of an array. */
enum lf_code page_put_items(struct page_writer *writer, const struct store_page *found, struct err *err) MUST_CHECK;
enum lf_code page_put_capacity(const struct page_writer *writer, struct err *err) MUST_CHECK;

/* What is to be seen of an item under these columns. */
enum lf_code page_take_columns(const struct partiql_column *columns, size_t count, const struct item *item, struct arena *arena,
                               struct item *ret_item, struct err *err) MUST_CHECK;
