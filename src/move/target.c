#include "move/target.h"

#include "item/ddbjson.h"
#include "map/column_codec.h"
#include "map/ddl.h"
#include "map/row.h"
#include "move/control.h"
#include "move/copy_rows.h"
#include "pg/catalog.h"

enum {
    TARGET_ARENA_BYTES = 64 * 1024 * 1024, /* for one row, decoded */
    TARGET_SQL_BYTES = 1024 * 1024,
};

/* Adds the parts of one relation: at least one, the last without an end, so that pages added since are read too. */
static enum lf_code add_parts(struct target_parts *parts, size_t capacity, struct target_part of, uint64_t pages,
                              uint64_t pages_per_part, struct err *err)
{
    for (uint64_t first = 0; first == 0 || first < pages; first += pages_per_part) {
        if (parts->count == capacity)
            return ERR(err, LF_LIMIT, "more than %zu parts of the target", capacity);
        of.first_page = first;
        of.end_page = pages > first && pages - first > pages_per_part ? first + pages_per_part : UINT64_MAX;
        parts->items[parts->count++] = of;
    }
    return LF_OK;
}

static enum lf_code measure(struct pg_conn *conn, struct span schema, struct span name, struct arena *arena,
                            struct target_sizes *sizes, struct err *err)
{
    struct catalog_table table;
    TRY(catalog_read_table(conn, schema, name, arena, &table, err));
    if (!table.exists)
        return ERR(err, LF_PRECONDITION, "table %.*s.%.*s is not there; run `landfall migrate up`", SPAN_ARG(schema),
                   SPAN_ARG(name));
    sizes->pages[sizes->count] = table.pages;
    sizes->rows[sizes->count++] = table.row_estimate;
    return LF_OK;
}

static size_t entity_total(const struct map *map)
{
    size_t total = 0;
    for (size_t t = 0; t < map->table_count; t++)
        total += map->tables[t].entity_count;
    return total;
}

enum lf_code target_measure(struct pg_conn *conn, const struct map *map, struct arena *arena, struct target_sizes *ret_sizes,
                            struct err *err)
{
    TRY(control_check(conn, map, err));
    size_t total = entity_total(map) + 1;
    struct target_sizes sizes = { .pages = arena_calloc(arena, total, sizeof *sizes.pages, err) };
    sizes.rows = sizes.pages ? arena_calloc(arena, total, sizeof *sizes.rows, err) : NULL;
    if (!sizes.rows)
        return err->code;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            TRY(measure(conn, map->schema, map->tables[t].entities[e].table, arena, &sizes, err));
    TRY(measure(conn, SPAN("landfall"), SPAN("item"), arena, &sizes, err));
    *ret_sizes = sizes;
    return LF_OK;
}

static size_t part_total(const struct map *map, const struct target_sizes *sizes, uint64_t pages_per_part)
{
    size_t total = 0;
    for (size_t i = 0; i + 1 < sizes->count; i++)
        total += sizes->pages[i] / pages_per_part + 1;
    return total + map->table_count * (sizes->pages[sizes->count - 1] / pages_per_part + 1);
}

enum lf_code target_divide(const struct map *map, const struct target_sizes *sizes, uint64_t pages_per_part, struct arena *arena,
                           struct target_parts *ret_parts, struct err *err)
{
    size_t capacity = part_total(map, sizes, pages_per_part), unclaimed = sizes->count - 1;
    struct target_parts parts = { .items = arena_calloc(arena, capacity, sizeof *parts.items, err) };
    if (!parts.items)
        return err->code;
    for (size_t i = 0; i < sizes->count; i++)
        parts.row_estimate += sizes->rows[i];
    for (size_t t = 0, at = 0; t < map->table_count; t++) {
        const struct map_table *table = &map->tables[t];
        for (size_t e = 0; e < table->entity_count; e++, at++) {
            struct target_part part = { .table = table, .entity = &table->entities[e] };
            TRY(add_parts(&parts, capacity, part, sizes->pages[at], pages_per_part, err));
        }
        TRY(add_parts(&parts, capacity, (struct target_part){ .table = table }, sizes->pages[unclaimed], pages_per_part, err));
    }
    *ret_parts = parts;
    return LF_OK;
}

enum lf_code target_plan(struct pg_conn *conn, const struct map *map, uint64_t pages_per_part, struct arena *arena,
                         struct target_parts *ret_parts, struct err *err)
{
    struct target_sizes sizes;
    TRY(target_measure(conn, map, arena, &sizes, err));
    return target_divide(map, &sizes, pages_per_part, arena, ret_parts, err);
}

static void put_page_range(struct buf *sql, const struct target_part *part)
{
    buf_printf(sql, "ctid >= '(%llu,0)'::tid", (unsigned long long)part->first_page);
    if (part->end_page != UINT64_MAX)
        buf_printf(sql, " AND ctid < '(%llu,0)'::tid", (unsigned long long)part->end_page);
}

