/*
 * relational_order: what Query and Scan go by, as SQL over one source.
 *
 *     Query of the table  sort key                      Scan of the table  partition key, sort key
 *     Query of an index   its sort key, table's key     Scan of an index   its key, table's key
 *
 * In each source an attribute is a column, an expression over columns, or is looked up in the JSON of landfall.item; all of them
 * are in the order of key bytes (key.h), so that what several sources give can be merged.
 */
#pragma once

#include "gateway/store/relational_table.h"
#include "pg/binary_sql.h"

enum { ORDER_ATTRIBUTES_MAX = 4 };

struct order_attribute {
    const struct key_attribute *attribute;
    bool is_of_index;
    size_t part; /* 0: partition key, 1: sort key */
};

struct page_order {
    const struct table *table;
    const struct table_index *index; /* NULL: the table */
    size_t index_at;                 /* in table->map->indexes */
    struct order_attribute partition;
    struct order_attribute attributes[ORDER_ATTRIBUTES_MAX];
    size_t count;
    bool is_descending;
};

/* `is_scan`: partitions are part of the order. */
struct page_order page_order_of(const struct table *table, const struct table_index *index, bool is_scan);

/* Whether the source can have items of the index. */
bool page_order_has(const struct page_order *order, const struct relational_source *source);

/* Each adds " AND …" or nothing; *ret_none: no row of the source fulfils it. */
enum lf_code page_put_partition(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                                struct span bytes, bool *ret_none, struct err *err) MUST_CHECK;
enum lf_code page_put_bound(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                            const struct store_bound *bound, bool is_lower, bool *ret_none, struct err *err) MUST_CHECK;
/* Rows behind the place that these bytes, one per attribute of the order, are. */
enum lf_code page_put_behind(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                             const struct span *place, bool *ret_none, struct err *err) MUST_CHECK;
/* Items that have all attributes of the index. */
void page_put_presence(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source);
/* Partitions whose hash (place_hash) is in [from, to); `to` empty: to the end. What SQL cannot hash is left to the caller. */
void page_put_segment(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                      struct span from, struct span to);
void page_put_order(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source);
