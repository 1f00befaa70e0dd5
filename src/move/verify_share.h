/*
 * verify_share: one comparison by several processes, and one that goes on where an earlier one was killed.
 *
 * All processes that compare the same (map, source, sums) meet in one run, a row of landfall.parity_run. Its parts are leased
 * (lease.h): the files of the source, where it is read, then parts of the target. What a part's sums are is recorded when it was
 * read. Whoever finds all parts done compares them, records the result and with that ends the run; the others give that result.
 *
 *     run there? ─ no ──────────────────────────────────► begin: a view of the target now, its parts
 *        ├─ somebody alive is at it ──────────────────► join: in the same view of the target (snapshot_join)
 *        └─ nobody ─ the target has not changed since ─► go on, in a view of now
 *                  └ it has, or that cannot be told ───► begin
 *
 * Whether the target has changed is told by the server's counters of changed rows. They may lag behind a session that is still
 * connected, so a run also is not gone on with while other sessions of the database are, or were a moment ago, active.
 */
#pragma once

#include "move/comparison.h"
#include "move/lease.h"

struct share {
    struct lease *lease; /* owned */
    int64_t run;         /* landfall.parity_run.id */
    uint64_t files;      /* parts before it are files of the source */
    uint64_t parts;      /* those of the target included */
};

/* Joins or begins a run; the comparison gets its view of the target and its parts. `conn` is in autocommit. */
enum lf_code share_open(struct comparison *comparison, struct pg_conn *conn, bool read_source, struct share *ret_share,
                        struct err *err) MUST_CHECK;
void share_close(struct share *share); /* safe on a zeroed one */
