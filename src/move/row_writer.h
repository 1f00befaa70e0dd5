/*
 * row_writer: encoded items on their way into tables: one buffer for each table, then one COPY for each buffer.
 *
 * Rows of a table go before those that refer to it: its child tables' and those of enforced foreign keys. One connection, one
 * thread.
 */
#pragma once

#include "item/key.h"
#include "map/row.h"
#include "pg/conn.h"

struct row_writer {
    const struct map *map;
    struct row_buffer *buffers; /* owned */
    size_t buffer_count;
};

void row_writer_init(struct row_writer *writer, const struct map *map);
void row_writer_done(struct row_writer *writer);
void row_writer_reset(struct row_writer *writer); /* forgets all rows, keeps the memory */

/* A claimed row and its children; without `main_row` only these. */
enum lf_code row_writer_add(struct row_writer *writer, const struct row *row, bool main_row, struct err *err) MUST_CHECK;

/* An item for landfall.item. */
enum lf_code row_writer_add_unclaimed(struct row_writer *writer, const struct map_table *table, const struct item *item,
                                      struct span reason, struct arena *arena, struct err *err) MUST_CHECK;

enum lf_code row_writer_copy(struct row_writer *writer, struct pg_conn *conn, struct err *err) MUST_CHECK;
