#include "gateway/operations/operations.h"
#include "gateway/operations/table_description.h"
#include "gateway/store/store.h"
#include "gateway/table_change.h"
#include "gateway/table_work.h"

enum { PATIENCE_MS = 500 };

static enum lf_code check_deletable(const struct table *table, struct err *err)
{
    if (table->definition->deletion_protection_enabled)
        return ERR(
            err, LF_VALIDATION,
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
    if (table->status == TABLE_UPDATING)
        return ERR(err, LF_RESOURCE_IN_USE, "Attempt to change a resource which is still in use: Table is being updated: %.*s",
                   SPAN_ARG(table->name));
    if (!table->store->drop)
        return ERR(err, LF_VALIDATION, "The items of table %.*s are rows of its map's tables, which are dropped by SQL only",
                   SPAN_ARG(table->name));
    return LF_OK;
}

static enum lf_code mark(struct table_change *change, struct span name, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read(change, name, &table, err));
    if (!table)
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Table: %.*s not found", SPAN_ARG(name));
    enum lf_code code = LF_OK;
    if (table->status != TABLE_DELETING)
        code = check_deletable(table, err);
    if (!code)
        code = table_change_set_status(change, table, TABLE_DELETING, err);
    table_unref(table);
    return code;
}

/* Before the commit: the table may be gone right after it. */
static enum lf_code mark_and_answer(struct call *call, struct table_change *change, struct span name, struct err *err)
{
    const struct table *table = NULL;
    TRY(mark(change, name, err));
    TRY(table_change_read(change, name, &table, err));
    enum lf_code code = table_description_answer(call, SPAN("TableDescription"), table, err);
    table_unref(table);
    return code;
}

/* The table goes when no gateway uses it. With one gateway that is now, and whoever asks next shall not find it. */
enum lf_code operation_delete_table(struct call *call, const struct delete_table_request *request, struct err *err)
{
    struct table_change change;
    struct span name = request->table_name;
    (void)shape_table_name(request->table_name, &name);
    TRY(table_change_begin(call->worker, &change, err));
    TRY(table_change_end(&change, mark_and_answer(call, &change, name, err), err));
    table_work_start(call->worker, name);
    return table_work_await_deletion(call->worker, name, PATIENCE_MS, err);
}
