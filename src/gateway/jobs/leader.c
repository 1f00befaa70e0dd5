#include "gateway/jobs/leader.h"

static enum lf_code renew(struct worker *worker, struct leadership *leadership, int64_t now_ms, struct err *err)
{
    static const struct pg_statement beat = {
        .sql = "UPDATE landfall.leader SET beat = beat + 1 WHERE job = $1::text AND token = $2::text::bigint RETURNING beat",
    };
    char token[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(span_from_cstr(leadership->job)), pg_number_field(leadership->token, token) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_write(worker->db, &beat, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    leadership->is_mine = pg_result_rows(rows) == 1;
    leadership->beaten_ms = now_ms;
    return LF_OK;
}

static enum lf_code make_row(struct worker *worker, struct pg_field job, struct err *err)
{
    static const struct pg_statement make = {
        .sql = "INSERT INTO landfall.leader (job, is_vacant) VALUES ($1::text, true) ON CONFLICT DO NOTHING",
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return db_write(worker->db, &make, &(struct pg_params){ .values = &job, .count = 1 }, &rows, err);
}

/* A leader that is silent, or has resigned, may be replaced. */
static enum lf_code look(struct worker *worker, struct leadership *leadership, int64_t now_ms, struct err *err)
{
    static const struct pg_statement read = {
        .sql = "SELECT token::text, beat::text, is_vacant::int::text FROM landfall.leader WHERE job = $1::text",
    };
    struct pg_field job = pg_text_field(span_from_cstr(leadership->job));
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(worker->db, &read, &(struct pg_params){ .values = &job, .count = 1 }, &rows, err));
    if (pg_result_rows(rows) == 0)
        return make_row(worker, job, err);
    int64_t token = pg_result_int64(rows, 0, 0), beat = pg_result_int64(rows, 0, 1);
    if (pg_result_int64(rows, 0, 2) == 1)
        leadership->moved_ms = now_ms - LEADER_SILENT_MS;
    else if (token != leadership->token || beat != leadership->beat)
        leadership->moved_ms = now_ms;
    leadership->token = token;
    leadership->beat = beat;
    return LF_OK;
}

static enum lf_code take(struct worker *worker, struct leadership *leadership, int64_t now_ms, struct err *err)
{
    static const struct pg_statement take_over = {
        .sql = "UPDATE landfall.leader SET owner = $3::text::uuid, token = token + 1, beat = beat + 1, is_vacant = false WHERE "
               "job = $1::text AND token = "
               "$2::text::bigint RETURNING token::text",
    };
    char token[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(span_from_cstr(leadership->job)), pg_number_field(leadership->token, token),
                                 pg_text_field(span_from_cstr(catalog_gateway_id(worker->catalog))) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_write(worker->db, &take_over, &(struct pg_params){ .values = values, .count = 3 }, &rows, err));
    if (pg_result_rows(rows) == 1) {
        leadership->is_mine = true;
        leadership->token = pg_result_int64(rows, 0, 0);
        leadership->beaten_ms = now_ms;
    }
    return LF_OK;
}

enum lf_code leader_try(struct worker *worker, struct leadership *leadership, struct err *err)
{
    int64_t now_ms = loop_now_ms(worker->loop);
    if (leadership->is_mine)
        return now_ms - leadership->beaten_ms < LEADER_BEAT_MS ? LF_OK : renew(worker, leadership, now_ms, err);
    TRY(look(worker, leadership, now_ms, err));
    return now_ms - leadership->moved_ms < LEADER_SILENT_MS ? LF_OK : take(worker, leadership, now_ms, err);
}

enum lf_code leader_lock(struct db_transaction *transaction, const struct leadership *leadership, struct err *err)
{
    static const struct pg_statement lock = {
        .sql = "SELECT 1 FROM landfall.leader WHERE job = $1::text AND token = $2::text::bigint FOR NO KEY UPDATE",
    };
    char token[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(span_from_cstr(leadership->job)), pg_number_field(leadership->token, token) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &lock, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    if (pg_result_rows(rows) == 1)
        return LF_OK;
    return ERR(err, LF_PRECONDITION, "another gateway does the job '%s' by now", leadership->job);
}

void leader_resign(struct worker *worker, struct leadership *leadership)
{
    static const struct pg_statement resign = {
        .sql = "UPDATE landfall.leader SET is_vacant = true WHERE job = $1::text AND token = $2::text::bigint",
    };
    struct err err = ERR_INIT;
    char token[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(span_from_cstr(leadership->job)), pg_number_field(leadership->token, token) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (leadership->is_mine && db_write(worker->db, &resign, &(struct pg_params){ .values = values, .count = 2 }, &rows, &err))
        worker_log(worker, SPAN(""), &err);
    leadership->is_mine = false;
}
