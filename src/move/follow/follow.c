#include "move/follow/follow.h"

#include <stdlib.h>
#include <time.h>

#include "base/backoff.h"
#include "base/hash.h"
#include "move/control.h"
#include "move/follow/table_exports.h"
#include "move/follow/table_stream.h"
#include "move/follow/worker.h"
#include "move/lease.h"
#include "pg/retry.h"

enum {
    ROUND_MS = 250,
    ROUNDS_PER_LEASE_LOOK = 4,
    FOLLOW_ARENA_BYTES = 64 * 1024 * 1024,
    TROUBLE_DELAY_MS_MIN = 500,
    TROUBLE_DELAY_MS_MAX = 30 * 1000,
};

const char *const follow_state_names[FOLLOW_STATES] = {
    [FOLLOW_STANDS_BY] = "stands by", [FOLLOW_WAITS] = "waits for the backfill",
    [FOLLOW_APPLIES] = "applies",     [FOLLOW_IS_READABLE] = "readable",
    [FOLLOW_IS_OVER] = "over",
};

struct followed {
    const struct map_table *table;
    struct table_phase phase;
    struct worker *worker; /* owned; NULL: stands by, or is over */
    bool is_over;          /* decommissioned */
};

/* From its connections to their end, by error or because it is done. */
struct session {
    const struct follow_options *options;
    struct arena *arena;
    struct pg_conn *conn; /* owned */
    struct lease *lease;  /* owned */
    struct followed *tables;
    struct follow_table_progress *progress;
    int64_t began_us; /* by the database's clock, since 1970 */
    unsigned round;
};

/* Beginning ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code open_exports(struct session *session, size_t at, struct err *err)
{
    const struct follow_options *options = session->options;
    const struct table_exports_options exports = {
        .table = options->tables[at],
        .client = options->client,
        .place = span_from_cstr(options->exports),
        .requests = options->request_seconds > 0,
    };
    return table_exports_open(session->conn, &exports, session->arena, &session->tables[at].phase, err);
}

static enum lf_code open_stream(struct session *session, size_t at, struct err *err)
{
    const struct follow_options *options = session->options;
    const struct table_stream_options stream = {
        .table = options->tables[at],
        .client = options->client,
        .enables = options->enables_streams,
        .skips_gaps = options->skips_gaps,
    };
    return table_stream_open(session->conn, &stream, session->arena, &session->tables[at].phase, err);
}

static enum lf_code prepare_table(struct session *session, size_t at, struct err *err)
{
    const struct follow_options *options = session->options;
    struct followed *followed = &session->tables[at];
    bool is_there;
    followed->table = options->tables[at];
    session->progress[at].table = options->tables[at]->name;
    session->progress[at].lag_seconds = -1;
    TRY(phase_read(session->conn, followed->table->name, false, session->arena, &followed->phase, &is_there, err));
    bool by_exports = options->exports || (is_there && followed->phase.by_exports);
    TRY(by_exports ? open_exports(session, at, err) : open_stream(session, at, err));
    followed->is_over = followed->phase.phase == PHASE_DECOMMISSIONED;
    return LF_OK;
}

static enum lf_code prepare_tables(struct session *session, struct err *err)
{
    for (size_t i = 0; i < session->options->table_count; i++)
        TRY(prepare_table(session, i, err));
    return LF_OK;
}

static enum lf_code open_session(struct session *session, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *now = NULL;
    const struct follow_options *options = session->options;
    session->tables = arena_calloc(session->arena, options->table_count, sizeof *session->tables, err);
    session->progress =
        session->tables ? arena_calloc(session->arena, options->table_count, sizeof *session->progress, err) : NULL;
    if (!session->progress)
        return err->code;
    TRY(pg_connect(options->postgres, &session->conn, err));
    TRY(control_check(session->conn, options->map, err));
    TRY(phase_prepare_schema(session->conn, err));
    TRY(prepare_tables(session, err));
    TRY(pg_query(session->conn, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8", NULL, &now, err));
    session->began_us = pg_result_int64(now, 0, 0);
    return lease_join(options->postgres, "follow", options->lease_seconds, &session->lease, err);
}

static void close_session(struct session *session)
{
    for (size_t i = 0; session->tables && i < session->options->table_count; i++)
        worker_stop(session->tables[i].worker);
    lease_leave(session->lease);
    pg_close(session->conn);
}

/* Who works ---------------------------------------------------------------------------------------------------------------- */

static uint64_t part_of(struct span table)
{
    return hash64(table, 0) & INT64_MAX;
}

