/*
 * leader: one process at a time does a job, whatever happens to the others (rule A of the design's protocols).
 *
 * A leader is a row of landfall.leader: owner, a token that only grows, and a beat. Who finds that the beat has not moved for
 * LEADER_SILENT_MS, on a clock of its own, takes over with the next token. Every transaction of a job begins with leader_lock,
 * which locks the row and checks the token: a leader that was paused and wakes writes nothing any more. No session-level lock, so
 * any pooler will do.
 */
#pragma once

#include "gateway/worker.h"

enum { LEADER_SILENT_MS = 3000, LEADER_BEAT_MS = 500 };

struct leadership {
    const char *job;
    bool is_mine;
    int64_t token;
    int64_t beat, moved_ms; /* of another's, as last seen */
    int64_t beaten_ms;      /* of ours */
};

/* Renews what is ours, or takes what nobody holds. Sets is_mine. Errors: those of db_write. */
enum lf_code leader_try(struct worker *worker, struct leadership *leadership, struct err *err) MUST_CHECK;

/* LF_PRECONDITION when somebody else leads by now: roll back. */
enum lf_code leader_lock(struct db_transaction *transaction, const struct leadership *leadership, struct err *err) MUST_CHECK;

/* At the end, so that the next one need not wait. */
void leader_resign(struct worker *worker, struct leadership *leadership);
