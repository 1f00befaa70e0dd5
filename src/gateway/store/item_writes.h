/*
 * item_writes: rows to be written to the item store's table, and the statement that writes many of one kind at once.
 *
 *     struct store_write ──item_row_new──► struct item_row: kind, columns ──item_rows_write──► which of them were written
 */
#pragma once

#include "gateway/store/item_columns.h"
#include "gateway/store/item_table.h"

/* A write, ready to be sent. */
struct item_row {
    enum item_write kind;
    bool has_images; /* for the stream */
    bool is_idle;    /* there is nothing to do: deletes what is not there */
    struct item_place place;
    struct span pk;
    int64_t lock; /* id of the key's lock */
    uint32_t version;
    int32_t size;
    bool has_ttl;
    int64_t ttl;
    struct span item;              /* JSON */
    struct index_columns *indexes; /* as table->indexes */
    struct span old_item;          /* JSON; ptr NULL: none */
    bool by_ttl;
    bool is_applied;
};

/* Everything lies in the arena. */
enum lf_code item_row_new(const struct table *table, const struct store_write *write, struct arena *arena,
                          struct item_row *ret_row, struct err *err) MUST_CHECK;

/* Runs a statement: on a connection for writing, or in a transaction. */
typedef enum lf_code item_run(void *context, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_result **ret_rows, struct err *err);

/* Rows of one kind and one answer to has_images, whose keys differ; sorted here. Sets is_applied of each. */
enum lf_code item_rows_write(struct db *db, const struct table *table, struct item_row **rows, size_t count, item_run *run,
                             void *context, struct err *err) MUST_CHECK;
