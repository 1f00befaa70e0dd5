#include "gateway/operations/request_tables.h"

#include "gateway/operations/request_table.h"

enum lf_code request_tables_init(struct request_tables *tables, size_t count, struct arena *arena, struct err *err)
{
    tables->count = 0;
    tables->tables = arena_calloc(arena, count + 1, sizeof(const struct table *), err);
    return tables->tables ? LF_OK : err->code;
}

void request_tables_done(struct request_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        table_unref(tables->tables[i]);
}

static const struct table *find(const struct request_tables *tables, struct span name_or_arn)
{
    struct span name;
    if (!shape_table_name(name_or_arn, &name))
        return NULL;
    for (size_t i = 0; i < tables->count; i++)
        if (span_equal(tables->tables[i]->name, name))
            return tables->tables[i];
    return NULL;
}

enum lf_code request_tables_get(struct request_tables *tables, struct call *call, struct span name, bool is_to_write,
                                const struct table **ret_table, struct err *err)
{
    const struct table *table = find(tables, name);
    if (!table) {
        TRY(is_to_write ? request_table_to_write(call, name, &table, err) : request_table(call, name, &table, err));
        tables->tables[tables->count++] = table;
    }
    *ret_table = table;
    return LF_OK;
}
