#include "move/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/limits.h"

enum { REPORT_INTERVAL_MS = 250 };

#define SQL_BEGIN_VIEW "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

static enum lf_code begin_view(struct pg_conn *conn, const char *name, struct err *err)
{
    if (!name)
        return pg_exec(conn, SQL_BEGIN_VIEW, err);
    return pg_execf(conn, err, SQL_BEGIN_VIEW "; SET TRANSACTION SNAPSHOT '%s'", name);
}

enum lf_code snapshot_join(const char *postgres, const char *name, struct snapshot *ret_snapshot, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_connect(postgres, &conn, err));
    TRY(begin_view(conn, name, err));
    TRY(pg_query(conn, "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_backend_pid()", &(struct pg_params){ .count = 0 },
                 &result, err));
    (void)snprintf(ret_snapshot->name, sizeof ret_snapshot->name, "%s", pg_result_text(result, 0, 0));
    ret_snapshot->backend = pg_result_int64(result, 0, 1);
    ret_snapshot->conn = conn;
    conn = NULL;
    return LF_OK;
}

enum lf_code snapshot_open(const char *postgres, struct snapshot *ret_snapshot, struct err *err)
{
    return snapshot_join(postgres, NULL, ret_snapshot, err);
}

void snapshot_close(struct snapshot *snapshot)
{
    pg_close(snapshot->conn);
    *snapshot = (struct snapshot){ 0 };
}

/* What the threads of one crew_run share, under the mutex. */
struct roster {
    struct crew *crew;
    crew_work *work;
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* signalled by each worker that ends */
    unsigned running;
    struct err err; /* the first that is not LF_INTERRUPTED, else that */
};

struct worker {
    struct roster *roster;
    unsigned number;
    pthread_t thread;
};

enum lf_code crew_count(struct crew *crew, struct err *err)
{
    atomic_fetch_add_explicit(&crew->items_done, 1, memory_order_relaxed);
    if (atomic_load_explicit(&crew->stop, memory_order_relaxed))
        return ERR(err, LF_INTERRUPTED, "stopped");
    return LF_OK;
}

static enum lf_code work_connected(const struct roster *roster, unsigned number, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    if (roster->crew->like)
        TRY(pg_connect_again(roster->crew->like, &conn, err));
    else if (!roster->crew->needs_no_connection)
        TRY(pg_connect(roster->crew->postgres, &conn, err));
    if (roster->crew->snapshot)
        TRY(begin_view(conn, roster->crew->snapshot, err));
    return roster->work(roster->context, number, conn, err);
}

static void note_end(struct roster *roster, enum lf_code code, const struct err *err)
{
    pthread_mutex_lock(&roster->mutex);
    if (code != LF_OK) {
        atomic_store(&roster->crew->stop, true);
        if (roster->err.code == LF_OK || (roster->err.code == LF_INTERRUPTED && code != LF_INTERRUPTED))
            roster->err = *err;
    }
    roster->running--;
    pthread_cond_signal(&roster->ended);
    pthread_mutex_unlock(&roster->mutex);
}

static void *worker_main(void *argument)
{
    const struct worker *worker = argument;
    struct stage_clock *clock = stage_worker(worker->roster->crew->profile, worker->number);
    struct err err = ERR_INIT;
    stage_clock_begin(clock, STAGE_REST);
    enum lf_code code = work_connected(worker->roster, worker->number, &err);
    stage_clock_end(clock);
    note_end(worker->roster, code, &err);
    return NULL;
}

static struct timespec next_report(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += REPORT_INTERVAL_MS * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

static void report(struct crew *crew)
{
    uint64_t done = atomic_load(&crew->items_done);
    uint64_t total = done > crew->items_total ? done : crew->items_total;
    if (crew->report && crew->report(crew->report_context, done, total))
        atomic_store(&crew->stop, true);
}

/* Reports until no worker runs. */
static void watch(struct roster *roster)
{
    pthread_mutex_lock(&roster->mutex);
    while (roster->running > 0) {
        pthread_mutex_unlock(&roster->mutex);
        report(roster->crew);
        struct timespec until = next_report();
        pthread_mutex_lock(&roster->mutex);
        while (roster->running > 0 && pthread_cond_timedwait(&roster->ended, &roster->mutex, &until) != ETIMEDOUT)
            continue;
    }
    pthread_mutex_unlock(&roster->mutex);
    report(roster->crew);
}

/* Starts the workers; those that started run even when a later one did not. */
static unsigned start(struct roster *roster, struct worker *workers)
{
    unsigned started = 0;
    for (; started < roster->crew->jobs; started++) {
        workers[started] = (struct worker){ .roster = roster, .number = started };
        pthread_mutex_lock(&roster->mutex);
        roster->running++;
        pthread_mutex_unlock(&roster->mutex);
        if (pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) != 0) {
            struct err err = ERR_INIT;
            note_end(roster, ERR(&err, LF_MEMORY, "cannot start thread %u", started), &err);
            break;
        }
    }
    return started;
}

static enum lf_code init_roster(struct roster *roster, struct err *err)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(&roster->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed)
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    if (pthread_mutex_init(&roster->mutex, NULL) != 0) {
        pthread_cond_destroy(&roster->ended);
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    }
    return LF_OK;
}

enum lf_code crew_run(struct crew *crew, crew_work *work, void *context, struct err *err)
{
    struct roster roster = { .crew = crew, .work = work, .context = context, .err = ERR_INIT };
    struct worker workers[LIMIT_JOBS];
    if (crew->jobs < 1 || crew->jobs > LIMIT_JOBS)
        return ERR(err, LF_LIMIT, "%u jobs; 1 to %d are possible", crew->jobs, LIMIT_JOBS);
    TRY(init_roster(&roster, err));
    unsigned started = start(&roster, workers);
    watch(&roster);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_mutex_destroy(&roster.mutex);
    pthread_cond_destroy(&roster.ended);
    if (roster.err.code == LF_OK && atomic_load(&crew->stop))
        return ERR(err, LF_INTERRUPTED, "stopped");
    if (roster.err.code != LF_OK)
        *err = roster.err;
    return roster.err.code;
}
