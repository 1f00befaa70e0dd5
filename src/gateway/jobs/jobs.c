#include "gateway/jobs/jobs.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "gateway/backup.h"
#include "gateway/jobs/repair.h"
#include "gateway/jobs/retry.h"
#include "gateway/jobs/reverse.h"
#include "gateway/jobs/tidy.h"
#include "gateway/jobs/ttl.h"
#include "gateway/stream/sequencer.h"
#include "gateway/table_work.h"

enum { ARENA_BYTES_MAX = 256 * 1024 * 1024, PAUSE_MS_MAX = 5000, SLICE_MS = 50 };

static const struct job {
    const char *name;
    job_step *step;
    unsigned pause_ms_min, pause_ms_max; /* when there is nothing to do: twice as long each time */
} jobs[] = {
    { "sequencer", sequencer_step, 10, 80 }, { "ttl", ttl_step, 500, 500 },       { "repair", repair_step, 250, 1000 },
    { "reverse", reverse_step, 10, 80 },     { "tidy", tidy_step, 5000, 5000 },   { "tables", table_work_step, 100, 400 },
    { "backups", backup_step, 1000, 5000 },  { "retry", retry_step, 1000, 5000 },
};

struct running_job {
    const struct job *job;
    struct worker *worker;
    const _Atomic bool *stop;
    struct arena arena;
    struct leadership leadership;
    struct backoff backoff;
    unsigned pause_ms;
};

static void pause_ms(const struct running_job *run, unsigned ms)
{
    for (unsigned left = ms; left && !atomic_load(run->stop);) {
        unsigned slice = left < SLICE_MS ? left : SLICE_MS;
        fiber_sleep(run->worker->loop, slice);
        left -= slice;
    }
}

static enum lf_code step(struct running_job *run, bool *ret_more, struct err *err)
{
    arena_reset(&run->arena);
    TRY(leader_try(run->worker, &run->leadership, err));
    return run->leadership.is_mine ? run->job->step(run->worker, &run->leadership, &run->arena, ret_more, err) : LF_OK;
}

/* Who does not lead looks as often as leaders beat. */
static void rest(struct running_job *run)
{
    pause_ms(run, run->leadership.is_mine ? run->pause_ms : LEADER_BEAT_MS);
    run->pause_ms = run->pause_ms * 2 < run->job->pause_ms_max ? run->pause_ms * 2 : run->job->pause_ms_max;
}

static void run_job(void *context)
{
    struct running_job *run = context;
    while (!atomic_load(run->stop)) {
        struct err err = ERR_INIT;
        bool has_more = false;
        if (step(run, &has_more, &err)) {
            (void)err_while(&err, "doing the job '%s'", run->job->name);
            worker_log(run->worker, SPAN(""), &err);
            pause_ms(run, backoff_next_ms(&run->backoff));
        } else if (has_more) {
            run->pause_ms = run->job->pause_ms_min;
        } else {
            rest(run);
        }
    }
    leader_resign(run->worker, &run->leadership);
    arena_done(&run->arena);
    free(run);
}

static enum lf_code start(const struct job *job, struct worker *worker, const _Atomic bool *stop, struct err *err)
{
    struct running_job *run = calloc(1, sizeof *run);
    if (!run)
        return ERR(err, LF_MEMORY, "no memory for a job");
    *run = (struct running_job){ .job = job, .worker = worker, .stop = stop, .leadership = { .job = job->name } };
    run->pause_ms = job->pause_ms_min;
    arena_init(&run->arena, ARENA_BYTES_MAX);
    backoff_init(&run->backoff, job->pause_ms_min, PAUSE_MS_MAX, backoff_seed());
    enum lf_code code = fiber_start(loop_fibers(worker->loop), run_job, run, err);
    if (code) {
        arena_done(&run->arena);
        free(run);
    }
    return code;
}

enum lf_code jobs_start(struct worker *worker, const _Atomic bool *stop, struct err *err)
{
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        TRY(start(&jobs[i], worker, stop, err));
    return LF_OK;
}
