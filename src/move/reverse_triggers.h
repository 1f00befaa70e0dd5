/*
 * reverse_triggers: whoever changes a row of a mapped table, by the API or by SQL, notes the key of its item for reverse sync.
 *
 *     UPDATE court.case … ──► trigger, in phase postgres ──► landfall.reverse_change: the item's key, old and new
 *
 * A change of a child table is one of its parent's item. TRUNCATE says nothing of rows, so it is refused while reverse sync has
 * to know of them. The triggers are there from before `cutover writes` until `decommission`, and rest in other phases, and where
 * the entity has not moved.
 */
#pragma once

#include "map/key_group.h"
#include "pg/conn.h"

/* As the map is now; what is there is replaced. Waits only briefly for the lock of a table, and tries again (pg/retry.h). `conn`
 * is in no transaction. Errors: LF_SQL, LF_CONNECT, LF_MEMORY, LF_MAP. */
enum lf_code reverse_triggers_make(struct pg_conn *conn, const struct map *map, const struct map_table *table,
                                   struct err *err) MUST_CHECK;

enum lf_code reverse_triggers_drop(struct pg_conn *conn, const struct map *map, const struct map_table *table,
                                   struct err *err) MUST_CHECK;

/* "court"."case", "court"."case_party": all tables of PostgreSQL that hold items of the group's entities, for a LOCK. */
void reverse_triggers_put_tables(struct buf *sql, const struct map *map, const struct key_group *group);
