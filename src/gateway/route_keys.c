#include "gateway/route_keys.h"

#include "gateway/named_items.h"
#include "gateway/operations/statement.h"

struct finder {
    const struct route_tables *tables;
    struct arena *arena;
    struct route_keys *keys;
};

static void add(struct finder *finder, struct span name, const struct item *item)
{
    const struct route_table *table = route_tables_get(finder->tables, name);
    if (table)
        finder->keys->keys[finder->keys->count++] = (struct route_key){ table, item };
}

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

static enum lf_code add_statement(struct finder *finder, const struct named_item *named, struct err *err)
{
    struct err own = ERR_INIT;
    bool has_key = false;
    struct statement *statement = arena_calloc(finder->arena, 1, sizeof *statement, err);
    struct item *key = statement ? arena_calloc(finder->arena, 1, sizeof *key, err) : NULL;
    if (!key)
        return err->code;
    if (statement_parse(named->statement, named->parameters, finder->arena, statement, &own))
        return LF_OK;
    const struct route_table *table = route_tables_get(finder->tables, statement->parsed.table);
    statement->table = table ? table->table : NULL;
    if (statement->table && statement->table->move.has_phase)
        has_key = !key_of_statement(statement, finder->arena, key, &has_key, &own) && has_key;
    if (has_key || !statement->table || !table_is_mixed(statement->table))
        add(finder, statement->parsed.table, has_key ? key : NULL);
    return own.code == LF_MEMORY ? ERR(err, LF_MEMORY, "%s", own.message) : LF_OK;
}

enum lf_code route_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                             struct route_keys *ret_keys, struct err *err)
{
    struct named_items named;
    struct finder finder = { tables, call->arena, ret_keys };
    TRY(named_items_find(call->operation, request, call->arena, &named, err));
    *ret_keys = (struct route_keys){ .keys = arena_calloc(call->arena, named.count + 1, sizeof *ret_keys->keys, err) };
    if (!ret_keys->keys)
        return err->code;
    for (size_t i = 0; i < named.count; i++)
        if (named.items[i].kind == NAMED_STATEMENT)
            TRY(add_statement(&finder, &named.items[i], err));
        else
            add(&finder, named.items[i].table_name, named.items[i].item);
    return LF_OK;
}

bool route_key_is_dynamodbs(const struct route_key *key)
{
    const struct table *table = key->table->table;
    return table && key->item ? table_key_is_dynamodbs(table, key->item) : route_table_is_dynamodbs(key->table);
}
