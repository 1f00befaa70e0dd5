#include "map/column_codec.h"
#include "map/ddl_steps.h"
#include "map/naming.h"

/* Bytes of the name as ddl_put_identifier writes it. */
static size_t identifier_width(struct span name)
{
    if (!name_needs_quotes(name))
        return name.len;
    size_t width = name.len + 2;
    for (size_t i = 0; i < name.len; i++)
        width += name.ptr[i] == '"';
    return width;
}

static void widen(size_t *width, struct span name)
{
    size_t needed = identifier_width(name);
    if (needed > *width)
        *width = needed;
}

/* "    name      type", types below each other. */
static void put_definition(struct buf *buf, struct span name, size_t width, const char *type)
{
    buf_put_cstr(buf, "    ");
    ddl_put_identifier(buf, name);
    for (size_t written = identifier_width(name); written < width + 2; written++)
        buf_put_byte(buf, ' ');
    buf_put_cstr(buf, type);
}

static void put_column(struct buf *buf, const struct column *column, size_t width, bool is_keyed, bool is_not_null)
{
    bool has_collation = column->type == COLUMN_TEXT || column->type == COLUMN_TEXT_ARRAY;
    put_definition(buf, column->name, width, column_type_name(column->type));
    buf_put_cstr(buf, has_collation && is_keyed ? " COLLATE \"C\"" : "");
    buf_put_cstr(buf, is_not_null ? " NOT NULL" : "");
}

/* The first words are ours: an entity called "migrate:down" must not look like a line of dbmate's. */
static void put_title(struct buf *buf, const struct entity *entity)
{
    const struct span parts[] = { SPAN("Entity "), entity->name, SPAN(" of the DynamoDB table "), entity->dynamodb_table->name };
    buf_put_cstr(buf, "\n-- ");
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t i = 0; i < parts[p].len; i++)
            buf_put_byte(buf, (unsigned char)parts[p].ptr[i] < 0x20 ? ' ' : parts[p].ptr[i]);
    buf_put_byte(buf, '\n');
}

/* Citus takes the table's name as text. */
static void put_distribution(struct buf *buf, const struct map *map, const struct entity *entity, struct span table)
{
    if (entity->distribute_by.len == 0)
        return;
    struct buf name;
    buf_init(&name, buf->limit);
    ddl_put_table(&name, map, table);
    buf->failed |= name.failed;
    buf_put_cstr(buf, "SELECT create_distributed_table(");
    ddl_put_literal(buf, buf_span(&name));
    buf_put_cstr(buf, ", ");
    ddl_put_literal(buf, entity->distribute_by);
    buf_put_cstr(buf, ");\n");
    buf_done(&name);
}

static void put_entity_table(struct buf *buf, const struct map *map, const struct entity *entity)
{
    size_t width = sizeof "ddb_extra" - 1;
    for (size_t i = 0; i < entity->column_count; i++)
        widen(&width, entity->columns[i].name);
    put_title(buf, entity);
    buf_put_cstr(buf, "CREATE TABLE ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " (\n");
    for (size_t i = 0; i < entity->column_count; i++) {
        put_column(buf, &entity->columns[i], width, ddl_column_is_keyed(entity, (unsigned)i), entity->columns[i].not_null);
        buf_put_cstr(buf, ",\n");
    }
    put_definition(buf, SPAN("ddb_extra"), width, "jsonb\n);\n");
    put_distribution(buf, map, entity, entity->table);
}

static void put_child_table(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child)
{
    size_t width = sizeof "position" - 1;
    for (size_t i = 0; i < entity->primary_key_count; i++)
        widen(&width, entity->columns[entity->primary_key[i]].name);
    for (size_t i = 0; i < child->column_count; i++)
        widen(&width, child->columns[i].name);
    buf_put_cstr(buf, "\nCREATE TABLE ");
    ddl_put_table(buf, map, child->table);
    buf_put_cstr(buf, " (\n");
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        put_column(buf, &entity->columns[entity->primary_key[i]], width, true, true);
        buf_put_cstr(buf, ",\n");
    }
    put_definition(buf, SPAN("position"), width, "integer NOT NULL");
    for (size_t i = 0; i < child->column_count; i++) {
        buf_put_cstr(buf, ",\n");
        put_column(buf, &child->columns[i], width, child->columns[i].check_count, child->columns[i].not_null);
    }
    buf_put_cstr(buf, "\n);\n");
    put_distribution(buf, map, entity, child->table);
}

static void put_drop(struct buf *buf, const struct map *map, struct span table)
{
    buf_put_cstr(buf, "DROP TABLE ");
    ddl_put_table(buf, map, table);
    buf_put_cstr(buf, ";\n");
}

/* Newest first. */
static void put_drops(struct buf *buf, const struct map *map)
{
    for (size_t t = map->table_count; t-- > 0;)
        for (size_t e = map->tables[t].entity_count; e-- > 0;) {
            const struct entity *entity = &map->tables[t].entities[e];
            for (size_t c = entity->child_count; c-- > 0;)
                put_drop(buf, map, entity->children[c].table);
            put_drop(buf, map, entity->table);
        }
}

void ddl_put_tables(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    (void)plan;
    buf_put_cstr(buf, "-- migrate:up\n\nCREATE SCHEMA IF NOT EXISTS ");
    ddl_put_identifier(buf, map->schema);
    buf_put_cstr(buf, ";\n");
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            put_entity_table(buf, map, entity);
            for (size_t c = 0; c < entity->child_count; c++)
                put_child_table(buf, map, entity, &entity->children[c]);
        }
    buf_put_cstr(buf, "\n-- migrate:down\n\n");
    put_drops(buf, map);
    buf_put_cstr(buf, "-- The schema stays: it may have been there before.\n");
}
