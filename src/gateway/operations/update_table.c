#include "gateway/operations/operations.h"
#include "gateway/operations/table_description.h"
#include "gateway/operations/table_rules.h"
#include "gateway/operations/table_update.h"
#include "gateway/store/store.h"
#include "gateway/table_change.h"
#include "gateway/table_work.h"

static enum lf_code save(struct table_change *change, const struct table *table, const struct table_update *update,
                         struct err *err)
{
    TRY(table_change_save(change, table, &update->definition, err));
    TRY(table_change_note(change, table, &update->notes, err));
    if (update->created.ptr)
        TRY(table_change_add_index(change, table, update->created, TABLE_CREATING, err));
    if (update->deleted.ptr)
        TRY(table_change_set_index(change, table, update->deleted, TABLE_DELETING, false, err));
    if (update->created.ptr || update->deleted.ptr)
        TRY(table_change_set_status(change, table, TABLE_UPDATING, err));
    return LF_OK;
}

/* The columns are made with the description that has the index. */
static enum lf_code add_columns(struct table_change *change, struct span name, struct span index, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read_live(change, name, &table, err));
    enum lf_code code = table->store->add_index(change->transaction, table, table_find_index(table, index), err);
    table_unref(table);
    return code;
}

static enum lf_code apply(struct table_change *change, struct span name, const struct update_table_request *request,
                          struct table_update *update, struct arena *arena, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read_live(change, name, &table, err));
    enum lf_code code = table_update_make(table, request, arena, update, err);
    if (!code)
        code = save(change, table, update, err);
    table_unref(table);
    if (!code && update->created.ptr)
        code = add_columns(change, name, update->created, err);
    return code;
}

/* Once it has answered, no gateway changes an item without a record, or with one that nobody should have. */
enum lf_code operation_update_table(struct call *call, const struct update_table_request *request, struct err *err)
{
    struct table_change change;
    struct table_update update = { 0 };
    struct span name = request->table_name;
    (void)shape_table_name(request->table_name, &name);
    TRY(table_update_check(request, err));
    TRY(table_change_begin(call->worker, &change, err));
    TRY(table_change_end(&change, apply(&change, name, request, &update, call->arena, err), err));
    if (request->stream_specification)
        TRY(catalog_wait(call->worker->catalog, call->worker->db, change.version, err));
    TRY(table_description_answer_now(call, SPAN("TableDescription"), name, err));
    if (update.created.ptr || update.deleted.ptr)
        table_work_start(call->worker, name);
    return LF_OK;
}
