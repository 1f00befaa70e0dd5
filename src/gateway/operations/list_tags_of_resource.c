#include "gateway/operations/operations.h"
#include "gateway/operations/resource_tags.h"

static void put_tags(struct reply *reply, const struct api_tag_list *tags)
{
    reply_object_begin(reply);
    reply_name(reply, SPAN("Tags"));
    reply_array_begin(reply);
    for (size_t i = 0; i < tags->count; i++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("Key"), tags->values[i].key);
        reply_member_string(reply, SPAN("Value"), tags->values[i].value);
        reply_object_end(reply);
    }
    reply_array_end(reply);
    reply_object_end(reply);
}

enum lf_code operation_list_tags_of_resource(struct call *call, const struct list_tags_of_resource_request *request,
                                             struct err *err)
{
    const struct table *table = NULL;
    struct span name;
    TRY(resource_table_name(request->resource_arn, &name, err));
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    enum lf_code code = catalog_get(call->worker->catalog, call->worker->db, name, &table, err);
    if (code == LF_RESOURCE_NOT_FOUND)
        return resource_not_found(request->resource_arn, err);
    TRY(code);
    put_tags(call->reply, &table->definition->tags);
    table_unref(table);
    return LF_OK;
}
