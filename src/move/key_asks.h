/*
 * key_asks: has keys of a table in use brought over that differ though nothing has changed: by who does so in step with what else
 * is written to these keys. What is brought is what the item is by then, or that there is none.
 * Errors: LF_SQL, LF_CONNECT, LF_MEMORY.
 */
#pragma once

#include "item/value.h"
#include "pg/conn.h"

/* Of keys over which PostgreSQL has the authority: reverse sync (gateway/jobs/reverse.h). */
enum lf_code key_asks_gateways(struct pg_conn *conn, struct span table, const struct item *keys, size_t count,
                               struct err *err) MUST_CHECK;

/* What statements that have the keys as "asked (table_name, key)" do: see key_asks_follower. */
#define KEY_ASKS_FOLLOWER                                                                                        \
    "INSERT INTO landfall.spool (table_name, shard_id, sequence_number, key, is_removed, is_expiry, changed_at)" \
    " SELECT table_name, '', '', asked.key, false, false, clock_timestamp() FROM asked JOIN landfall.phase AS p" \
    " USING (table_name) WHERE (p.phase IN ('follow', 'dual write') OR p.moved_entities IS NOT NULL)"            \
    " AND p.applies_since IS NOT NULL"

/* Of keys over which DynamoDB has it: the follower, as if they had been written just now. LF_PRECONDITION when DynamoDB has it
 * not, or the table is not followed, or not loaded. */
enum lf_code key_asks_follower(struct pg_conn *conn, struct span table, const struct item *keys, size_t count,
                               struct err *err) MUST_CHECK;
