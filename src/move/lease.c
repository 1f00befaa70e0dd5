#include "move/lease.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    WORK_BYTES = 64,
    HOST_BYTES = 256,
    BEATS_PER_LEASE = 3, /* how often it is renewed before it would run out */
};

struct lease {
    char work[WORK_BYTES], host[HOST_BYTES];
    unsigned seconds;
    int64_t worker;        /* 0 until it has joined */
    pthread_mutex_t mutex; /* of conn and is_leaving */
    pthread_cond_t leaving;
    struct pg_conn *conn; /* owned; in autocommit */
    bool is_leaving;
    bool has_thread;
    pthread_t thread;
};

enum lf_code lease_begin_short(struct pg_conn *conn, struct err *err)
{
    return pg_execf(conn, err, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '%ds'", LEASE_SECONDS);
}

/* Statements --------------------------------------------------------------------------------------------------------------- */

static enum lf_code query(struct lease *lease, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                          struct err *err)
{
    pthread_mutex_lock(&lease->mutex);
    enum lf_code code = pg_query(lease->conn, sql, params, ret_result, err);
    pthread_mutex_unlock(&lease->mutex);
    return code;
}

enum { NUMBERS_MAX = 3 };

/* $1 is the work, then come numbers. */
static enum lf_code query_work(struct lease *lease, const char *sql, const int64_t *numbers, size_t count,
                               struct pg_result **ret_result, struct err *err)
{
    char texts[NUMBERS_MAX][PG_NUMBER_BYTES];
    struct pg_field values[1 + NUMBERS_MAX] = { pg_text_field(span_from_cstr(lease->work)) };
    for (size_t i = 0; i < count; i++)
        values[1 + i] = pg_number_field(numbers[i], texts[i]);
    return query(lease, sql, &(struct pg_params){ .values = values, .count = 1 + count }, ret_result, err);
}

static enum lf_code run_work(struct lease *lease, const char *sql, const int64_t *numbers, size_t count, bool *ret_any,
                             struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(query_work(lease, sql, numbers, count, &result, err));
    if (ret_any)
        *ret_any = pg_result_affected(result) > 0;
    return LF_OK;
}

static enum lf_code bury(struct lease *lease, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return query(lease, "SELECT landfall.bury_workers()", &(struct pg_params){ .count = 0 }, &result, err);
}

/* The worker's row --------------------------------------------------------------------------------------------------------- */

/* Also brings back the row of one that was taken for dead and is not. Behind a pooler the session may be another each time. */
static enum lf_code renew(struct lease *lease, int64_t *ret_worker, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.worker (id, work, host, process, expires_at, backend, backend_start)"
                              " SELECT coalesce($1::bigint, "
                              "pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('landfall.worker', 'id'))), $2, $3, $4,"
                              "        pg_catalog.clock_timestamp() + $5 * interval '1 second', a.pid, a.backend_start"
                              " FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a"
                              " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, backend = excluded.backend,"
                              "                                backend_start = excluded.backend_start"
                              " RETURNING id";
    char worker[PG_NUMBER_BYTES], process[PG_NUMBER_BYTES], seconds[PG_NUMBER_BYTES];
    struct pg_field values[] = {
        lease->worker ? pg_number_field(lease->worker, worker) : PG_NULL,
        pg_text_field(span_from_cstr(lease->work)),
        pg_text_field(span_from_cstr(lease->host)),
        pg_number_field((int64_t)getpid(), process),
        pg_number_field(lease->seconds, seconds),
    };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(query(lease, sql, &(struct pg_params){ .values = values, .count = 5 }, &result, err));
    *ret_worker = pg_result_int64(result, 0, 0);
    return LF_OK;
}

static void remove_worker(struct lease *lease)
{
    struct err ignored = ERR_INIT; /* then it dies with its session */
    (void)!pg_execf(lease->conn, &ignored, "DELETE FROM landfall.worker WHERE id = %" PRId64, lease->worker);
}

/* The thread --------------------------------------------------------------------------------------------------------------- */

static struct timespec next_beat(const struct lease *lease)
{
    struct timespec at;
    uint64_t ms = (uint64_t)lease->seconds * 1000 / BEATS_PER_LEASE;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t ns = (uint64_t)at.tv_nsec + ms % 1000 * 1000000;
    at.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

static bool wait_for_beat(struct lease *lease)
{
    struct timespec until = next_beat(lease);
    int waited = 0;
    pthread_mutex_lock(&lease->mutex);
    while (!lease->is_leaving && waited == 0)
        waited = pthread_cond_timedwait(&lease->leaving, &lease->mutex, &until);
    bool goes_on = !lease->is_leaving;
    pthread_mutex_unlock(&lease->mutex);
    return goes_on;
}

/* A beat that fails is left to the next one: whoever needs the connection will say that it is gone. */
static void *keep(void *argument)
{
    struct lease *lease = argument;
    while (wait_for_beat(lease)) {
        struct err ignored = ERR_INIT;
        int64_t same;
        if (renew(lease, &same, &ignored) == LF_OK)
            (void)!bury(lease, &ignored);
    }
    return NULL;
}

/* Joining and leaving ------------------------------------------------------------------------------------------------------ */

static enum lf_code init_threads(struct lease *lease, struct err *err)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(&lease->leaving, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed)
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    if (pthread_mutex_init(&lease->mutex, NULL) != 0) {
        pthread_cond_destroy(&lease->leaving);
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    }
    return LF_OK;
}

static enum lf_code join(struct lease *lease, const char *postgres, struct err *err)
{
    TRY(pg_connect(postgres, &lease->conn, err));
    /* A lease that is lost in a crash of the server is lost with its holder's sessions; a lost result is made again. */
    TRY(pg_exec(lease->conn, "SET synchronous_commit = off", err));
    TRY(renew(lease, &lease->worker, err));
    TRY(bury(lease, err));
    if (pthread_create(&lease->thread, NULL, keep, lease) != 0)
        return ERR(err, LF_MEMORY, "cannot start a thread");
    lease->has_thread = true;
    return LF_OK;
}

enum lf_code lease_join(const char *postgres, const char *work, unsigned seconds, struct lease **ret_lease, struct err *err)
{
    struct lease *lease = calloc(1, sizeof *lease);
    if (!lease)
        return ERR(err, LF_MEMORY, "out of memory for a lease");
    lease->seconds = seconds ? seconds : LEASE_SECONDS;
    (void)snprintf(lease->work, sizeof lease->work, "%s", work);
    if (gethostname(lease->host, sizeof lease->host - 1) != 0)
        (void)snprintf(lease->host, sizeof lease->host, "unknown");
    if (init_threads(lease, err) != LF_OK) {
        free(lease);
        return err->code;
    }
    if (join(lease, postgres, err) != LF_OK) {
        lease_leave(lease);
        return err->code;
    }
    *ret_lease = lease;
    return LF_OK;
}

static void stop_thread(struct lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    lease->is_leaving = true;
    pthread_cond_signal(&lease->leaving);
    pthread_mutex_unlock(&lease->mutex);
    pthread_join(lease->thread, NULL);
}

void lease_leave(struct lease *lease)
{
    if (!lease)
        return;
    if (lease->has_thread)
        stop_thread(lease);
    if (lease->worker)
        remove_worker(lease);
    pg_close(lease->conn);
    pthread_mutex_destroy(&lease->mutex);
    pthread_cond_destroy(&lease->leaving);
    free(lease);
}

int64_t lease_worker(const struct lease *lease)
{
    return lease->worker;
}

const char *lease_work(const struct lease *lease)
{
    return lease->work;
}

enum lf_code lease_session(const struct lease *lease, struct pg_conn *conn, struct err *err)
{
    return pg_execf(conn, err, "SET application_name = 'landfall %" PRId64 "'", lease->worker);
}

/* Parts -------------------------------------------------------------------------------------------------------------------- */

/* Of a lease l. */
#define SQL_IS_FREE "NOT EXISTS (SELECT FROM landfall.worker w WHERE w.id = l.holder)"

static enum lf_code try_take(struct lease *lease, uint64_t part, bool *ret_taken, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.lease AS l (work, part, holder) VALUES ($1, $2, $3)"
                              " ON CONFLICT (work, part) DO UPDATE SET holder = excluded.holder"
                              " WHERE l.result IS NULL AND (l.holder = excluded.holder OR " SQL_IS_FREE ")";
    int64_t numbers[] = { (int64_t)part, lease->worker };
    return run_work(lease, sql, numbers, 2, ret_taken, err);
}

enum lf_code lease_take(struct lease *lease, uint64_t part, bool *ret_taken, struct err *err)
{
    TRY(try_take(lease, part, ret_taken, err));
    if (*ret_taken)
        return LF_OK;
    TRY(bury(lease, err));
    return try_take(lease, part, ret_taken, err);
}

enum lf_code lease_offer(struct lease *lease, uint64_t count, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.lease (work, part)"
                              " SELECT $1, pg_catalog.generate_series(0, $2::bigint - 1) ON CONFLICT DO NOTHING";
    int64_t numbers[] = { (int64_t)count };
    return run_work(lease, sql, numbers, 1, NULL, err);
}

static enum lf_code try_next(struct lease *lease, uint64_t first, uint64_t end, uint64_t *ret_part, bool *ret_taken,
                             struct err *err)
{
    static const char sql[] =
        "UPDATE landfall.lease SET holder = $2 WHERE work = $1 AND part = ("
        "SELECT part FROM landfall.lease l WHERE work = $1 AND part >= $3 AND part < $4 AND result IS NULL AND " SQL_IS_FREE
        " ORDER BY part LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING part";
    int64_t numbers[NUMBERS_MAX] = { lease->worker, (int64_t)first, (int64_t)end };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(query_work(lease, sql, numbers, NUMBERS_MAX, &result, err));
    *ret_taken = pg_result_rows(result) > 0;
    *ret_part = *ret_taken ? (uint64_t)pg_result_int64(result, 0, 0) : 0;
    return LF_OK;
}

enum lf_code lease_take_next(struct lease *lease, uint64_t first, uint64_t end, uint64_t *ret_part, bool *ret_taken,
                             struct err *err)
{
    TRY(try_next(lease, first, end, ret_part, ret_taken, err));
    if (*ret_taken)
        return LF_OK;
    TRY(bury(lease, err));
    return try_next(lease, first, end, ret_part, ret_taken, err);
}

enum lf_code lease_finish(struct lease *lease, uint64_t part, struct span result, struct err *err)
{
    static const char sql[] = "UPDATE landfall.lease SET result = $3 WHERE work = $1 AND part = $2 AND result IS NULL";
    static const bool binary[] = { false, false, true };
    char number[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(span_from_cstr(lease->work)),
                                 pg_number_field((int64_t)part, number),
                                 { result.ptr ? result.ptr : "", result.len } };
    PG_RESULT_CLEANUP struct pg_result *updated = NULL;
    return query(lease, sql, &(struct pg_params){ .values = values, .binary = binary, .count = 3 }, &updated, err);
}

enum lf_code lease_count_left(struct lease *lease, uint64_t end, uint64_t *ret_left, uint64_t *ret_free, struct err *err)
{
    static const char sql[] = "SELECT count(*), count(*) FILTER (WHERE " SQL_IS_FREE ") FROM landfall.lease l"
                              " WHERE work = $1 AND part < $2 AND result IS NULL";
    int64_t numbers[] = { (int64_t)end };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(bury(lease, err));
    TRY(query_work(lease, sql, numbers, 1, &result, err));
    *ret_left = (uint64_t)pg_result_int64(result, 0, 0);
    *ret_free = (uint64_t)pg_result_int64(result, 0, 1);
    return LF_OK;
}

enum lf_code lease_clear(struct lease *lease, struct err *err)
{
    return run_work(lease, "DELETE FROM landfall.lease WHERE work = $1", NULL, 0, NULL, err);
}
