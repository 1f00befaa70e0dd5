/*
 * turn_batch: what fibers ask for in one turn of the loop, done for all of them at once by a fiber of its own.
 *
 *     fiber ─► turn_batch_add ─► [jobs of this turn] ─end of turn─► flush(jobs) ─► fibers
 *
 * While TURN_BATCH_FLUSHES_MAX are under way what comes gathers, so that under load each one covers more; there is no timer. One
 * worker, one thread.
 */
#pragma once

#include "base/arena.h"
#include "gateway/runtime/loop.h"

enum { TURN_BATCH_JOBS_MAX = 128, TURN_BATCH_FLUSHES_MAX = 2 };

/* The first member of what is asked for; on the stack of its fiber. */
struct turn_job {
    struct turn_job *next;
    struct fiber *fiber; /* that waits for it; NULL: not yet */
    bool is_done;
    struct err err; /* the outcome: flush sets it */
};

/* `jobs`: 1 … TURN_BATCH_JOBS_MAX. Runs on a fiber; the arena is empty. */
typedef void turn_flush(void *context, struct turn_job **jobs, size_t count, struct arena *arena);

struct turn_batch {
    struct loop *loop; /* borrowed */
    turn_flush *flush;
    void *context;
    struct loop_task task;
    struct turn_job *first, *last;
    unsigned flushes;
};

void turn_batch_init(struct turn_batch *batch, struct loop *loop, turn_flush *flush, void *context);

/* To be waited for by turn_batch_wait, on the same fiber. */
void turn_batch_add(struct turn_batch *batch, struct turn_job *job);

/* Suspends the fiber until the job is done. Errors: the job's; LF_LIMIT, LF_MEMORY when no fiber can be had. */
enum lf_code turn_batch_wait(struct turn_job *job, struct err *err) MUST_CHECK;
