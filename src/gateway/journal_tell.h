/*
 * journal_tell: makes marks of the keys in a gateway's journal (landfall.dirty_key, docs/live.md), for the repairer.
 *
 * A mark under which somebody works is not taken from it: it has not read what was written without it. Such a key waits. Of a
 * table that is not DynamoDB's any more, which needs a person who has had the gateway forgotten, a line of landfall.event is
 * left.
 */
#pragma once

#include "gateway/journal.h"
#include "pg/conn.h"

enum { JOURNAL_TELL_KEYS = 1000 };

/* JOURNAL_TELL_KEYS at most; *ret_told of them. `gateway`: its id. Errors: those of pg_query; LF_MEMORY. */
enum lf_code journal_tell(struct journal *journal, struct pg_conn *conn, const char *gateway, int64_t now_ms, size_t *ret_told,
                          struct err *err) MUST_CHECK;
