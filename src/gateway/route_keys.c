#include "gateway/route_keys.h"

#include "gateway/operations/statement.h"

struct finder {
    const struct route_tables *tables;
    struct arena *arena;
    struct route_keys *keys;
};

static enum lf_code make_room(struct finder *finder, size_t room, struct err *err)
{
    finder->keys->keys = arena_calloc(finder->arena, room + 1, sizeof *finder->keys->keys, err);
    return finder->keys->keys ? LF_OK : err->code;
}

static void add(struct finder *finder, struct span name, const struct item *item)
{
    const struct route_table *table = route_tables_get(finder->tables, name);
    if (table)
        finder->keys->keys[finder->keys->count++] = (struct route_key){ table, item };
}

static enum lf_code of_one(struct finder *finder, struct span name, const struct item *item, struct err *err)
{
    TRY(make_room(finder, 1, err));
    add(finder, name, item);
    return LF_OK;
}

/* Batches and transactions ----------------------------------------------------------------------------------------------------
 */

static enum lf_code of_batch_get(struct finder *finder, const struct batch_get_item_request *request, struct err *err)
{
    size_t room = 0;
    for (size_t i = 0; i < request->request_items.count; i++)
        room += request->request_items.entries[i].value.keys.count;
    TRY(make_room(finder, room, err));
    for (size_t i = 0; i < request->request_items.count; i++) {
        const struct api_keys_and_attributes_entry *entry = &request->request_items.entries[i];
        for (size_t k = 0; k < entry->value.keys.count; k++)
            add(finder, entry->name, &entry->value.keys.values[k]);
    }
    return LF_OK;
}

const struct item *route_written_item(const struct api_write_request *write)
{
    if (write->put_request)
        return &write->put_request->item;
    return write->delete_request ? &write->delete_request->key : NULL;
}

static enum lf_code of_batch_write(struct finder *finder, const struct batch_write_item_request *request, struct err *err)
{
    size_t room = 0;
    for (size_t i = 0; i < request->request_items.count; i++)
        room += request->request_items.entries[i].value.count;
    TRY(make_room(finder, room, err));
    for (size_t i = 0; i < request->request_items.count; i++) {
        const struct api_write_request_list_entry *entry = &request->request_items.entries[i];
        for (size_t k = 0; k < entry->value.count; k++)
            add(finder, entry->name, route_written_item(&entry->value.values[k]));
    }
    return LF_OK;
}

static enum lf_code of_transact_get(struct finder *finder, const struct transact_get_items_request *request, struct err *err)
{
    TRY(make_room(finder, request->transact_items.count, err));
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct api_get *get = request->transact_items.values[i].get;
        if (get)
            add(finder, get->table_name, &get->key);
    }
    return LF_OK;
}

static void add_transact_write(struct finder *finder, const struct api_transact_write_item *item)
{
    if (item->put)
        add(finder, item->put->table_name, &item->put->item);
    if (item->update)
        add(finder, item->update->table_name, &item->update->key);
    if (item->delete)
        add(finder, item->delete->table_name, &item->delete->key);
    if (item->condition_check)
        add(finder, item->condition_check->table_name, &item->condition_check->key);
}

static enum lf_code of_transact_write(struct finder *finder, const struct transact_write_items_request *request, struct err *err)
{
    TRY(make_room(finder, 4 * request->transact_items.count, err));
    for (size_t i = 0; i < request->transact_items.count; i++)
        add_transact_write(finder, &request->transact_items.values[i]);
    return LF_OK;
}

/* Statements ------------------------------------------------------------------------------------------------------------------
 */

/* NULL when it is about no one item. */
static enum lf_code key_of_statement(struct statement *statement, struct arena *arena, struct item *key, bool *ret_has_key,
                                     struct err *err)
{
    struct item_key read;
    struct item_change change;
    *ret_has_key = !statement_is_read(statement);
    if (*ret_has_key) {
        TRY(statement_change(statement, arena, &change, err));
        *key = change.key.attributes;
        return LF_OK;
    }
    TRY(statement_reduce(statement, arena, err));
    *ret_has_key = partiql_target_is_item(&statement->target, &statement->schema) && !statement->index;
    if (!*ret_has_key)
        return LF_OK;
    TRY(statement_key(statement, arena, &read, err));
    *key = read.attributes;
    return LF_OK;
}

