#include "gateway/operations/backup_description.h"
#include "gateway/operations/operations.h"

enum { BACKUPS_MAX = 100 };

static void put_summary(struct reply *reply, const struct backup *backup)
{
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TableName"), backup->table_name);
    reply_member_string(reply, SPAN("TableId"), backup->table_id);
    reply_member_string(reply, SPAN("TableArn"), span_of(backup->arn.ptr, span_find(backup->arn, SPAN("/backup/"))));
    backup_put_details(reply, backup, SPAN(""));
    reply_object_end(reply);
}

static void put_summaries(struct reply *reply, const struct backup *backups, size_t count, size_t limit)
{
    size_t shown = count > limit ? limit : count;
    reply_object_begin(reply);
    reply_name(reply, SPAN("BackupSummaries"));
    reply_array_begin(reply);
    for (size_t i = 0; i < shown; i++)
        put_summary(reply, &backups[i]);
    reply_array_end(reply);
    if (count > limit)
        reply_member_string(reply, SPAN("LastEvaluatedBackupArn"), backups[shown - 1].arn);
    reply_object_end(reply);
}

/* All backups are the users' own: the service makes none by itself. */
static bool are_listed(enum api_backup_type_filter type)
{
    return !type || type == API_BACKUP_TYPE_FILTER_USER || type == API_BACKUP_TYPE_FILTER_ALL;
}

enum lf_code operation_list_backups(struct call *call, const struct list_backups_request *request, struct err *err)
{
    size_t limit = request->has_limit ? (size_t)request->limit : BACKUPS_MAX, count = 0;
    struct backup *backups = NULL;
    struct backup_filter filter = { .behind = request->exclusive_start_backup_arn, .count_max = (int64_t)limit + 1 };
    if (request->table_name.ptr && !shape_table_name(request->table_name, &filter.table_name))
        filter.table_name = request->table_name;
    filter.from_ms = request->has_time_range_lower_bound ? request->time_range_lower_bound_ms : 0;
    filter.to_ms = request->has_time_range_upper_bound ? request->time_range_upper_bound_ms : INT64_MAX;
    if (are_listed(request->backup_type))
        TRY(backup_find(call->worker, &filter, call->arena, &backups, &count, err));
    put_summaries(call->reply, backups, count, limit);
    return LF_OK;
}
