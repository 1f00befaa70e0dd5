/*
 * read_keys: what a read of items asks for: keys, partitions, or the whole of a table or index.
 *
 * By hash of the partition key (of the table's, or of the index's that is read) it is decided which side answers, and whether
 * both are asked; a Scan, which has none, by a hash of what it scans, so that all pages of a segment go the same way. Where the
 * percentage is of some entities' keys, a Query of the table is of these when the key templates leave nothing else in its range;
 * a Scan, and a Query on an index, never. Errors: LF_VALIDATION for keys that do not fit the table; LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/route_tables.h"
#include "gateway/store/item_columns.h"

struct read_key {
    const struct table *table;
    struct item_place place; /* of a partition or a scan: only h */
    bool is_shared;          /* whatever it covers are keys that the table's percentage is of */
};

struct read_keys {
    struct read_key *keys;
    size_t count;
    bool has_places; /* keys or partitions of the table, which may be marked; else an index or a scan, which lag behind anyway */
    bool is_partition;        /* the place is a partition */
    bool has_own_order;       /* what comes behind a start key depends on the side that gave it out */
    struct span index_order;  /* of a Query on an index: the sort key that it is in the order of; empty: none */
    const struct item *start; /* ExclusiveStartKey; NULL: none */
};

/* *ret_is_read false: it is another operation. */
enum lf_code read_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                            struct read_keys *ret_keys, bool *ret_is_read, struct err *err) MUST_CHECK;

/* 0 … 99 */
unsigned read_key_percentile(const struct read_key *key);
