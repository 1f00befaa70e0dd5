#include "gateway/operations/operations.h"
#include "gateway/stream/stream.h"

enum { STREAMS_MAX = 100 };

static enum lf_code put_stream(struct call *call, const struct table *table, struct err *err)
{
    struct span arn;
    TRY(stream_put_arn(call->arena, table, &arn, err));
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("StreamArn"), arn);
    reply_member_string(call->reply, SPAN("TableName"), table->name);
    reply_member_string(call->reply, SPAN("StreamLabel"), table->stream_label);
    reply_object_end(call->reply);
    return LF_OK;
}

/* Streams come in order of their tables' names, so a page goes on behind the table of its start. */
static bool is_listed(const struct table *table, struct span name, struct span start)
{
    return table->stream_label.len && (!name.len || span_equal(table->name, name)) &&
           (!start.len || span_compare(table->name, start) > 0);
}

static enum lf_code put_streams(struct call *call, const struct table **tables, size_t count, struct span name, struct span start,
                                size_t limit, struct err *err)
{
    const struct table *last = NULL;
    size_t listed = 0, at = 0;
    struct span arn;
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Streams"));
    reply_array_begin(call->reply);
    for (; at < count && listed < limit; at++)
        if (is_listed(tables[at], name, start)) {
            TRY(put_stream(call, tables[at], err));
            last = tables[at];
            listed++;
        }
    reply_array_end(call->reply);
    while (at < count && !is_listed(tables[at], name, start))
        at++;
    if (at < count && last) {
        TRY(stream_put_arn(call->arena, last, &arn, err));
        reply_member_string(call->reply, SPAN("LastEvaluatedStreamArn"), arn);
    }
    reply_object_end(call->reply);
    return LF_OK;
}

enum lf_code operation_list_streams(struct call *call, const struct list_streams_request *request, struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0;
    struct span start = { 0 };
    if (request->has_limit && request->limit > STREAMS_MAX)
        return ERR(err, LF_VALIDATION,
                   "1 validation error detected: Value '%lld' at 'limit' failed to satisfy constraint: Member must have value "
                   "less than or equal to %d",
                   (long long)request->limit, STREAMS_MAX);
    if (request->exclusive_start_stream_arn.ptr && !shape_table_name(request->exclusive_start_stream_arn, &start))
        return ERR(err, LF_VALIDATION, "Invalid StreamArn");
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    TRY(catalog_all(call->worker->catalog, call->arena, &tables, &count, err));
    enum lf_code code = put_streams(call, tables, count, request->table_name, start,
                                    request->has_limit ? (size_t)request->limit : STREAMS_MAX, err);
    for (size_t i = 0; i < count; i++)
        table_unref(tables[i]);
    return code;
}