static enum lf_code start_worker(struct session *session, struct followed *followed, struct err *err)
{
    const struct follow_options *options = session->options;
    const struct worker_options worker = {
        .postgres = options->postgres,
        .map = options->map,
        .table = followed->table,
        .client = options->client,
        .phase = &followed->phase,
        .jobs = options->jobs,
        .request_seconds = options->request_seconds,
        .skips_gaps = options->skips_gaps,
    };
    return worker_start(&worker, &followed->worker, err);
}

/* A lease that was lost, because this process slept too long, is somebody else's now. */
static enum lf_code look_at_lease(struct session *session, struct followed *followed, struct err *err)
{
    bool is_ours;
    if (followed->is_over)
        return LF_OK;
    TRY(lease_take(session->lease, part_of(followed->table->name), &is_ours, err));
    if (is_ours && !followed->worker)
        return start_worker(session, followed, err);
    if (!is_ours) {
        worker_stop(followed->worker);
        followed->worker = NULL;
    }
    return LF_OK;
}

/* Progress ----------------------------------------------------------------------------------------------------------------- */

/* What has happened is in exports only much later: of these all that are there count. */
static bool is_caught_up_by_exports(const struct worker_status *status)
{
    return status->was_at_end && (!status->readiness.applies || !status->oldest_changed_us);
}

static bool is_caught_up(const struct worker_status *status, int64_t began_us)
{
    if (!status->checked_us || status->captured_to_us < began_us)
        return false;
    if (!status->readiness.applies)
        return true;
    return !status->oldest_changed_us && (status->readiness.is_readable || status->readiness.has_gap);
}

static double age_of(const struct worker_status *status, int64_t since_us)
{
    return since_us < status->checked_us ? (double)(status->checked_us - since_us) / 1e6 : 0;
}

static double lag_by_exports(const struct worker_status *status)
{
    int64_t oldest_us = status->oldest_changed_us;
    if (!status->checked_us || !status->captured_to_us)
        return -1;
    return age_of(status, oldest_us && oldest_us < status->captured_to_us ? oldest_us : status->captured_to_us);
}

static double lag_of(const struct worker_status *status)
{
    if (!status->checked_us || (!status->oldest_changed_us && !status->capture.is_at_end && !status->captured_to_us))
        return -1;
    int64_t since_us = status->oldest_changed_us;
    if (!since_us && status->capture.is_at_end)
        return 0;
    return age_of(status, since_us ? since_us : status->captured_to_us);
}

static void take_status(const struct session *session, const struct followed *followed, const struct worker_status *status,
                        struct follow_table_progress *progress)
{
    bool by_exports = followed->phase.by_exports;
    *progress = (struct follow_table_progress){
        .table = followed->table->name,
        .state = status->readiness.is_readable ? FOLLOW_IS_READABLE
                 : status->readiness.applies   ? FOLLOW_APPLIES
                                               : FOLLOW_WAITS,
        .phase = status->checked_us ? status->phase : followed->phase.phase,
        .by_exports = by_exports,
        .shards = status->capture.shards,
        .open_shards = status->capture.open,
        .captured = status->capture.records,
        .applied = status->counts.applied,
        .repaired = status->counts.repaired,
        .late = status->counts.late,
        .captured_to_us = status->capture.captured_to_us == INT64_MAX ? 0 : status->capture.captured_to_us,
        .lag_seconds = by_exports ? lag_by_exports(status) : lag_of(status),
        .is_caught_up = by_exports ? is_caught_up_by_exports(status) : is_caught_up(status, session->began_us),
    };
}

/* What another process has done is known from what it keeps on record. */
static enum lf_code look_from_beside(const struct session *session, const struct followed *followed,
                                     struct follow_table_progress *progress, struct err *err)
{
    progress->state = FOLLOW_STANDS_BY;
    progress->lag_seconds = -1;
    if (!session->options->until_caught_up)
        return LF_OK;
    return readiness_is_caught_up(session->conn, followed->table->name, session->began_us, &progress->is_caught_up, err);
}

static enum lf_code look_at_phase(const struct session *session, struct followed *followed, struct err *err)
{
    struct table_phase phase;
    bool is_there;
    TRY(phase_read(session->conn, followed->table->name, false, session->arena, &phase, &is_there, err));
    followed->is_over = is_there && phase.phase == PHASE_DECOMMISSIONED;
    return LF_OK;
}

