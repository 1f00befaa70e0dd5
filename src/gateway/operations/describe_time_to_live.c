#include "gateway/operations/operations.h"

static void put(struct reply *reply, const struct table *table)
{
    bool is_enabled = table->ttl_attribute.len > 0;
    reply_object_begin(reply);
    reply_name(reply, SPAN("TimeToLiveDescription"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TimeToLiveStatus"), is_enabled ? SPAN("ENABLED") : SPAN("DISABLED"));
    if (is_enabled)
        reply_member_string(reply, SPAN("AttributeName"), table->ttl_attribute);
    reply_object_end(reply);
    reply_object_end(reply);
}

enum lf_code operation_describe_time_to_live(struct call *call, const struct describe_time_to_live_request *request,
                                             struct err *err)
{
    const struct table *table = NULL;
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    TRY(catalog_get(call->worker->catalog, call->worker->db, request->table_name, &table, err));
    put(call->reply, table);
    table_unref(table);
    return LF_OK;
}
