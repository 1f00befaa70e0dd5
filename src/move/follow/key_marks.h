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

enum key_mark {
    KEY_MARK_NONE,    /* or one that only waits until nothing can land any more */
    KEY_MARK_HELD,    /* somebody may be at work under it */
    KEY_MARK_REFUSED, /* no gateway can write the row: key_repair takes it over */
};

/* The mark of each key. */
enum lf_code key_marks_find(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                            enum key_mark *ret_marks, struct err *err) MUST_CHECK;

/* A mark `d` that a gateway has refused, and under which nothing can land. */
#define KEY_MARK_IS_REFUSED "d.refused IS NOT NULL AND coalesce(d.settled_at <= clock_timestamp(), true)"

/* Takes marks from whoever has them, so that what they have read is not written any more, and leaves them to the repairer. */
enum lf_code key_marks_leave(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                             struct err *err) MUST_CHECK;
