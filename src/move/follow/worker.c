#include "move/follow/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    IDLE_MS = 50,         /* when nothing can be applied */
    LOOK_MS = 500,        /* between looks at the spool and at readiness */
    SETTLE_MS = 1000,     /* a record may be there a little after its change, */
    SETTLE_MS_AWS = 2000, /* and a GetRecords of AWS may be empty before the end of a shard */
};

struct worker {
    struct worker_options options;
    struct capture *capture; /* owned, as the next; one of the two is NULL */
    struct chain *chain;
    struct applier applier; /* the thread's, as the next two */
    struct pg_conn *conn;   /* owned */
    int64_t look_due_ms;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* of what follows */
    bool is_stopping;
    struct worker_status status;
    struct err failure;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_aws(const struct worker *worker)
{
    return worker->options.phase->endpoint.len == 0;
}

/* Capturing ---------------------------------------------------------------------------------------------------------------- */

static void read_captured(struct worker *worker, struct capture_status *ret_status)
{
    if (worker->chain)
        chain_read_status(worker->chain, ret_status);
    else
        capture_read_status(worker->capture, ret_status);
}

static enum lf_code capture_trouble(struct worker *worker, struct err *err)
{
    return worker->chain ? chain_failure(worker->chain, err) : capture_failure(worker->capture, err);
}

static enum lf_code start_capture(struct worker *worker, struct err *err)
{
    const struct worker_options *options = &worker->options;
    const struct capture_options capture = {
        .postgres = options->postgres,
        .client = options->client,
        .stream = { options->table->name, options->phase->stream_arn },
        .jobs = options->jobs,
        .settle_ms = is_aws(worker) ? SETTLE_MS_AWS : SETTLE_MS,
        .follows_since_unix_s = options->phase->follows_since_us / 1000000,
        .gaps = options->skips_gaps ? CAPTURE_GAPS_SKIP : CAPTURE_GAPS_FAIL,
    };
    return capture_start(&capture, &worker->capture, err);
}

static enum lf_code start_chain(struct worker *worker, struct err *err)
{
    const struct worker_options *options = &worker->options;
    const struct chain_options chain = {
        .postgres = options->postgres,
        .client = options->client,
        .stream = { options->table->name, options->phase->stream_arn },
        .table = options->table,
        .look_ms = is_aws(worker) ? CHAIN_LOOK_MS_AWS : CHAIN_LOOK_MS,
        .request_seconds = options->request_seconds,
        .gaps = options->skips_gaps ? CAPTURE_GAPS_SKIP : CAPTURE_GAPS_FAIL,
    };
    return chain_start(&chain, &worker->chain, err);
}

/* Applying ----------------------------------------------------------------------------------------------------------------- */

static bool is_stopping(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool stopping = worker->is_stopping;
    pthread_mutex_unlock(&worker->mutex);
    return stopping;
}

/* How far the capture is comes first: all before that is in the spool that is then looked at, or applied. */
static enum lf_code look_at_spool(struct worker *worker, struct worker_status *status, struct err *err)
{
    static const char sql[] =
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8, coalesce((SELECT"
        " (extract(epoch FROM s.changed_at) * 1000000)::int8 FROM landfall.spool AS s WHERE s.table_name = $1"
        " ORDER BY s.id LIMIT 1), 0), (SELECT array_position(ARRAY['follow', 'dual write', 'postgres', 'decommissioned'], "
        "p.phase)"
        " - 1 FROM landfall.phase AS p WHERE p.table_name = $1)";
    struct capture_status capture;
    struct span table = worker->options.table->name;
    const struct pg_field value = { table.ptr, table.len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    read_captured(worker, &capture);
    TRY(pg_query(worker->conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    status->checked_us = pg_result_int64(rows, 0, 0);
    status->oldest_changed_us = pg_result_int64(rows, 0, 1);
    status->captured_to_us = capture.captured_to_us;
    status->was_at_end = capture.is_at_end;
    status->phase = (enum phase)pg_result_int64(rows, 0, 2);
    return LF_OK;
}

static enum lf_code look(struct worker *worker, struct err *err)
{
    struct worker_status status = { 0 };
    unsigned settle_seconds = is_aws(worker) ? READINESS_SETTLE_SECONDS_AWS : READINESS_SETTLE_SECONDS;
    if (now_ms() < worker->look_due_ms)
        return LF_OK;
    TRY(look_at_spool(worker, &status, err));
    TRY(readiness_check(worker->conn, worker->options.table->name, settle_seconds, &status.readiness, err));
    status.counts = worker->applier.counts;
    pthread_mutex_lock(&worker->mutex);
    worker->status = status;
    pthread_mutex_unlock(&worker->mutex);
    worker->look_due_ms = now_ms() + LOOK_MS;
    return LF_OK;
}

static enum lf_code apply_until_stopped(struct worker *worker, struct err *err)
{
    const struct timespec pause = { .tv_nsec = IDLE_MS * 1000000L };
    while (!is_stopping(worker)) {
        enum apply_state state;
        TRY(look(worker, err));
        TRY(apply_batch(&worker->applier, &state, err));
        if (state == APPLY_IS_OVER) {
            pthread_mutex_lock(&worker->mutex);
            worker->is_stopping = worker->status.is_over = true;
            pthread_mutex_unlock(&worker->mutex);
        } else if (state != APPLY_MORE) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return LF_OK;
}

static enum lf_code apply(struct worker *worker, struct err *err)
{
    const struct worker_options *options = &worker->options;
    TRY(pg_connect(options->postgres, &worker->conn, err));
    TRY(applier_init(&worker->applier, options->map, options->table, worker->conn, options->client, err));
    return apply_until_stopped(worker, err);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    struct err err = ERR_INIT;
    if (apply(worker, &err)) {
        pthread_mutex_lock(&worker->mutex);
        worker->failure = err;
        pthread_mutex_unlock(&worker->mutex);
    }
    applier_done(&worker->applier);
    pg_close(worker->conn);
    return NULL;
}

/* Starting and stopping ---------------------------------------------------------------------------------------------------- */

static enum lf_code start(struct worker *worker, struct err *err)
{
    TRY(worker->options.phase->by_exports ? start_chain(worker, err) : start_capture(worker, err));
    worker->has_thread = !pthread_create(&worker->thread, NULL, run, worker);
    return worker->has_thread ? LF_OK : ERR(err, LF_MEMORY, "cannot start a thread");
}

enum lf_code worker_start(const struct worker_options *options, struct worker **ret_worker, struct err *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return ERR(err, LF_MEMORY, "out of memory to follow a table");
    worker->options = *options;
    if (pthread_mutex_init(&worker->mutex, NULL)) {
        free(worker);
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    }
    if (start(worker, err)) {
        worker_stop(worker);
        return err->code;
    }
    *ret_worker = worker;
    return LF_OK;
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->is_stopping = true;
    pthread_mutex_unlock(&worker->mutex);
    if (worker->has_thread)
        pthread_join(worker->thread, NULL);
    capture_stop(worker->capture);
    chain_stop(worker->chain);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

enum lf_code worker_read(struct worker *worker, struct worker_status *ret_status, struct err *err)
{
    TRY(capture_trouble(worker, err));
    pthread_mutex_lock(&worker->mutex);
    struct worker_status status = worker->status;
    enum lf_code code = worker->failure.code;
    if (code)
        *err = worker->failure;
    pthread_mutex_unlock(&worker->mutex);
    TRY(code);
    read_captured(worker, &status.capture);
    *ret_status = status;
    return LF_OK;
}
