#include "gateway/operations/continuous_backups.h"

static void put_recovery(struct reply *reply, const struct pg_result *rows)
{
    int64_t since_ms = pg_result_int64(rows, 0, 0);
    reply_name(reply, SPAN("PointInTimeRecoveryDescription"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("PointInTimeRecoveryStatus"), since_ms ? SPAN("ENABLED") : SPAN("DISABLED"));
    if (since_ms) {
        reply_member_integer(reply, SPAN("RecoveryPeriodInDays"), pg_result_int64(rows, 0, 1));
        reply_member_timestamp(reply, SPAN("EarliestRestorableDateTime"), pg_result_int64(rows, 0, 2));
        reply_member_timestamp(reply, SPAN("LatestRestorableDateTime"), pg_result_int64(rows, 0, 3));
    }
    reply_object_end(reply);
}

enum lf_code continuous_backups_answer(struct call *call, struct span name, struct err *err)
{
#define MILLISECONDS(time) "floor(extract(epoch FROM " time ") * 1000)::bigint::text"
    static const struct pg_statement select = {
        .sql = "SELECT " MILLISECONDS("recovery_since") ", recovery_days::text, " MILLISECONDS(
            "greatest(recovery_since, now() - "
            "recovery_days * interval '1 "
            "day')") ", " MILLISECONDS("greatest(recovery_since, now() - interval '5 minutes')") " FROM landfall.dynamodb_table "
                                                                                                 "WHERE name = $1 AND status "
                                                                                                 "<> "
                                                                                                 "'DELETING'",
    };
#undef MILLISECONDS
    struct pg_field value = { name.ptr, name.len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(call->worker->db, &select, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    if (!pg_result_rows(rows))
        return ERR(err, LF_TABLE_NOT_FOUND, "Table not found: %.*s", SPAN_ARG(name));
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("ContinuousBackupsDescription"));
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("ContinuousBackupsStatus"), SPAN("ENABLED"));
    put_recovery(call->reply, rows);
    reply_object_end(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