/* A decommissioned table may have been deleted in DynamoDB before its worker has heard that it is over. */
static enum lf_code read_worker(const struct session *session, struct followed *followed, struct follow_table_progress *progress,
                                struct err *err)
{
    struct worker_status status = { 0 };
    struct err failure = ERR_INIT;
    if (worker_read(followed->worker, &status, &failure))
        TRY(look_at_phase(session, followed, err));
    followed->is_over |= status.is_over;
    if (followed->is_over)
        return LF_OK;
    if (failure.code) {
        *err = failure;
        return failure.code;
    }
    take_status(session, followed, &status, progress);
    return LF_OK;
}

static enum lf_code read_progress(const struct session *session, struct followed *followed,
                                  struct follow_table_progress *progress, struct err *err)
{
    if (followed->worker)
        TRY(read_worker(session, followed, progress, err));
    else if (!followed->is_over)
        TRY(look_from_beside(session, followed, progress, err));
    if (!followed->is_over)
        return LF_OK;
    worker_stop(followed->worker);
    followed->worker = NULL;
    progress->state = FOLLOW_IS_OVER;
    progress->phase = PHASE_DECOMMISSIONED;
    progress->is_caught_up = true;
    return LF_OK;
}

static enum lf_code run_round(struct session *session, bool *ret_all_caught_up, struct err *err)
{
    *ret_all_caught_up = true;
    for (size_t i = 0; i < session->options->table_count; i++) {
        if (session->round % ROUNDS_PER_LEASE_LOOK == 0)
            TRY(look_at_lease(session, &session->tables[i], err));
        TRY(read_progress(session, &session->tables[i], &session->progress[i], err));
        *ret_all_caught_up &= session->progress[i].is_caught_up;
    }
    session->round++;
    return LF_OK;
}

static bool all_over(const struct session *session)
{
    for (size_t i = 0; i < session->options->table_count; i++)
        if (session->progress[i].state != FOLLOW_IS_OVER)
            return false;
    return true;
}

static enum lf_code run_session(struct session *session, follow_report *report, void *context, struct err *err)
{
    const struct timespec pause = { .tv_nsec = ROUND_MS * 1000000L };
    const struct follow_progress progress = { session->progress, session->options->table_count, NULL };
    for (;;) {
        bool is_caught_up;
        TRY(run_round(session, &is_caught_up, err));
        if (report(context, &progress) || (session->options->until_caught_up && is_caught_up) || all_over(session))
            return LF_OK;
        (void)nanosleep(&pause, NULL);
    }
}

/* Trouble that passes -------------------------------------------------------------------------------------------------------- */

/* True: to stop. */
static bool report_trouble(const char *trouble, unsigned pause_ms, follow_report *report, void *context)
{
    const struct timespec step = { .tv_nsec = ROUND_MS * 1000000L };
    const struct follow_progress progress = { .trouble = trouble };
    for (unsigned waited_ms = 0; waited_ms < pause_ms; waited_ms += ROUND_MS) {
        if (report(context, &progress))
            return true;
        (void)nanosleep(&step, NULL);
    }
    return false;
}

static enum lf_code run_once(const struct follow_options *options, follow_report *report, void *context, bool *ret_began,
                             struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    arena_init(&arena, FOLLOW_ARENA_BYTES);
    struct session session = { .options = options, .arena = &arena };
    enum lf_code code = open_session(&session, err);
    *ret_began = !code;
    if (!code)
        code = run_session(&session, report, context, err);
    close_session(&session);
    return code;
}

/* What is wrong with the settings, or in DynamoDB, before anything has worked is not likely to pass. */
static bool may_pass(const struct err *err, bool has_worked)
{
    if (pg_error_may_pass(err))
        return true;
    bool is_retryable = lf_code_info(err->code)->retryable && err->code != LF_INTERRUPTED;
    return has_worked && (is_retryable || err->code == LF_SETTINGS);
}

enum lf_code follow_run(const struct follow_options *options, follow_report *report, void *context, struct err *err)
{
    struct backoff backoff;
    bool has_worked = false;
    backoff_init(&backoff, TROUBLE_DELAY_MS_MIN, TROUBLE_DELAY_MS_MAX, backoff_seed());
    for (;;) {
        bool began;
        struct err trouble = ERR_INIT;
        enum lf_code code = run_once(options, report, context, &began, &trouble);
        has_worked |= began;
        if (code && !options->until_caught_up && may_pass(&trouble, has_worked)) {
            if (began)
                backoff_init(&backoff, TROUBLE_DELAY_MS_MIN, TROUBLE_DELAY_MS_MAX, backoff_seed());
            if (report_trouble(trouble.message, backoff_next_ms(&backoff), report, context))
                return LF_OK;
            continue;
        }
        if (code)
            *err = trouble;
        return code;
    }
}
