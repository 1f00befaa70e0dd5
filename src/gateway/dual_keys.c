#include "gateway/dual_keys.h"

#include "gateway/operations/item_key.h"
#include "gateway/operations/statement.h"

struct finder {
    const struct route_tables *tables;
    struct arena *arena;
    struct dual_keys *keys;
};

static enum lf_code make_room(struct finder *finder, size_t room, struct err *err)
{
    finder->keys->keys = arena_calloc(finder->arena, room + 1, sizeof *finder->keys->keys, err);
    return finder->keys->keys ? LF_OK : err->code;
}

/* NULL for tables that are not written on both sides. */
static const struct table *dual_table(const struct finder *finder, struct span name)
{
    const struct route_table *table = route_tables_get(finder->tables, name);
    return table && table->table && table_is_dual(table->table) ? table->table : NULL;
}

/* A key that comes twice DynamoDB refuses. */
static void add(struct finder *finder, struct dual_key key)
{
    struct dual_keys *keys = finder->keys;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].table == key.table && span_equal(keys->keys[i].key.bytes.partition, key.key.bytes.partition) &&
            span_equal(keys->keys[i].key.bytes.sort, key.key.bytes.sort))
            return;
    keys->keys[keys->count++] = key;
}

static enum lf_code add_put(struct finder *finder, struct span name, const struct item *item, bool is_known, struct err *err)
{
    struct dual_key key = { .table = dual_table(finder, name), .is_known = is_known, .item = item };
    if (!key.table)
        return LF_OK;
    TRY(item_key_of_item(key.table, item, finder->arena, &key.key, err));
    add(finder, key);
    return LF_OK;
}

static enum lf_code add_keyed(struct finder *finder, struct span name, const struct item *attributes, bool is_known,
                              struct err *err)
{
    struct dual_key key = { .table = dual_table(finder, name), .is_known = is_known };
    if (!key.table)
        return LF_OK;
    TRY(item_key_of_request(key.table, attributes, finder->arena, &key.key, err));
    add(finder, key);
    return LF_OK;
}

/* Operations ------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code of_batch(struct finder *finder, const struct batch_write_item_request *request, struct err *err)
{
    size_t room = 0;
    for (size_t i = 0; i < request->request_items.count; i++)
        room += request->request_items.entries[i].value.count;
    TRY(make_room(finder, room, err));
    for (size_t i = 0; i < request->request_items.count; i++) {
        const struct api_write_request_list_entry *entry = &request->request_items.entries[i];
        for (size_t k = 0; k < entry->value.count; k++) {
            const struct api_write_request *write = &entry->value.values[k];
            if (write->put_request)
                TRY(add_put(finder, entry->name, &write->put_request->item, true, err));
            else if (write->delete_request)
                TRY(add_keyed(finder, entry->name, &write->delete_request->key, true, err));
        }
    }
    return LF_OK;
}

/* A transaction that was done before under its token answers as if it had been done now. */
static enum lf_code of_transaction(struct finder *finder, const struct transact_write_items_request *request, struct err *err)
{
    bool is_known = !request->client_request_token.ptr;
    TRY(make_room(finder, request->transact_items.count, err));
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct api_transact_write_item *item = &request->transact_items.values[i];
        if (item->put)
            TRY(add_put(finder, item->put->table_name, &item->put->item, is_known, err));
        if (item->update)
            TRY(add_keyed(finder, item->update->table_name, &item->update->key, false, err));
        if (item->delete)
            TRY(add_keyed(finder, item->delete->table_name, &item->delete->key, is_known, err));
    }
    return LF_OK;
}

static enum lf_code add_statement(struct finder *finder, struct span text, const struct api_value_list *parameters,
                                  struct err *err)
{
    struct statement *statement = arena_calloc(finder->arena, 1, sizeof *statement, err);
    struct item_change change;
    if (!statement)
        return err->code;
    TRY(statement_parse(text, parameters, finder->arena, statement, err));
    statement->table = dual_table(finder, statement->parsed.table);
    if (!statement->table || statement->parsed.verb == PARTIQL_SELECT)
        return LF_OK;
    TRY(statement_change(statement, finder->arena, &change, err));
    add(finder, (struct dual_key){ .table = statement->table, .key = change.key });
    return LF_OK;
}

static enum lf_code of_statement(struct finder *finder, const struct execute_statement_request *request, struct err *err)
{
    TRY(make_room(finder, 1, err));
    return add_statement(finder, request->statement, &request->parameters, err);
}

/* What is wrong with one of them is that one's answer. */
static enum lf_code of_statements(struct finder *finder, const struct batch_execute_statement_request *request, struct err *err)
{
    TRY(make_room(finder, request->statements.count, err));
    for (size_t i = 0; i < request->statements.count; i++) {
        struct err own = ERR_INIT;
        const struct api_batch_statement_request *statement = &request->statements.values[i];
        if (add_statement(finder, statement->statement, &statement->parameters, &own) == LF_MEMORY)
            return ERR(err, LF_MEMORY, "%s", own.message);
    }
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

static enum lf_code of_put(struct finder *finder, const struct put_item_request *request, struct err *err)
{
    TRY(make_room(finder, 1, err));
    return add_put(finder, request->table_name, &request->item, true, err);
}

static enum lf_code of_update(struct finder *finder, const struct update_item_request *request, struct err *err)
{
    TRY(make_room(finder, 1, err));
    return add_keyed(finder, request->table_name, &request->key, false, err);
}

static enum lf_code of_delete(struct finder *finder, const struct delete_item_request *request, struct err *err)
{
    TRY(make_room(finder, 1, err));
    return add_keyed(finder, request->table_name, &request->key, true, err);
}

enum lf_code dual_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                            struct dual_keys *ret_keys, struct err *err)
{
    struct finder finder = { tables, call->arena, ret_keys };
    *ret_keys = (struct dual_keys){ 0 };
    if (call->operation == operation_info(OPERATION_PUT_ITEM))
        return of_put(&finder, request, err);
    if (call->operation == operation_info(OPERATION_UPDATE_ITEM))
        return of_update(&finder, request, err);
    if (call->operation == operation_info(OPERATION_DELETE_ITEM))
        return of_delete(&finder, request, err);
    if (call->operation == operation_info(OPERATION_BATCH_WRITE_ITEM))
        return of_batch(&finder, request, err);
    if (call->operation == operation_info(OPERATION_TRANSACT_WRITE_ITEMS))
        return of_transaction(&finder, request, err);
    if (call->operation == operation_info(OPERATION_EXECUTE_STATEMENT))
        return of_statement(&finder, request, err);
    if (call->operation == operation_info(OPERATION_BATCH_EXECUTE_STATEMENT))
        return of_statements(&finder, request, err);
    if (call->operation == operation_info(OPERATION_EXECUTE_TRANSACTION))
        return of_statement_transaction(&finder, request, err);
    return LF_OK;
}
