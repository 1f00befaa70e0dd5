#include "move/follow/export_request.h"

#include "aws/dynamodb_exports.h"
#include "codec/timestamp.h"
#include "move/follow/table_description.h"

#define US_PER_SECOND INT64_C(1000000)

/* What is on record. */
struct ordered {
    int64_t from_unix_s, to_unix_s;
    struct span token, export_arn; /* ARN empty: not yet known */
};

/* The record ------------------------------------------------------------------------------------------------------------- */

static enum lf_code copy_text(const struct pg_result *rows, size_t column, struct arena *arena, struct span *ret_text,
                              struct err *err)
{
    struct pg_field text = pg_result_get(rows, 0, column);
    return arena_copy(arena, span_of(text.data, text.data ? text.len : 0), ret_text, err);
}

static enum lf_code read_ordered(struct pg_conn *conn, struct span table, struct arena *arena, struct ordered *ret_ordered,
                                 bool *ret_found, struct err *err)
{
    static const char sql[] = "SELECT extract(epoch FROM from_time)::int8, extract(epoch FROM to_time)::int8, token, export_arn"
                              " FROM landfall.export_request WHERE table_name = $1";
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    *ret_found = pg_result_rows(rows) > 0;
    if (!*ret_found)
        return LF_OK;
    ret_ordered->from_unix_s = pg_result_int64(rows, 0, 0);
    ret_ordered->to_unix_s = pg_result_int64(rows, 0, 1);
    TRY(copy_text(rows, 2, arena, &ret_ordered->token, err));
    return copy_text(rows, 3, arena, &ret_ordered->export_arn, err);
}

static enum lf_code write_ordered(struct pg_conn *conn, struct span table, int64_t from_unix_s, int64_t to_unix_s,
                                  struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.export_request (table_name, from_time, to_time)"
                              " VALUES ($1, to_timestamp($2::int8), to_timestamp($3::int8)) ON CONFLICT DO NOTHING";
    char from[PG_NUMBER_BYTES], to[PG_NUMBER_BYTES];
    const struct pg_field values[] = { pg_text_field(table), pg_number_field(from_unix_s, from), pg_number_field(to_unix_s, to) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 3 }, &rows, err);
}

static enum lf_code write_arn(struct pg_conn *conn, struct span table, struct span export_arn, struct err *err)
{
    const struct pg_field values[] = { pg_text_field(table), pg_text_field(export_arn) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, "UPDATE landfall.export_request SET export_arn = $2 WHERE table_name = $1",
                    &(struct pg_params){ .values = values, .count = 2 }, &rows, err);
}

static enum lf_code forget(struct pg_conn *conn, struct span table, struct err *err)
{
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, "DELETE FROM landfall.export_request WHERE table_name = $1",
                    &(struct pg_params){ .values = &value, .count = 1 }, &rows, err);
}

/* Asking ----------------------------------------------------------------------------------------------------------------- */

static struct span time_text(int64_t unix_s, char text[TIMESTAMP_TEXT_BYTES])
{
    return span_of(text, timestamp_format((unix_s - TIMESTAMP_EPOCH_UNIX_SECONDS) * US_PER_SECOND, TIMESTAMP_ISO8601, text));
}

static enum lf_code read_recovery(struct dynamodb *client, struct span table, struct arena *arena, struct recovery *ret_recovery,
                                  struct err *err)
{
    TRY(dynamodb_describe_recovery(client, table, arena, ret_recovery, err));
    if (ret_recovery->is_on)
        return LF_OK;
    return ERR(err, LF_PRECONDITION,
               "table %.*s has no point-in-time recovery, which exports need: `aws dynamodb update-continuous-backups "
               "--table-name %.*s --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`",
               SPAN_ARG(table), SPAN_ARG(table));
}

enum lf_code export_request_begin(struct dynamodb *client, struct span table, struct arena *arena, int64_t *ret_us,
                                  struct err *err)
{
    struct recovery recovery;
    TRY(read_recovery(client, table, arena, &recovery, err));
    int64_t begin_unix_s = recovery.latest_unix_s > recovery.earliest_unix_s ? recovery.latest_unix_s : recovery.earliest_unix_s;
    *ret_us = (begin_unix_s - TIMESTAMP_EPOCH_UNIX_SECONDS) * US_PER_SECOND;
    return LF_OK;
}