static void put_copy_out(struct buf *sql, const struct map *map, const struct target_part *part)
{
    struct buf where;
    buf_init(&where, TARGET_SQL_BYTES);
    put_page_range(&where, part);
    buf_put_cstr(sql, "COPY (");
    if (part->entity) {
        ddl_put_select(sql, map, part->entity, buf_span(&where));
    } else {
        buf_put_cstr(sql, "SELECT item, h, sk FROM landfall.item WHERE table_name = ");
        ddl_put_literal(sql, part->table->name);
        buf_put_cstr(sql, " AND ");
        buf_put_span(sql, buf_span(&where));
    }
    buf_put_cstr(sql, ") TO STDOUT (FORMAT binary)");
    sql->failed |= where.failed;
    buf_done(&where);
}

static enum lf_code decode_unclaimed(const struct pg_field *field, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    json_init(&reader, span_of(field->data, field->len), arena);
    TRY(ddbjson_read_item(&reader, ret_item, err));
    return json_end(&reader, err);
}

/* A column of the primary key as people write it. */
static void put_key_column(struct buf *buf, const struct column *column, struct pg_field field, struct arena *arena)
{
    struct value value;
    struct err ignored = ERR_INIT;
    buf_put_span(buf, column->name);
    buf_put_byte(buf, '=');
    if (!field.data || column->codec->to_item(field, arena, &value, &ignored) != LF_OK)
        buf_put_byte(buf, '?');
    else
        ddbjson_put_value(buf, &value);
}

/* Which row it was: its table and its primary key, or without one its DynamoDB table alone. */
static enum lf_code name_row(const struct entity *entity, const struct pg_field *fields, struct arena *arena, struct err *err)
{
    struct buf key;
    buf_init(&key, TARGET_SQL_BYTES);
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        unsigned column = entity->primary_key[i];
        buf_put_cstr(&key, i ? ", " : "");
        put_key_column(&key, &entity->columns[column], fields[column], arena);
    }
    enum lf_code code =
        err_while(err, "reading the row of table %.*s with %.*s", SPAN_ARG(entity->table), SPAN_ARG(buf_span(&key)));
    buf_done(&key);
    return code;
}

static enum lf_code decode(const struct target_part *part, const struct pg_field *fields, struct arena *arena,
                           struct item *ret_item, struct err *err)
{
    enum lf_code code = part->entity ? row_decode(part->entity, fields, arena, ret_item, err)
                                     : decode_unclaimed(&fields[0], arena, ret_item, err);
    if (code == LF_OK)
        return LF_OK;
    if (part->entity)
        return name_row(part->entity, fields, arena, err);
    return err_while(err, "reading an item of table %.*s in landfall.item", SPAN_ARG(part->table->name));
}

static enum lf_code read_rows(struct copy_rows *rows, const struct target_part *part, struct pg_field *fields, size_t field_count,
                              struct arena *arena, struct stage_clock *clock, target_visit *visit, void *context, struct err *err)
{
    for (;;) {
        bool end;
        struct item item;
        stage_item(clock, STAGE_RECEIVE);
        TRY(copy_rows_next(rows, fields, field_count, &end, err));
        if (end)
            return LF_OK;
        struct arena_mark mark = arena_mark(arena);
        stage_part(clock, STAGE_DECODE);
        enum lf_code code = decode(part, fields, arena, &item, err);
        stage_part(clock, STAGE_SUMS);
        if (code == LF_OK)
            code = visit(context, &(struct target_item){ .part = part, .item = &item, .fields = fields, .arena = arena }, err);
        if (code != LF_OK) {
            copy_rows_abort(rows);
            return code;
        }
        arena_rewind(arena, mark);
    }
}

static enum lf_code read_part(struct pg_conn *conn, const struct map *map, const struct target_part *part, struct buf *sql,
                              struct arena *arena, struct stage_clock *clock, target_visit *visit, void *context, struct err *err)
{
    size_t field_count = part->entity ? row_select_count(part->entity) : TARGET_ITEM_FIELDS;
    struct pg_field *fields = arena_calloc(arena, field_count, sizeof *fields, err);
    if (!fields)
        return err->code;
    put_copy_out(sql, map, part);
    TRY(buf_check(sql, err));
    struct copy_rows rows;
    (void)stage_enter(clock, STAGE_RECEIVE);
    TRY(copy_rows_begin(conn, buf_cstr(sql), &rows, err));
    (void)stage_enter(clock, STAGE_ITEMS);
    return read_rows(&rows, part, fields, field_count, arena, clock, visit, context, err);
}

enum lf_code target_read(struct pg_conn *conn, const struct map *map, const struct target_part *part, struct stage_clock *clock,
                         target_visit *visit, void *context, struct err *err)
{
    struct arena arena;
    struct buf sql;
    arena_init(&arena, TARGET_ARENA_BYTES);
    buf_init(&sql, TARGET_SQL_BYTES);
    enum lf_code code = read_part(conn, map, part, &sql, &arena, clock, visit, context, err);
    buf_done(&sql);
    arena_done(&arena);
    return code;
}
