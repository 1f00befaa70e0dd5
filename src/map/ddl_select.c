#include "map/ddl_steps.h"

static void put_names(struct buf *buf, const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ddl_put_identifier(buf, columns[i].name);
        buf_put_cstr(buf, i + 1 < count ? ", " : "");
    }
}

void ddl_put_copy_in(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child)
{
    buf_put_cstr(buf, "COPY ");
    ddl_put_table(buf, map, child ? child->table : entity->table);
    buf_put_cstr(buf, " (");
    if (child) {
        ddl_put_columns(buf, entity, entity->primary_key, entity->primary_key_count);
        buf_put_cstr(buf, ", \"position\", ");
        put_names(buf, child->columns, child->column_count);
    } else {
        put_names(buf, entity->columns, entity->column_count);
        buf_put_cstr(buf, entity->column_count ? ", ddb_extra" : "ddb_extra");
    }
    buf_put_cstr(buf, ") FROM STDIN (FORMAT binary)");
}

/* The rows of a child as one array, in order, from its table or another source. `c` is the child's row, `t` its parent's. */
static void put_child_array(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child,
                            struct span source)
{
    buf_put_cstr(buf, "ARRAY(SELECT ROW(c.\"position\"");
    for (size_t i = 0; i < child->column_count; i++) {
        buf_put_cstr(buf, ", c.");
        ddl_put_identifier(buf, child->columns[i].name);
    }
    buf_put_cstr(buf, ") FROM ");
    if (source.len)
        buf_put_span(buf, source);
    else
        ddl_put_table(buf, map, child->table);
    buf_put_cstr(buf, " AS c WHERE ");
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        struct span name = entity->columns[entity->primary_key[i]].name;
        buf_put_cstr(buf, i ? " AND c." : "c.");
        ddl_put_identifier(buf, name);
        buf_put_cstr(buf, " = t.");
        ddl_put_identifier(buf, name);
    }
    buf_put_cstr(buf, " ORDER BY c.\"position\")");
}

static void put_field(struct buf *buf, const struct map *map, const struct entity *entity, size_t number, struct span source)
{
    if (number > entity->column_count) {
        put_child_array(buf, map, entity, &entity->children[number - entity->column_count - 1], source);
        return;
    }
    buf_put_cstr(buf, "t.");
    if (number < entity->column_count)
        ddl_put_identifier(buf, entity->columns[number].name);
    else
        buf_put_cstr(buf, "ddb_extra");
}

void ddl_put_field(struct buf *buf, const struct map *map, const struct entity *entity, size_t number)
{
    put_field(buf, map, entity, number, SPAN(""));
}

void ddl_put_fields(struct buf *buf, const struct map *map, const struct entity *entity)
{
    ddl_put_fields_with(buf, map, entity, NULL, SPAN(""));
}

void ddl_put_fields_with(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child,
                         struct span source)
{
    size_t plain = entity->column_count + 1;
    for (size_t i = 0; i < plain; i++) {
        buf_put_cstr(buf, i ? ", " : "");
        ddl_put_field(buf, map, entity, i);
    }
    for (size_t i = 0; i < entity->child_count; i++) {
        buf_put_cstr(buf, ",\n    ");
        put_field(buf, map, entity, plain + i, &entity->children[i] == child ? source : SPAN(""));
    }
}

void ddl_put_select(struct buf *buf, const struct map *map, const struct entity *entity, struct span where)
{
    buf_put_cstr(buf, "SELECT ");
    ddl_put_fields(buf, map, entity);
    buf_put_cstr(buf, "\nFROM ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS t");
    if (where.len) {
        buf_put_cstr(buf, "\nWHERE ");
        buf_put_span(buf, where);
    }
}
