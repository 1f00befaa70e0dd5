/*
 * late_take: makes what was written to DynamoDB too late, and kept in landfall.late_write, the rows of its keys.
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"

/* Of one transaction: PostgreSQL has room for some thousands of locks. */
enum { LATE_TAKE_BATCH = 500 };

/*
 * The one with this number, or all that wait for a decision (`id` empty), oldest first, LATE_TAKE_BATCH in one transaction, under
 * the locks of their keys, so that gateways that write them come before or after. What rows then hold goes to DynamoDB by reverse
 * sync. Items that break a constraint go to landfall.item, as those that `follow` brings. Errors: LF_PRECONDITION when PostgreSQL
 * has not the authority over the table, the map has it not, or the stream did not say what was written; LF_SQL, LF_CONNECT,
 * LF_ROW; then *ret_taken are taken, and the rest waits.
 */
enum lf_code late_take(struct pg_conn *conn, const struct map *map, struct span id, uint64_t *ret_taken,
                       struct err *err) MUST_CHECK;
