#include "gateway/operations/operations.h"
#include "gateway/table_change.h"
#include "gateway/table_work.h"

static enum lf_code check(const struct table *table, const struct api_time_to_live_specification *wanted, struct err *err)
{
    bool is_enabled = table->ttl_attribute.len > 0;
    if (!is_enabled && !wanted->enabled)
        return ERR(err, LF_VALIDATION, "TimeToLive is already disabled");
    if (is_enabled && !span_equal(table->ttl_attribute, wanted->attribute_name))
        return ERR(err, LF_VALIDATION, "TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
                   SPAN_ARG(table->ttl_attribute));
    if (is_enabled && wanted->enabled)
        return ERR(err, LF_VALIDATION, "TimeToLive is already enabled");
    return LF_OK;
}

static enum lf_code apply(struct table_change *change, struct span name, const struct api_time_to_live_specification *wanted,
                          struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read_live(change, name, &table, err));
    enum lf_code code = check(table, wanted, err);
    if (!code)
        code = table_change_set_ttl(change, table, wanted->enabled ? wanted->attribute_name : SPAN(""), err);
    table_unref(table);
    return code;
}

enum lf_code operation_update_time_to_live(struct call *call, const struct update_time_to_live_request *request, struct err *err)
{
    const struct api_time_to_live_specification *wanted = request->time_to_live_specification;
    struct table_change change;
    struct span name = request->table_name;
    (void)shape_table_name(request->table_name, &name);
    TRY(table_change_begin(call->worker, &change, err));
    TRY(table_change_end(&change, apply(&change, name, wanted, err), err));
    if (wanted->enabled)
        table_work_start(call->worker, name);
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("TimeToLiveSpecification"));
    reply_object_begin(call->reply);
    reply_member_boolean(call->reply, SPAN("Enabled"), wanted->enabled);
    reply_member_string(call->reply, SPAN("AttributeName"), wanted->attribute_name);
    reply_object_end(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
