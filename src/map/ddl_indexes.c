#include "map/column_codec.h"
#include "map/ddl_steps.h"

/* coalesce(a, '') || ' ' || coalesce(b, '') */
static void put_search_text(struct buf *buf, const struct ddl_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        buf_put_cstr(buf, i ? " || ' ' || coalesce(" : "coalesce(");
        ddl_put_identifier(buf, index->entity->columns[index->columns[i]].name);
        buf_put_cstr(buf, ", '')");
    }
}

static void put_key_element(struct buf *buf, const struct ddl_index *index, struct span attr)
{
    struct ddl_key_part part = { 0 };
    (void)ddl_key_part_find(index->entity, attr, &part); /* it was found when the index was planned */
    const struct column *column = &index->entity->columns[part.column];
    bool holds = !part.match && (!part.template || (part.template->is_column && column->codec->value != VALUE_S));
    if (part.match)
        ddl_put_match(buf, part.match);
    else if (holds && part.is_native)
        ddl_put_identifier(buf, column->name);
    else if (holds)
        ddl_put_column_key(buf, column);
    else
        ddl_put_template(buf, index->entity, part.template);
}

/* A line for each expression. */
static void put_expressions(struct buf *buf, const struct ddl_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        buf_put_cstr(buf, "\n    ");
        ddl_put_identifier(buf, index->entity->columns[index->columns[i]].name);
        buf_put_byte(buf, ',');
    }
    buf_put_cstr(buf, "\n    ");
    put_key_element(buf, index, index->key->partition.name);
    if (key_schema_has_sort(index->key)) {
        buf_put_cstr(buf, ",\n    ");
        put_key_element(buf, index, index->key->sort.name);
    }
    buf_put_byte(buf, '\n');
}

static void put_primary_key(struct buf *buf, const struct map *map, const struct ddl_index *index)
{
    buf_put_cstr(buf, "ALTER TABLE ");
    ddl_put_table(buf, map, index->child ? index->child->table : index->entity->table);
    buf_put_cstr(buf, "\n    ADD CONSTRAINT ");
    ddl_put_identifier(buf, index->name);
    buf_put_cstr(buf, " PRIMARY KEY (");
    ddl_put_columns(buf, index->entity, index->columns, index->column_count);
    buf_put_cstr(buf, index->child ? ", \"position\");\n" : ");\n");
}

static void put_create_index(struct buf *buf, const struct map *map, const struct ddl_index *index)
{
    buf_put_cstr(buf, index->is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    ddl_put_identifier(buf, index->name);
    buf_put_cstr(buf, " ON ");
    ddl_put_table(buf, map, index->entity->table);
    if (index->kind == DDL_SEARCH) {
        buf_put_cstr(buf, " USING gin (\n    to_tsvector('english'::regconfig, ");
        put_search_text(buf, index);
        buf_put_cstr(buf, ")\n);\n");
        return;
    }
    buf_put_cstr(buf, " (");
    if (index->key)
        put_expressions(buf, index);
    else
        ddl_put_columns(buf, index->entity, index->columns, index->column_count);
    buf_put_cstr(buf, ");\n");
}

void ddl_put_index(struct buf *buf, const struct map *map, const struct ddl_index *index)
{
    if (index->kind == DDL_PRIMARY_KEY)
        put_primary_key(buf, map, index);
    else
        put_create_index(buf, map, index);
}

void ddl_put_drop_index(struct buf *buf, const struct map *map, const struct ddl_index *index)
{
    if (index->kind == DDL_PRIMARY_KEY) {
        buf_put_cstr(buf, "ALTER TABLE ");
        ddl_put_table(buf, map, index->child ? index->child->table : index->entity->table);
        buf_put_cstr(buf, " DROP CONSTRAINT ");
        ddl_put_identifier(buf, index->name);
    } else {
        buf_put_cstr(buf, "DROP INDEX ");
        ddl_put_table(buf, map, index->name);
    }
    buf_put_cstr(buf, ";\n");
}

void ddl_put_indexes(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    buf_put_cstr(buf, "-- migrate:up\n\n-- After the load, while nobody reads the tables yet: no CONCURRENTLY.\n");
    const struct entity *entity = NULL;
    for (size_t i = 0; i < plan->index_count; i++) {
        if (plan->indexes[i].entity != entity)
            buf_put_byte(buf, '\n');
        entity = plan->indexes[i].entity;
        ddl_put_index(buf, map, &plan->indexes[i]);
    }
    buf_put_cstr(buf, "\n-- migrate:down\n\n");
    for (size_t i = plan->index_count; i-- > 0;)
        ddl_put_drop_index(buf, map, &plan->indexes[i]);
}
