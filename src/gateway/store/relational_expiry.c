#include "gateway/store/relational_expiry.h"

#include "gateway/store/item_columns.h"
#include "gateway/store/relational_pages.h"
#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_rows.h"
#include "gateway/worker.h"
#include "map/column_codec.h"
#include "map/ddl.h"

enum { EXACT_ITEMS_MAX = 1000, EXACT_BYTES_MAX = 8 * 1024 * 1024, MEASURE_ARENA_BYTES = 256 * 1024 * 1024 };

/* Expiry -----------------------------------------------------------------------------------------------------------------------
 */

static const struct column *ttl_column(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        const struct column *column = &entity->columns[i];
        if (column->source == COLUMN_FROM_ATTRIBUTE && span_equal(column->attr, attr) && column->codec->value == VALUE_N)
            return column;
    }
    return NULL;
}

static void put_seconds(struct binary_sql *sql, const struct relational_source *source, struct span attr)
{
    const struct column *column = source->entity ? ttl_column(source->entity, attr) : NULL;
    if (!source->entity) {
        binary_sql_put(sql, "landfall.item_text(t.item, ");
        ddl_put_literal(&sql->text, attr);
        binary_sql_put(sql, ", 'N')::numeric");
        return;
    }
    binary_sql_put(sql, "coalesce(");
    if (column) {
        binary_sql_put(sql, "(");
        ddl_put_column_text(&sql->text, column);
        binary_sql_put(sql, ")::numeric, ");
    }
    binary_sql_put(sql, "(t.ddb_extra->");
    ddl_put_literal(&sql->text, attr);
    binary_sql_put(sql, "->>'N')::numeric)");
}

static enum lf_code put_expired(struct binary_sql *sql, const struct table *table, const struct relational_source *source,
                                int64_t now_s, size_t items_max, struct err *err)
{
    binary_sql_put(sql, sql->text.len ? "\nUNION ALL (SELECT " RELATIONAL_VERSION : "(SELECT " RELATIONAL_VERSION);
    buf_put_span(&sql->text, source->columns);
    binary_sql_put(sql, " FROM ");
    buf_put_span(&sql->text, source->name);
    binary_sql_put(sql, " AS t WHERE ");
    TRY(relational_put_ours(sql, table, source, err));
    binary_sql_put(sql, " AND ");
    put_seconds(sql, source, table->ttl_attribute);
    binary_sql_put(sql, " <= ");
    binary_sql_int64(sql, now_s);
    binary_sql_put(sql, " LIMIT ");
    binary_sql_int64(sql, (int64_t)items_max);
    binary_sql_put(sql, ")");
    return LF_OK;
}

static enum lf_code keep_expired(const struct table *table, const struct pg_result *rows, int64_t now_s, size_t items_max,
                                 struct arena *arena, struct store_page *page, struct err *err)
{
    page->items = arena_calloc(arena, pg_result_rows(rows) + 1, sizeof *page->items, err);
    if (!page->items)
        return err->code;
    for (size_t i = 0; i < pg_result_rows(rows) && page->count < items_max; i++) {
        struct stored_item *item = &page->items[page->count];
        int64_t seconds = 0;
        TRY(relational_row_read_version(table, rows, i, 0, arena, item, err));
        page->count += item_ttl(table, &item->item, &seconds) && seconds <= now_s;
    }
    page->has_more = pg_result_rows(rows) >= items_max;
    return LF_OK;
}

enum lf_code relational_expired(struct worker *worker, const struct table *table, int64_t now_s, size_t items_max,
                                struct arena *arena, struct store_page *ret_page, struct err *err)
{
    const struct relational_table *state = relational_table_of(table);
    struct store_page page = { 0 };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    for (size_t i = 0; i < state->count; i++)
        if (relational_source_is_ours(table, &state->sources[i]))
            TRY(put_expired(&sql, table, &state->sources[i], now_s, items_max, err));
    TRY(db_run(worker->db, NULL, &sql, &rows, err));
    TRY(keep_expired(table, rows, now_s, items_max, arena, &page, err));
    *ret_page = page;
    return LF_OK;
}

/* Measures ---------------------------------------------------------------------------------------------------------------------
 */

/* Rows as VACUUM and ANALYZE last saw them. */
static enum lf_code estimate(struct worker *worker, const struct table *table, struct arena *arena, int64_t *ret_items,
                             struct err *err)
{
    const struct relational_table *state = relational_table_of(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct pg_field *names = arena_calloc(arena, state->count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < state->count; i++)
        names[i] = (struct pg_field){ state->sources[i].name.ptr, state->sources[i].name.len };
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "SELECT coalesce(sum(c.reltuples) FILTER (WHERE c.reltuples > 0), 0)::bigint + (SELECT count(*) FROM "
                         "landfall.item i WHERE i.table_name = ");
    binary_sql_span(&sql, table->name, "text");
    binary_sql_put(&sql, ") FROM unnest(");
    binary_sql_array(&sql, names, state->count - 1, 1, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ") AS n (name) JOIN pg_class c ON c.oid = to_regclass(n.name)");
    TRY(db_run(worker->db, NULL, &sql, &rows, err));
    struct pg_field field = pg_result_get(rows, 0, 0);
    return pg_read_int64(span_of(field.data, field.len), ret_items, err);
}

/* What is more than a page is estimated, and an index then to hold all items. */
static enum lf_code measure(struct worker *worker, const struct table *table, const struct table_index *index,
                            struct arena *arena, int64_t *ret_items, int64_t *ret_bytes, struct err *err)
{
    struct store_page page;
    const struct store_scan scan = { .index = index, .segments = 1, .items_max = EXACT_ITEMS_MAX, .bytes_max = EXACT_BYTES_MAX };
    TRY(relational_scan(worker, table, &scan, arena, &page, err));
    int64_t items = (int64_t)page.count, bytes = 0, estimated = 0;
    for (size_t i = 0; i < page.count; i++)
        bytes += page.items[i].size_bytes;
    if (page.has_more)
        TRY(estimate(worker, table, arena, &estimated, err));
    *ret_items = estimated > items ? estimated : items;
    *ret_bytes = estimated > items ? (int64_t)((double)bytes / (double)items * (double)estimated) : bytes;
    return LF_OK;
}

enum lf_code relational_measure(struct worker *worker, const struct table *table, const struct table_index *index,
                                int64_t *ret_items, int64_t *ret_bytes, struct err *err)
{
    struct arena arena;
    arena_init(&arena, MEASURE_ARENA_BYTES);
    enum lf_code code = measure(worker, table, index, &arena, ret_items, ret_bytes, err);
    arena_done(&arena);
    return code;
}
