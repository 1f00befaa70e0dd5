/*
 * key_writer: brings the rows of some keys to given items, in the transaction of the caller, whichever tables hold them now.
 *
 * All together where no constraint is broken; else key by key: an item that breaks one is kept in landfall.item with
 * PostgreSQL's words, and what refers to a row that has to go is kept there, too (referrers.h). So DynamoDB's items are all there
 * afterwards. One connection, one thread.
 */
#pragma once

#include "move/follow/key_rows.h"
#include "move/repair_batch.h"

struct key_writer {
    const struct map *map;
    const struct map_table *table;
    struct pg_conn *conn;       /* borrowed */
    struct repair_batch *batch; /* owned */
};

struct key_change {
    struct key key;
    const struct item *item; /* NULL: it is to be gone */
};

enum lf_code key_writer_init(struct key_writer *writer, const struct map *map, const struct map_table *table,
                             struct pg_conn *conn, struct err *err) MUST_CHECK;
void key_writer_done(struct key_writer *writer); /* safe on a zeroed one */

/* Of all that write a table's rows without the gateways' locks of keys, and of the gateways where they move an item that nobody
 * has written from one table to another (relational_retry.h): who found a row in one must not delete it there when it is in the
 * other by then. */
#define KEY_WRITER_LOCK(table) "pg_catalog.hashtextextended('landfall follow ' || " table ", 0)"
enum lf_code key_writer_lock(struct pg_conn *conn, struct span table, struct err *err) MUST_CHECK;

/* Each key once, under the lock of the table until the transaction ends. Errors: LF_SQL, LF_CONNECT, LF_ROW, LF_MEMORY; then the
 * transaction is to be rolled back, and key_writer_reset called. */
enum lf_code key_writer_write(struct key_writer *writer, const struct key_change *changes, size_t count, struct arena *arena,
                              struct err *err) MUST_CHECK;
void key_writer_reset(struct key_writer *writer);
