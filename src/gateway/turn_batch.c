#include "gateway/turn_batch.h"

enum { ARENA_BYTES_MAX = 256 * 1024 * 1024 };

static size_t take_jobs(struct turn_batch *batch, struct turn_job **jobs)
{
    size_t count = 0;
    while (batch->first && count < TURN_BATCH_JOBS_MAX) {
        jobs[count++] = batch->first;
        batch->first = batch->first->next;
    }
    return count;
}

static void end_job(struct turn_job *job)
{
    job->is_done = true;
    if (job->fiber)
        fiber_wake(job->fiber);
}

static void run_flushes(void *context)
{
    struct turn_batch *batch = context;
    struct turn_job *jobs[TURN_BATCH_JOBS_MAX];
    struct arena arena;
    size_t count;
    arena_init(&arena, ARENA_BYTES_MAX);
    while ((count = take_jobs(batch, jobs))) {
        batch->flush(batch->context, jobs, count, &arena);
        for (size_t i = 0; i < count; i++)
            end_job(jobs[i]);
        arena_reset(&arena);
    }
    arena_done(&arena);
    batch->flushes--;
}

static void fail_all(struct turn_batch *batch, const struct err *err)
{
    struct turn_job *job;
    while ((job = batch->first)) {
        batch->first = job->next;
        job->err = *err;
        end_job(job);
    }
}

static void begin(void *context)
{
    struct turn_batch *batch = context;
    struct err err = ERR_INIT;
    if (!batch->first || batch->flushes == TURN_BATCH_FLUSHES_MAX)
        return;
    batch->flushes++;
    if (fiber_start(loop_fibers(batch->loop), run_flushes, batch, &err)) {
        batch->flushes--;
        if (!batch->flushes)
            fail_all(batch, &err);
    }
}

void turn_batch_init(struct turn_batch *batch, struct loop *loop, turn_flush *flush, void *context)
{
    *batch = (struct turn_batch){ .loop = loop, .flush = flush, .context = context };
    batch->task = (struct loop_task){ .run = begin, .context = batch };
}

void turn_batch_add(struct turn_batch *batch, struct turn_job *job)
{
    job->fiber = NULL;
    job->is_done = false;
    job->next = NULL;
    job->err = (struct err)ERR_INIT;
    if (batch->first)
        batch->last->next = job;
    else
        batch->first = job;
    batch->last = job;
    loop_at_turn_end(batch->loop, &batch->task);
}

enum lf_code turn_batch_wait(struct turn_job *job, struct err *err)
{
    job->fiber = fiber_self();
    while (!job->is_done)
        fiber_suspend();
    if (job->err.code)
        *err = job->err;
    return job->err.code;
}