static enum lf_code check_reach(struct span table, const struct recovery *recovery, int64_t from_unix_s, struct err *err)
{
    char earliest[TIMESTAMP_TEXT_BYTES], from[TIMESTAMP_TEXT_BYTES];
    if (recovery->earliest_unix_s <= from_unix_s)
        return LF_OK;
    return ERR(err, LF_PRECONDITION,
               "the exports of table %.*s have come to %.*s, and its point-in-time recovery goes back to %.*s only: what "
               "changed between cannot be exported any more. Take the tables back with `landfall migrate down` and begin again",
               SPAN_ARG(table), SPAN_ARG(time_text(from_unix_s, from)), SPAN_ARG(time_text(recovery->earliest_unix_s, earliest)));
}

static enum lf_code plan(const struct export_request *request, struct pg_conn *conn, int64_t from_unix_s, struct arena *arena,
                         struct err *err)
{
    struct recovery recovery;
    struct span table = request->table->name;
    TRY(read_recovery(request->client, table, arena, &recovery, err));
    TRY(check_reach(table, &recovery, from_unix_s, err));
    if (recovery.latest_unix_s - from_unix_s < request->seconds_min)
        return LF_OK;
    int64_t last_unix_s = from_unix_s + EXPORT_SECONDS_MAX;
    return write_ordered(conn, table, from_unix_s, recovery.latest_unix_s < last_unix_s ? recovery.latest_unix_s : last_unix_s,
                         err);
}

/* "s3://bucket/prefix". */
static enum lf_code read_place(struct span place, struct export_order *order, struct err *err)
{
    if (!span_starts_with(place, SPAN("s3://")))
        return ERR(err, LF_PRECONDITION, "AWS makes exports in S3, not in %.*s; say --exports s3://BUCKET/PREFIX",
                   SPAN_ARG(place));
    struct span rest = span_from(place, SPAN("s3://").len);
    order->bucket = span_of(rest.ptr, span_find_byte(rest, '/'));
    order->prefix = span_from(rest, order->bucket.len + 1);
    return LF_OK;
}

static enum lf_code ask(const struct export_request *request, struct pg_conn *conn, struct ordered *ordered, struct arena *arena,
                        struct err *err)
{
    struct export_order order = {
        .token = ordered->token,
        .from_unix_s = ordered->from_unix_s,
        .to_unix_s = ordered->to_unix_s,
    };
    struct table_description description;
    TRY(read_place(request->place, &order, err));
    TRY(table_describe(request->client, request->table, arena, &description, err));
    order.table_arn = description.arn;
    TRY(dynamodb_order_export(request->client, &order, arena, &ordered->export_arn, err));
    return write_arn(conn, request->table->name, ordered->export_arn, err);
}

/* Waiting ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code look(struct export_request *request, struct pg_conn *conn, const struct ordered *ordered, struct arena *arena,
                         bool *ret_completed, struct err *err)
{
    struct export_state state;
    if (request->has_completed)
        return ERR(err, LF_PRECONDITION, "export %.*s is completed, but it is not in %.*s", SPAN_ARG(ordered->export_arn),
                   SPAN_ARG(request->place));
    TRY(dynamodb_describe_export(request->client, ordered->export_arn, arena, &state, err));
    if (state.status == EXPORT_FAILED) {
        TRY(forget(conn, request->table->name, err));
        return ERR(err, LF_PRECONDITION, "export %.*s has failed: %.*s. The same command asks for another one",
                   SPAN_ARG(ordered->export_arn), SPAN_ARG(state.failure));
    }
    *ret_completed = request->has_completed = state.status == EXPORT_COMPLETED;
    return LF_OK;
}

enum lf_code export_request_step(struct export_request *request, struct pg_conn *conn, int64_t position_us, struct arena *arena,
                                 bool *ret_completed, struct err *err)
{
    struct ordered ordered;
    struct span table = request->table->name;
    bool is_found;
    int64_t from_unix_s = position_us / US_PER_SECOND + TIMESTAMP_EPOCH_UNIX_SECONDS;
    *ret_completed = false;
    TRY(read_ordered(conn, table, arena, &ordered, &is_found, err));
    if (is_found && ordered.to_unix_s <= from_unix_s) {
        TRY(forget(conn, table, err));
        request->has_completed = is_found = false;
    }
    if (!is_found) {
        TRY(plan(request, conn, from_unix_s, arena, err));
        TRY(read_ordered(conn, table, arena, &ordered, &is_found, err));
    }
    if (is_found && !ordered.export_arn.len)
        TRY(ask(request, conn, &ordered, arena, err));
    return is_found ? look(request, conn, &ordered, arena, ret_completed, err) : LF_OK;
}
