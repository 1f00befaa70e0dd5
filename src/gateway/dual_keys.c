#include "gateway/dual_keys.h"

#include "gateway/named_items.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/statement.h"

struct finder {
    const struct route_tables *tables;
    struct arena *arena;
    struct dual_keys *keys;
    bool may_be_done; /* a transaction that was done before under its token answers as if it had been done now */
};

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

static enum lf_code add_item(struct finder *finder, const struct named_item *named, struct err *err)
{
    bool is_put = named->kind == NAMED_PUT;
    struct dual_key key = {
        .table = dual_table(finder, named->table_name),
        .is_known = named->kind != NAMED_UPDATE && !finder->may_be_done,
        .item = is_put ? named->item : NULL,
    };
    if (!key.table || !named->item)
        return LF_OK;
    TRY((is_put ? item_key_of_item : item_key_of_request)(key.table, named->item, finder->arena, &key.key, err));
    add(finder, key);
    return LF_OK;
}

static enum lf_code add_statement(struct finder *finder, const struct named_item *named, struct err *err)
{
    struct statement *statement = arena_calloc(finder->arena, 1, sizeof *statement, err);
    struct item_change change;
    if (!statement)
        return err->code;
    TRY(statement_parse(named->statement, named->parameters, finder->arena, statement, err));
    statement->table = dual_table(finder, statement->parsed.table);
    if (!statement->table || statement->parsed.verb == PARTIQL_SELECT)
        return LF_OK;
    TRY(statement_change(statement, finder->arena, &change, err));
    add(finder, (struct dual_key){ .table = statement->table, .key = change.key });
    return LF_OK;
}

static enum lf_code add_named(struct finder *finder, const struct named_item *named, struct err *err)
{
    switch (named->kind) {
    case NAMED_READ:
    case NAMED_CHECK:
        return LF_OK;
    case NAMED_PUT:
    case NAMED_UPDATE:
    case NAMED_DELETE:
        return add_item(finder, named, err);
    case NAMED_STATEMENT:
        break;
    }
    return add_statement(finder, named, err);
}

static bool has_token(const struct call *call, const struct transact_write_items_request *request)
{
    return call->operation == operation_info(OPERATION_TRANSACT_WRITE_ITEMS) && request->client_request_token.ptr;
}

enum lf_code dual_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                            struct dual_keys *ret_keys, struct err *err)
{
    struct named_items named;
    struct finder finder = { tables, call->arena, ret_keys, has_token(call, request) };
    TRY(named_items_find(call->operation, request, call->arena, &named, err));
    *ret_keys = (struct dual_keys){ .keys = arena_calloc(call->arena, named.count + 1, sizeof *ret_keys->keys, err) };
    if (!ret_keys->keys)
        return err->code;
    for (size_t i = 0; i < named.count; i++)
        TRY(add_named(&finder, &named.items[i], err));
    return LF_OK;
}
