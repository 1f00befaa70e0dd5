#include <stdio.h>

#include "gateway/operations/continuous_backups.h"
#include "gateway/operations/operations.h"

enum { DAYS_MAX = 35, NUMBER_BYTES = 24 };

enum lf_code operation_update_continuous_backups(struct call *call, const struct update_continuous_backups_request *request,
                                                 struct err *err)
{
    static const struct pg_statement update = {
        .sql = "UPDATE landfall.dynamodb_table SET recovery_since = CASE WHEN $2::text::boolean THEN coalesce(recovery_since, "
               "now()) END, recovery_days = $3::text::integer WHERE name = $1",
    };
    const struct api_point_in_time_recovery_specification *wanted = request->point_in_time_recovery_specification;
    char text[NUMBER_BYTES];
    int64_t days = wanted->has_recovery_period_in_days ? wanted->recovery_period_in_days : DAYS_MAX;
    struct span name = request->table_name;
    (void)shape_table_name(request->table_name, &name);
    int len = snprintf(text, sizeof text, "%lld", (long long)days);
    struct span enabled = wanted->point_in_time_recovery_enabled ? SPAN("true") : SPAN("false");
    struct pg_field values[] = { { name.ptr, name.len }, { enabled.ptr, enabled.len }, { text, (size_t)len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_write(call->worker->db, &update, &(struct pg_params){ .values = values, .count = 3 }, &rows, err));
    return continuous_backups_answer(call, name, err);
}
