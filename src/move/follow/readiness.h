/*
 * readiness: when the spool of a table may be applied, and when its rows may be read.
 *
 *     follows_since ── backfill ── indexed: applies_since ── all shards read beyond it, and applied as far: readable_at
 */
#pragma once

#include "pg/conn.h"

enum {
    READINESS_SETTLE_SECONDS = 1,
    READINESS_SETTLE_SECONDS_AWS = 60, /* a stream of AWS may lag behind its table; nothing tells by how much */
};

struct readiness {
    bool applies, is_readable;
    bool has_gap; /* on record: rows are not readable before a verify has mended it */
};

/* Looks, and writes down what has come true. A load counts that was begun, or an export that was made, since the table is
 * followed. `settle_seconds`: how far beyond applies_since the shards must have been read. */
enum lf_code readiness_check(struct pg_conn *conn, struct span table, unsigned settle_seconds, struct readiness *ret_readiness,
                             struct err *err) MUST_CHECK;

/* What is on record of it, for who stands by: all that changed before `since_us` (since 1970) is applied, and the rows are
 * readable but for a gap; or it is captured, where rows are not loaded yet; or nothing is to be followed any more. */
enum lf_code readiness_is_caught_up(struct pg_conn *conn, struct span table, int64_t since_us, bool *ret_caught_up,
                                    struct err *err) MUST_CHECK;