static enum lf_code add_statement(struct finder *finder, struct span text, const struct api_value_list *parameters,
                                  struct err *err)
{
    struct err own = ERR_INIT;
    bool has_key = false;
    struct statement *statement = arena_calloc(finder->arena, 1, sizeof *statement, err);
    struct item *key = statement ? arena_calloc(finder->arena, 1, sizeof *key, err) : NULL;
    if (!key)
        return err->code;
    if (statement_parse(text, parameters, finder->arena, statement, &own))
        return LF_OK;
    const struct route_table *table = route_tables_get(finder->tables, statement->parsed.table);
    statement->table = table ? table->table : NULL;
    if (statement->table && statement->table->move.has_phase)
        has_key = !key_of_statement(statement, finder->arena, key, &has_key, &own) && has_key;
    if (has_key || !statement->table || !table_is_mixed(statement->table))
        add(finder, statement->parsed.table, has_key ? key : NULL);
    return own.code == LF_MEMORY ? ERR(err, LF_MEMORY, "%s", own.message) : LF_OK;
}

static enum lf_code of_statement(struct finder *finder, const struct execute_statement_request *request, struct err *err)
{
    TRY(make_room(finder, 1, err));
    return add_statement(finder, request->statement, &request->parameters, err);
}

static enum lf_code of_statements(struct finder *finder, const struct batch_execute_statement_request *request, struct err *err)
{
    TRY(make_room(finder, request->statements.count, err));
    for (size_t i = 0; i < request->statements.count; i++)
        TRY(add_statement(finder, request->statements.values[i].statement, &request->statements.values[i].parameters, err));
    return LF_OK;
}

static enum lf_code of_statement_transaction(struct finder *finder, const struct execute_transaction_request *request,
                                             struct err *err)
{
    const struct api_parameterized_statement_list *statements = &request->transact_statements;
    TRY(make_room(finder, statements->count, err));
    for (size_t i = 0; i < statements->count; i++)
        TRY(add_statement(finder, statements->values[i].statement, &statements->values[i].parameters, err));
    return LF_OK;
}

/* -----------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code route_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                             struct route_keys *ret_keys, struct err *err)
{
    const struct operation_info *info = call->operation;
    const struct get_item_request *get = request;
    const struct put_item_request *put = request;
    const struct update_item_request *update = request;
    const struct delete_item_request *delete = request;
    struct finder finder = { tables, call->arena, ret_keys };
    *ret_keys = (struct route_keys){ 0 };
    if (info == operation_info(OPERATION_GET_ITEM))
        return of_one(&finder, get->table_name, &get->key, err);
    if (info == operation_info(OPERATION_PUT_ITEM))
        return of_one(&finder, put->table_name, &put->item, err);
    if (info == operation_info(OPERATION_UPDATE_ITEM))
        return of_one(&finder, update->table_name, &update->key, err);
    if (info == operation_info(OPERATION_DELETE_ITEM))
        return of_one(&finder, delete->table_name, &delete->key, err);
    if (info == operation_info(OPERATION_BATCH_GET_ITEM))
        return of_batch_get(&finder, request, err);
    if (info == operation_info(OPERATION_BATCH_WRITE_ITEM))
        return of_batch_write(&finder, request, err);
    if (info == operation_info(OPERATION_TRANSACT_GET_ITEMS))
        return of_transact_get(&finder, request, err);
    if (info == operation_info(OPERATION_TRANSACT_WRITE_ITEMS))
        return of_transact_write(&finder, request, err);
    if (info == operation_info(OPERATION_EXECUTE_STATEMENT))
        return of_statement(&finder, request, err);
    if (info == operation_info(OPERATION_BATCH_EXECUTE_STATEMENT))
        return of_statements(&finder, request, err);
    if (info == operation_info(OPERATION_EXECUTE_TRANSACTION))
        return of_statement_transaction(&finder, request, err);
    return LF_OK;
}

bool route_key_is_dynamodbs(const struct route_key *key)
{
    const struct table *table = key->table->table;
    return table && key->item ? table_key_is_dynamodbs(table, key->item) : route_table_is_dynamodbs(key->table);
}
