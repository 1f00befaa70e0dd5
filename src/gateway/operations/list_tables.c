#include "gateway/operations/operations.h"

enum { TABLES_MAX = 100 };

/* Tables come in order of their names. */
static void put_names(struct reply *reply, const struct table **tables, size_t count, struct span start, size_t limit)
{
    size_t at = 0, end;
    while (at < count && start.ptr && span_compare(tables[at]->name, start) <= 0)
        at++;
    end = count - at > limit ? at + limit : count;
    reply_object_begin(reply);
    reply_name(reply, SPAN("TableNames"));
    reply_array_begin(reply);
    for (; at < end; at++)
        reply_string(reply, tables[at]->name);
    reply_array_end(reply);
    if (end < count)
        reply_member_string(reply, SPAN("LastEvaluatedTableName"), tables[end - 1]->name);
    reply_object_end(reply);
}

enum lf_code operation_list_tables(struct call *call, const struct list_tables_request *request, struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0;
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    TRY(catalog_all(call->worker->catalog, call->arena, &tables, &count, err));
    put_names(call->reply, tables, count, request->exclusive_start_table_name,
              request->has_limit ? (size_t)request->limit : TABLES_MAX);
    for (size_t i = 0; i < count; i++)
        table_unref(tables[i]);
    return LF_OK;
}
