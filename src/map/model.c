#include "map/model.h"

static const char *const type_names[COLUMN_TYPES] = {
    [COLUMN_TEXT] = "text",           [COLUMN_UUID] = "uuid",         [COLUMN_TIMESTAMPTZ] = "timestamptz",
    [COLUMN_DATE] = "date",           [COLUMN_BIGINT] = "bigint",     [COLUMN_INTEGER] = "integer",
    [COLUMN_NUMERIC] = "numeric",     [COLUMN_BOOLEAN] = "boolean",   [COLUMN_BYTEA] = "bytea",
    [COLUMN_JSONB] = "jsonb",         [COLUMN_TEXT_ARRAY] = "text[]", [COLUMN_NUMERIC_ARRAY] = "numeric[]",
    [COLUMN_BYTEA_ARRAY] = "bytea[]",
};

const char *column_type_name(enum column_type type)
{
    return type_names[type];
}

enum pg_oid column_type_oid(enum column_type type)
{
    static const enum pg_oid oids[COLUMN_TYPES] = {
        [COLUMN_TEXT] = PG_OID_TEXT,        [COLUMN_UUID] = PG_OID_UUID,       [COLUMN_TIMESTAMPTZ] = PG_OID_TIMESTAMPTZ,
        [COLUMN_DATE] = PG_OID_DATE,        [COLUMN_BIGINT] = PG_OID_INT8,     [COLUMN_INTEGER] = PG_OID_INT4,
        [COLUMN_NUMERIC] = PG_OID_NUMERIC,  [COLUMN_BOOLEAN] = PG_OID_BOOL,    [COLUMN_BYTEA] = PG_OID_BYTEA,
        [COLUMN_JSONB] = PG_OID_JSONB,      [COLUMN_TEXT_ARRAY] = PG_OID_TEXT, [COLUMN_NUMERIC_ARRAY] = PG_OID_TEXT,
        [COLUMN_BYTEA_ARRAY] = PG_OID_TEXT,
    };
    return oids[type];
}

bool column_type_from_name(struct span name, enum column_type *ret_type)
{
    for (unsigned type = 0; type < COLUMN_TYPES; type++)
        if (span_equal(name, span_from_cstr(type_names[type]))) {
            *ret_type = (enum column_type)type;
            return true;
        }
    return false;
}

const struct map_table *map_find_table(const struct map *map, struct span name)
{
    for (size_t i = 0; i < map->table_count; i++)
        if (span_equal(map->tables[i].name, name))
            return &map->tables[i];
    return NULL;
}

size_t map_table_find_index(const struct map_table *table, struct span name)
{
    size_t i = 0;
    while (i < table->index_count && !span_equal(table->indexes[i].name, name))
        i++;
    return i;
}

struct entity *map_find_entity(const struct map *map, struct span name)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            if (span_equal(map->tables[t].entities[e].name, name))
                return &map->tables[t].entities[e];
    return NULL;
}

size_t entity_find_column(const struct entity *entity, struct span name)
{
    size_t i = 0;
    while (i < entity->column_count && !span_equal(entity->columns[i].name, name))
        i++;
    return i;
}
