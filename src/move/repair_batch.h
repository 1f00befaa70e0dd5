/*
 * repair_batch: items that are written into the target in one transaction.
 *
 * An item whose row is already there, under the same primary key, becomes an UPDATE, so that rows which refer to it keep what
 * they refer to; all other rows that hold its key are deleted and the item goes in by COPY. A table's rows are deleted and
 * changed by one statement (row_set.h); where that breaks a constraint, one after the other. What breaks one then goes to
 * landfall.item, found by halving the batch.
 */
#pragma once

#include "move/key_merge.h"
#include "move/row_identity.h"
#include "move/row_writer.h"

enum { REPAIR_BATCH_ITEMS = 500, REPAIR_BATCH_BYTES = 16 * 1024 * 1024 };

struct repair_item {
    const struct map_table *table;
    const struct key_difference *difference; /* of its key, borrowed */
    struct item item;
    struct row row;
    const struct row_identity *identities; /* rows that hold its key now, borrowed */
    size_t identity_count;
    bool updated; /* its own row was changed in place */
};

struct repair_batch {
    const struct map *map;
    struct pg_conn *conn; /* borrowed; in no transaction, or in the caller's, who then commits */
    struct row_writer writer;
    struct arena arena; /* owns the items */
    size_t bytes;       /* of the items, as DynamoDB counts */
    size_t count;
    struct repair_item items[REPAIR_BATCH_ITEMS];
    struct key_entry *refused; /* owned, malloc: keys of items that went to landfall.item because they broke a constraint */
    size_t refused_count, refused_capacity;
};

void repair_batch_init(struct repair_batch *batch, const struct map *map, struct pg_conn *conn);
void repair_batch_done(struct repair_batch *batch);

/* Copies the item; writes the batch when it is full. */
enum lf_code repair_batch_add(struct repair_batch *batch, const struct map_table *table, const struct key_difference *difference,
                              const struct item *item, const struct row_identity *identities, size_t identity_count,
                              struct err *err) MUST_CHECK;

/* What is done in a transaction before it is committed. */
typedef enum lf_code repair_finish(void *context, struct pg_conn *conn, struct err *err);

/* Forgets what is in the batch, after its transaction was rolled back. */
void repair_batch_drop(struct repair_batch *batch);

/* Writes what is in the batch and commits; nothing when it is empty. `finish` may be NULL. */
enum lf_code repair_batch_flush(struct repair_batch *batch, repair_finish *finish, void *context, struct err *err) MUST_CHECK;
