#include "move/load_plan.h"

#include "map/ddl.h"
#include "move/control.h"
#include "move/item_row.h"
#include "pg/catalog.h"

enum { SQL_BYTES_MAX = 1024 * 1024, CATALOG_BYTES_MAX = 64 * 1024 * 1024 };

static const char reject_copy[] = "COPY landfall.reject (load_id, file, line, reason, content) FROM STDIN (FORMAT binary)";

/* Making ------------------------------------------------------------------------------------------------------------------- */

static bool key_attribute_equal(const struct key_attribute *a, const struct key_attribute *b)
{
    return span_equal(a->name, b->name) && (!a->name.ptr || a->type == b->type);
}

static enum lf_code find_table(const struct map *map, const struct map_table *source, const struct map_table **ret_table,
                               struct err *err)
{
    const struct map_table *table = map_find_table(map, source->name);
    if (!table)
        return ERR(err, LF_MAP, "the map has no table %.*s, which the source has", SPAN_ARG(source->name));
    if (!key_attribute_equal(&table->key.partition, &source->key.partition) ||
        !key_attribute_equal(&table->key.sort, &source->key.sort))
        return ERR(err, LF_MAP, "line %u of the map: table %.*s has another key in the source", table->line,
                   SPAN_ARG(table->name));
    *ret_table = table;
    return LF_OK;
}

static size_t count_targets(const struct map_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->entity_count; i++)
        count += 1 + table->entities[i].child_count;
    return count;
}

typedef void put_sql(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child);

static void put_table_name(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child)
{
    ddl_put_table(buf, map, child ? child->table : entity->table);
}

static enum lf_code sql_text(put_sql *put, const struct map *map, const struct entity *entity, const struct child *child,
                             struct arena *arena, struct span *ret_text, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    put(&sql, map, entity, child);
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&sql), ret_text, err);
    buf_done(&sql);
    return code;
}

static enum lf_code add_target(struct load_plan *plan, const struct entity *entity, const struct child *child,
                               struct arena *arena, struct err *err)
{
    struct span copy;
    struct load_target *target = &plan->targets[plan->target_count];
    target->schema = plan->map->schema;
    target->table = child ? child->table : entity->table;
    TRY(sql_text(put_table_name, plan->map, entity, child, arena, &target->qualified, err));
    TRY(sql_text(ddl_put_copy_in, plan->map, entity, child, arena, &copy, err));
    target->copy = copy.ptr;
    plan->target_count++;
    return LF_OK;
}

static size_t add_own_target(struct load_plan *plan, struct span table, struct span qualified, const char *copy)
{
    plan->targets[plan->target_count] = (struct load_target){ SPAN("landfall"), table, qualified, copy };
    return plan->target_count++;
}

static enum lf_code add_table(struct load_plan *plan, struct load_table *load, struct arena *arena, struct err *err)
{
    load->targets = arena_calloc(arena, load->table->entity_count, sizeof *load->targets, err);
    if (!load->targets)
        return err->code;
    for (size_t i = 0; i < load->table->entity_count; i++) {
        const struct entity *entity = &load->table->entities[i];
        load->targets[i] = plan->target_count;
        TRY(add_target(plan, entity, NULL, arena, err));
        for (size_t c = 0; c < entity->child_count; c++)
            TRY(add_target(plan, entity, &entity->children[c], arena, err));
    }
    return LF_OK;
}

enum lf_code load_plan_make(const struct map *map, const struct source *source, struct arena *arena, struct load_plan *ret_plan,
                            struct err *err)
{
    struct load_plan plan = { .map = map, .table_count = source->table_count };
    size_t targets = 2;
    plan.tables = arena_calloc(arena, source->table_count, sizeof *plan.tables, err);
    if (!plan.tables)
        return err->code;
    for (size_t i = 0; i < source->table_count; i++) {
        TRY(find_table(map, &source->tables[i], &plan.tables[i].table, err));
        targets += count_targets(plan.tables[i].table);
    }
    plan.targets = arena_calloc(arena, targets, sizeof *plan.targets, err);
    if (!plan.targets)
        return err->code;
    for (size_t i = 0; i < source->table_count; i++)
        TRY(add_table(&plan, &plan.tables[i], arena, err));
    plan.item = add_own_target(&plan, SPAN("item"), SPAN("landfall.item"), ITEM_ROW_COPY);
    plan.reject = add_own_target(&plan, SPAN("reject"), SPAN("landfall.reject"), reject_copy);
    *ret_plan = plan;
    return LF_OK;
}

/* Checking ----------------------------------------------------------------------------------------------------------------- */

