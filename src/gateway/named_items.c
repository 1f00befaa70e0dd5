#include "gateway/named_items.h"

/* Without `items->items` they are only counted. */
static void add(struct named_items *items, struct named_item item)
{
    if (items->items)
        items->items[items->count] = item;
    items->count++;
}

static void add_item(struct named_items *items, enum named_kind kind, struct span table_name, const struct item *item)
{
    add(items, (struct named_item){ .kind = kind, .table_name = table_name, .item = item });
}

static void add_statement(struct named_items *items, struct span statement, const struct api_value_list *parameters)
{
    add(items, (struct named_item){ .kind = NAMED_STATEMENT, .statement = statement, .parameters = parameters });
}

/* Batches and transactions -----------------------------------------------------------------------------------------------------
 */

static void of_batch_get(struct named_items *items, const struct batch_get_item_request *request)
{
    for (size_t i = 0; i < request->request_items.count; i++) {
        const struct api_keys_and_attributes_entry *entry = &request->request_items.entries[i];
        for (size_t k = 0; k < entry->value.keys.count; k++)
            add_item(items, NAMED_READ, entry->name, &entry->value.keys.values[k]);
    }
}

const struct item *named_written_item(const struct api_write_request *write)
{
    if (write->put_request)
        return &write->put_request->item;
    return write->delete_request ? &write->delete_request->key : NULL;
}

static void of_batch_write(struct named_items *items, const struct batch_write_item_request *request)
{
    for (size_t i = 0; i < request->request_items.count; i++) {
        const struct api_write_request_list_entry *entry = &request->request_items.entries[i];
        for (size_t k = 0; k < entry->value.count; k++) {
            const struct api_write_request *write = &entry->value.values[k];
            add_item(items, write->put_request ? NAMED_PUT : NAMED_DELETE, entry->name, named_written_item(write));
        }
    }
}

static void of_transact_get(struct named_items *items, const struct transact_get_items_request *request)
{
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct api_get *get = request->transact_items.values[i].get;
        if (get)
            add_item(items, NAMED_READ, get->table_name, &get->key);
    }
}

/* One that asks for several things is refused, but not here. */
static void of_transact_write(struct named_items *items, const struct transact_write_items_request *request)
{
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct api_transact_write_item *item = &request->transact_items.values[i];
        if (item->put)
            add_item(items, NAMED_PUT, item->put->table_name, &item->put->item);
        if (item->update)
            add_item(items, NAMED_UPDATE, item->update->table_name, &item->update->key);
        if (item->delete)
            add_item(items, NAMED_DELETE, item->delete->table_name, &item->delete->key);
        if (item->condition_check)
            add_item(items, NAMED_CHECK, item->condition_check->table_name, &item->condition_check->key);
    }
}

static void of_statements(struct named_items *items, const struct batch_execute_statement_request *request)
{
    for (size_t i = 0; i < request->statements.count; i++)
        add_statement(items, request->statements.values[i].statement, &request->statements.values[i].parameters);
}

static void of_statement_transaction(struct named_items *items, const struct execute_transaction_request *request)
{
    const struct api_parameterized_statement_list *statements = &request->transact_statements;
    for (size_t i = 0; i < statements->count; i++)
        add_statement(items, statements->values[i].statement, &statements->values[i].parameters);
}

/* ------------------------------------------------------------------------------------------------------------------------------
 */

static void add_all(struct named_items *items, const struct operation_info *operation, const void *request)
{
    const struct get_item_request *get = request;
    const struct put_item_request *put = request;
    const struct update_item_request *update = request;
    const struct delete_item_request *delete = request;
    const struct execute_statement_request *statement = request;
    if (operation == operation_info(OPERATION_GET_ITEM))
        add_item(items, NAMED_READ, get->table_name, &get->key);
    else if (operation == operation_info(OPERATION_PUT_ITEM))
        add_item(items, NAMED_PUT, put->table_name, &put->item);
    else if (operation == operation_info(OPERATION_UPDATE_ITEM))
        add_item(items, NAMED_UPDATE, update->table_name, &update->key);
    else if (operation == operation_info(OPERATION_DELETE_ITEM))
        add_item(items, NAMED_DELETE, delete->table_name, &delete->key);
    else if (operation == operation_info(OPERATION_BATCH_GET_ITEM))
        of_batch_get(items, request);
    else if (operation == operation_info(OPERATION_BATCH_WRITE_ITEM))
        of_batch_write(items, request);
    else if (operation == operation_info(OPERATION_TRANSACT_GET_ITEMS))
        of_transact_get(items, request);
    else if (operation == operation_info(OPERATION_TRANSACT_WRITE_ITEMS))
        of_transact_write(items, request);
    else if (operation == operation_info(OPERATION_EXECUTE_STATEMENT))
        add_statement(items, statement->statement, &statement->parameters);
    else if (operation == operation_info(OPERATION_BATCH_EXECUTE_STATEMENT))
        of_statements(items, request);
    else if (operation == operation_info(OPERATION_EXECUTE_TRANSACTION))
        of_statement_transaction(items, request);
}

enum lf_code named_items_find(const struct operation_info *operation, const void *request, struct arena *arena,
                              struct named_items *ret_items, struct err *err)
{
    struct named_items items = { 0 };
    add_all(&items, operation, request);
    items.items = arena_calloc(arena, items.count + 1, sizeof *items.items, err);
    if (!items.items)
        return err->code;
    items.count = 0;
    add_all(&items, operation, request);
    *ret_items = items;
    return LF_OK;
}
