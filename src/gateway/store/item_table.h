/*
 * item_table: a DynamoDB table's table in the schema `dynamodb`, and the texts of the statements on it.
 *
 *     CREATE TABLE dynamodb."Orders_17" (h bytea, sk bytea, pk bytea, size int4, ttl int8, item json, g0h bytea, g0s bytea, l1s
 * bytea, …, PRIMARY KEY (h, sk)) CREATE INDEX … (g0h, g0s, h, sk) WHERE g0h IS NOT NULL      CREATE INDEX … (h, l1s, sk) WHERE
 * l1s IS NOT NULL CREATE INDEX … (ttl) WHERE ttl IS NOT NULL
 *
 * Statements take all rows as arrays, one per column, so that one text serves one row and a hundred. Made when the catalog reads
 * a table; immutable afterwards, shared by all workers.
 */
#pragma once

#include <stdatomic.h>

#include "gateway/store/store.h"

/* How a row is written. */
enum item_write {
    ITEM_UPSERT, /* whatever is there */
    ITEM_DELETE, /* whatever is there */
    ITEM_INSERT, /* if there is none: takes the key's lock, shared */
    ITEM_UPDATE, /* if its xmin is still the one */
    ITEM_REMOVE, /* if its xmin is still the one */
    ITEM_WRITES,
};

/* Rows may stay as they are. */
static inline bool item_write_is_guarded(enum item_write kind)
{
    return kind != ITEM_UPSERT && kind != ITEM_DELETE;
}

/*
 * Parameters, all arrays, one element per row, in order of (h, sk), no key twice. Statements that read nothing of a row's content
 * stop after sk.
 *
 *     get, lock, DELETE:  h bytea[], sk bytea[]
 *     REMOVE:             h, sk, xmin xid[]                             with a stream also: old json[], by_ttl bool[]
 *     UPSERT, INSERT:     h, sk, lock int8[], pk, size int4[], ttl int8[], item json[], then per index g<slot>h (global ones), s
 * bytea[] UPDATE:             h, sk, xmin xid[], pk, size, ttl, item, index columns     with a stream also: old json[]
 *
 * Results: get and lock: n int4 (from 1), xmin, size, item. Guarded writes: h, sk of the rows that were written.
 * With a stream the statement inserts the images into landfall.change_in. Run them by db_statement, which knows statements by
 * their text.
 */
struct item_statements {
    struct span name; /* dynamodb."Orders_17" */
    struct span get;
    struct span lock;
    struct span write[ITEM_WRITES];        /* without stream */
    struct span write_stream[ITEM_WRITES]; /* INSERT, UPDATE, REMOVE; the others are empty */
    struct span expired;                   /* $1 int8 now, $2 int8 limit: xmin, size, item */
};

/* What is learnt while the table is used. */
struct item_usage {
    _Atomic uint32_t size_bytes_mean; /* of items that pages have read; 0: none yet */
    _Atomic uint32_t size_bytes_max;  /* as the mean */
};
struct item_usage *item_usage_of(const struct table *table);

/* store_state of a table in the item store. */
const struct item_statements *item_statements_of(const struct table *table);

enum lf_code item_table_open(struct table *table, struct err *err) MUST_CHECK;
void item_table_close(struct table *table);

/* The callbacks of the schema, store.h. */
enum lf_code item_table_create(struct db_transaction *transaction, const struct table *table, struct err *err) MUST_CHECK;
enum lf_code item_table_drop(struct db_transaction *transaction, const struct table *table, struct err *err) MUST_CHECK;
enum lf_code item_table_add_index(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                                  struct err *err) MUST_CHECK;
enum lf_code item_table_drop_index(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                                   struct err *err) MUST_CHECK;
