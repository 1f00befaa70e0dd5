/*
 * relational_triggers: what SQL writes to mapped tables reaches the table's stream, too.
 *
 *     INSERT INTO court.case … ──► trigger ──► landfall.put_change ──► landfall.change_in: entity, old_row, new_row
 *
 * The images are rows as row_decode takes them; who reads the stream makes items of them (relational_row_image). The gateway's
 * own writes insert their images themselves: the triggers pass over transactions in which landfall.writer is 'gateway'
 * (store_lock_keys). A change of a child table is one of its parent, whose row is written again, so that nobody's guarded write
 * overlooks it. TRUNCATE goes unnoticed.
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"

/* Functions in the schema landfall, as the map is now, and triggers where there are none. In a transaction. Errors: LF_SQL,
 * LF_MEMORY. */
enum lf_code relational_make_triggers(struct pg_conn *conn, const struct map *map, const struct map_table *table,
                                      struct err *err) MUST_CHECK;