/* Types as format_type names them: binary COPY takes no other, not even one that SQL would convert. */
static const char *const catalog_type_names[COLUMN_TYPES] = {
    [COLUMN_TEXT] = "text",           [COLUMN_UUID] = "uuid",         [COLUMN_TIMESTAMPTZ] = "timestamp with time zone",
    [COLUMN_DATE] = "date",           [COLUMN_BIGINT] = "bigint",     [COLUMN_INTEGER] = "integer",
    [COLUMN_NUMERIC] = "numeric",     [COLUMN_BOOLEAN] = "boolean",   [COLUMN_BYTEA] = "bytea",
    [COLUMN_JSONB] = "jsonb",         [COLUMN_TEXT_ARRAY] = "text[]", [COLUMN_NUMERIC_ARRAY] = "numeric[]",
    [COLUMN_BYTEA_ARRAY] = "bytea[]",
};

static enum lf_code check_column(const struct load_target *target, const struct catalog_table *table, const struct column *column,
                                 struct err *err)
{
    const struct catalog_column *found = catalog_find_column(table, column->name);
    const char *want = catalog_type_names[column->type];
    if (!found)
        return ERR(err, LF_MAP, "line %u of the map: table %.*s has no column %.*s", column->line, SPAN_ARG(target->qualified),
                   SPAN_ARG(column->name));
    if (!span_equal(found->type, span_from_cstr(want)))
        return ERR(err, LF_MAP, "line %u of the map: column %.*s of table %.*s is %.*s, not %s", column->line,
                   SPAN_ARG(column->name), SPAN_ARG(target->qualified), SPAN_ARG(found->type), want);
    if (found->generated)
        return ERR(err, LF_MAP, "line %u of the map: column %.*s of table %.*s is generated and cannot be loaded", column->line,
                   SPAN_ARG(column->name), SPAN_ARG(target->qualified));
    return LF_OK;
}

static enum lf_code read_target(const struct load_target *target, struct pg_conn *conn, struct arena *arena,
                                struct catalog_table *ret_table, struct err *err)
{
    TRY(catalog_read_table(conn, target->schema, target->table, arena, ret_table, err));
    if (!ret_table->exists)
        return ERR(err, LF_PRECONDITION, "table %.*s is not there; run `landfall migrate up` first", SPAN_ARG(target->qualified));
    return LF_OK;
}

static enum lf_code check_columns(const struct load_target *target, const struct column *columns, size_t count, bool has_extra,
                                  struct pg_conn *conn, struct arena *arena, struct err *err)
{
    struct catalog_table table;
    TRY(read_target(target, conn, arena, &table, err));
    for (size_t i = 0; i < count; i++)
        TRY(check_column(target, &table, &columns[i], err));
    if (has_extra && !catalog_find_column(&table, SPAN("ddb_extra")))
        return ERR(err, LF_PRECONDITION, "table %.*s has no column ddb_extra: the contract migration was applied",
                   SPAN_ARG(target->qualified));
    return LF_OK;
}

static enum lf_code check_table(const struct load_plan *plan, const struct load_table *load, struct pg_conn *conn,
                                struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < load->table->entity_count; i++) {
        const struct entity *entity = &load->table->entities[i];
        const struct load_target *target = &plan->targets[load->targets[i]];
        TRY(check_columns(target, entity->columns, entity->column_count, true, conn, arena, err));
        for (size_t c = 0; c < entity->child_count; c++) {
            const struct child *child = &entity->children[c];
            TRY(check_columns(target + 1 + c, child->columns, child->column_count, false, conn, arena, err));
        }
    }
    return LF_OK;
}

static enum lf_code check_all(const struct load_plan *plan, struct pg_conn *conn, struct arena *arena, struct err *err)
{
    TRY(control_check(conn, plan->map, err));
    for (size_t i = 0; i < plan->table_count; i++)
        TRY(check_table(plan, &plan->tables[i], conn, arena, err));
    return LF_OK;
}

enum lf_code load_plan_check(const struct load_plan *plan, struct pg_conn *conn, struct err *err)
{
    struct arena arena;
    arena_init(&arena, CATALOG_BYTES_MAX);
    enum lf_code code = check_all(plan, conn, &arena, err);
    arena_done(&arena);
    return code;
}

static enum lf_code not_empty(struct span table, struct err *err)
{
    return ERR(err, LF_PRECONDITION, "%.*s already holds rows, and no load of this source is on record", SPAN_ARG(table));
}

static enum lf_code check_no_items(struct span table, struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field name = { table.ptr, table.len };
    TRY(pg_query(conn, "SELECT FROM landfall.item WHERE table_name = $1 LIMIT 1",
                 &(struct pg_params){ .values = &name, .count = 1 }, &result, err));
    return pg_result_rows(result) ? not_empty(SPAN("landfall.item"), err) : LF_OK;
}

enum lf_code load_plan_check_empty(const struct load_plan *plan, struct pg_conn *conn, struct err *err)
{
    for (size_t i = 0; i < plan->item; i++) {
        const struct load_target *target = &plan->targets[i];
        bool has_rows = false;
        TRY(catalog_has_rows(conn, target->schema, target->table, &has_rows, err));
        if (has_rows)
            return not_empty(target->qualified, err);
    }
    for (size_t i = 0; i < plan->table_count; i++)
        TRY(check_no_items(plan->tables[i].table->name, conn, err));
    return LF_OK;
}
