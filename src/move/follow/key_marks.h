/*
 * key_marks: marks of keys (landfall.dirty_key, docs/live.md) that a batch of records meets: somebody may be about to write a
 * row, of what DynamoDB had when the mark was there, and no record that comes later will tell.
 *
 *     the records are read ─► marks ─► rows         in this order: who has no mark by then either comes later than the records,
 * and so do the records of what is written under it, or has written the row
 *
 * In the caller's transaction. Errors: LF_SQL, LF_CONNECT, LF_MEMORY.
 */
#pragma once

#include "item/key.h"
#include "pg/conn.h"

/* ret_marked[i]: key i has a mark, and somebody may be at work under it, since it is more than what waits until nothing can land.
 */
enum lf_code key_marks_find(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                            bool *ret_marked, struct err *err) MUST_CHECK;

/* Takes marks from whoever has them, so that what they have read is not written any more, and leaves them to the repairer. */
enum lf_code key_marks_leave(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                             struct err *err) MUST_CHECK;
