#include "gateway/backup.h"
#include "gateway/operations/backup_description.h"
#include "gateway/operations/operations.h"
#include "gateway/store/store.h"

static enum lf_code insert(struct call *call, const struct table *table, struct span name, struct span *ret_arn, struct err *err)
{
    if (table->status == TABLE_CREATING || table->status == TABLE_DELETING)
        return ERR(err, LF_TABLE_IN_USE, "Table is being %s: %.*s", table->status == TABLE_CREATING ? "created" : "deleted",
                   SPAN_ARG(table->name));
    if (table->store != &item_store)
        return ERR(err, LF_VALIDATION,
                   "The items of table %.*s are rows of its map's tables; back them up with PostgreSQL's tools",
                   SPAN_ARG(table->name));
    return backup_insert(call->worker, table, name, call->arena, ret_arn, err);
}

enum lf_code operation_create_backup(struct call *call, const struct create_backup_request *request, struct err *err)
{
    const struct table *table = NULL;
    struct span arn;
    struct backup backup;
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    enum lf_code code = catalog_get(call->worker->catalog, call->worker->db, request->table_name, &table, err);
    if (code == LF_RESOURCE_NOT_FOUND)
        return ERR(err, LF_TABLE_NOT_FOUND, "Table not found: %.*s", SPAN_ARG(request->table_name));
    TRY(code);
    code = insert(call, table, request->backup_name, &arn, err);
    table_unref(table);
    TRY(code);
    TRY(backup_get(call->worker, arn, call->arena, &backup, err));
    backup_start(call->worker, arn);
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("BackupDetails"));
    reply_object_begin(call->reply);
    backup_put_details(call->reply, &backup, SPAN(""));
    reply_object_end(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
