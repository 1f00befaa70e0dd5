#include "gateway/route_tables.h"

#include "expression/partiql.h"
#include "gateway/named_items.h"
#include "gateway/stream/stream.h"

static struct route_table *find(const struct route_tables *tables, struct span name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (span_equal(tables->tables[i].name, name))
            return &tables->tables[i];
    return NULL;
}

/* There is room for as many as the request has places for names. */
static void add_to(struct route_tables *tables, struct span name_or_arn, bool is_written, struct catalog *catalog)
{
    struct span name;
    if (!shape_table_name(name_or_arn, &name))
        return;
    struct route_table *table = find(tables, name);
    if (!table) {
        table = &tables->tables[tables->count++];
        *table = (struct route_table){ .name = name, .table = catalog_find(catalog, name) };
    }
    table->is_written |= is_written;
}

static void add(const struct call *call, struct route_tables *tables, struct span name_or_arn)
{
    add_to(tables, name_or_arn, call->operation->grant == GRANT_WRITE, call->worker->catalog);
}

static enum lf_code make_room(struct route_tables *tables, size_t room, struct arena *arena, struct err *err)
{
    tables->tables = arena_calloc(arena, room + 1, sizeof *tables->tables, err);
    return tables->tables ? LF_OK : err->code;
}

/* Where requests name their tables --------------------------------------------------------------------------------------------
 */

static enum lf_code add_map(const struct call *call, const void *member, struct route_tables *tables, struct err *err)
{
    const struct api_string_map *map = member; /* maps by table: their entries begin with the name */
    const char *entry = (const char *)map->entries;
    TRY(make_room(tables, map->count, call->arena, err));
    for (size_t i = 0; i < map->count; i++, entry += call->operation->table_member->shape->entry_size)
        add(call, tables, *(const struct span *)(const void *)entry);
    return LF_OK;
}

static void add_statement(const struct call *call, const struct named_item *named, struct route_tables *tables)
{
    struct partiql_statement statement;
    struct err ignored = ERR_INIT; /* the operation says what is wrong */
    if (!partiql_parse(named->statement, named->parameters->values, named->parameters->count, call->arena, &statement, &ignored))
        add_to(tables, statement.table, statement.verb != PARTIQL_SELECT, call->worker->catalog);
}

static enum lf_code add_named(const struct call *call, const void *request, struct route_tables *tables, struct err *err)
{
    struct named_items named;
    TRY(named_items_find(call->operation, request, call->arena, &named, err));
    TRY(make_room(tables, named.count, call->arena, err));
    for (size_t i = 0; i < named.count; i++)
        if (named.items[i].kind == NAMED_STATEMENT)
            add_statement(call, &named.items[i], tables);
        else
            add(call, tables, named.items[i].table_name);
    return LF_OK;
}

/* Ours hold the table's name in their own way; DynamoDB's have in them the ARN of the stream. */
static enum lf_code add_iterator(const struct call *call, struct span text, struct route_tables *tables, struct err *err)
{
    struct stream_iterator iterator;
    struct err ignored = ERR_INIT;
    struct span mark = SPAN(":table/"), rest = span_from(text, span_find(text, mark) + mark.len);
    TRY(make_room(tables, 1, call->arena, err));
    if (stream_iterator_read(text, call->arena, &iterator, &ignored))
        add(call, tables, span_of(rest.ptr, span_find_byte(rest, '/')));
    else
        add(call, tables, iterator.table_name);
    return LF_OK;
}

enum lf_code route_tables_find(const struct call *call, const void *request, struct route_tables *tables, struct err *err)
{
    const struct operation_info *info = call->operation;
    const void *member = info->table_member ? (const char *)request + info->table_member->offset : NULL;
    *tables = (struct route_tables){ 0 };
    switch (info->table) {
    case TABLE_IN_NONE:
        return LF_OK;
    case TABLE_IN_NAME:
    case TABLE_IN_ARN:
        TRY(make_room(tables, 1, call->arena, err));
        add(call, tables, *(const struct span *)member);
        return LF_OK;
    case TABLE_IN_REQUEST_ITEMS:
        return add_map(call, member, tables, err);
    case TABLE_IN_TRANSACT_ITEMS:
    case TABLE_IN_STATEMENT:
        return add_named(call, request, tables, err);
    case TABLE_IN_ITERATOR:
        return add_iterator(call, *(const struct span *)member, tables, err);
    }
    return LF_OK;
}

void route_tables_done(struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        table_unref(tables->tables[i].table);
    tables->count = 0;
}

/* What they say -----------------------------------------------------------------------------------------------------------------
 */

bool route_table_is_dynamodbs(const struct route_table *table)
{
    return !table->table || table_is_dynamodbs(table->table);
}

enum route_authority route_tables_authority(const struct route_tables *tables)
{
    size_t theirs = 0;
    for (size_t i = 0; i < tables->count; i++)
        theirs += route_table_is_dynamodbs(&tables->tables[i]);
    if (!tables->count)
        return ROUTE_NOBODY;
    return theirs == 0 ? ROUTE_POSTGRES : theirs == tables->count ? ROUTE_DYNAMODB : ROUTE_BOTH;
}

const struct route_table *route_tables_get(const struct route_tables *tables, struct span name_or_arn)
{
    struct span name;
    return shape_table_name(name_or_arn, &name) ? find(tables, name) : NULL;
}
