#include "gateway/store/item_fill.h"

#include <stdio.h>

#include "gateway/store/item_columns.h"
#include "gateway/store/item_rows.h"
#include "gateway/store/item_table.h"
#include "gateway/store/row_arrays.h"
#include "gateway/worker.h"

enum {
    BATCH_ROWS = 500,
    EXACT_ROWS_MAX = 10000, /* up to which a table is counted */
    SQL_BYTES_MAX = 8 * 1024,
    NUMBER_BYTES = 24,
};

static enum lf_code run(struct db_transaction *transaction, struct buf *sql, const struct pg_params *params,
                        struct pg_result **ret_rows, struct err *err)
{
    const struct pg_statement *statement = NULL;
    TRY(buf_check(sql, err));
    TRY(db_statement(db_of(transaction), buf_span(sql), &statement, err));
    return db_tx_query(transaction, statement, params, ret_rows, err);
}

/* Filling ---------------------------------------------------------------------------------------------------------------------
 *
 *     landfall.*: position ─► the next rows behind it, locked ─► their columns, computed here ─► UPDATE, position moved on
 *
 * Whoever fills the same at the same time waits for the position's row, then goes on behind it.
 */

/* What is being filled: an index, or with NULL the time to live. */
struct fill {
    const struct table *table;
    const struct table_index *index;
};

static void put_position_select(struct buf *sql, const struct fill *fill)
{
    if (fill->index)
        buf_put_cstr(sql,
                     "SELECT position_h, position_sk FROM landfall.dynamodb_index WHERE table_id = $1::text::bigint AND name = "
                     "$2 AND status = 'CREATING' FOR UPDATE");
    else
        buf_put_cstr(sql,
                     "SELECT ttl_position_h, ttl_position_sk FROM landfall.dynamodb_table WHERE id = $1::text::bigint AND $2 = "
                     "'' AND ttl_is_filling FOR UPDATE");
}

static void put_position_update(struct buf *sql, const struct fill *fill)
{
    if (fill->index)
        buf_put_cstr(sql,
                     "UPDATE landfall.dynamodb_index SET position_h = $3, position_sk = $4 WHERE table_id = $1::text::bigint "
                     "AND name = $2");
    else
        buf_put_cstr(sql, "UPDATE landfall.dynamodb_table SET ttl_position_h = $3, ttl_position_sk = $4 WHERE id = "
                          "$1::text::bigint AND $2 = ''");
}

static enum lf_code run_position(struct db_transaction *transaction, const struct fill *fill,
                                 void (*put)(struct buf *sql, const struct fill *fill), struct item_place place, size_t count,
                                 struct pg_result **ret_rows, struct err *err)
{
    static const bool binary[] = { false, false, true, true };
    char id[NUMBER_BYTES];
    struct buf sql;
    struct span name = fill->index ? fill->index->name : SPAN("");
    int len = snprintf(id, sizeof id, "%lld", (long long)fill->table->id);
    struct pg_field values[] = {
        { id, (size_t)len }, { name.ptr, name.len }, { place.h.ptr, place.h.len }, { place.sk.ptr, place.sk.len }
    };
    buf_init(&sql, SQL_BYTES_MAX);
    put(&sql, fill);
    enum lf_code code =
        run(transaction, &sql, &(struct pg_params){ .values = values, .binary = binary, .count = count }, ret_rows, err);
    buf_done(&sql);
    return code;
}

/* The next rows in order of their places: h, sk, size, item. Without a position from the beginning. */
static enum lf_code lock_rows(struct db_transaction *transaction, const struct fill *fill, struct item_place behind,
                              struct pg_result **ret_rows, struct err *err)
{
    static const bool binary[] = { true, true };
    struct buf sql;
    struct pg_field values[] = { { behind.h.ptr, behind.h.len }, { behind.sk.ptr, behind.sk.len } };
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, "SELECT h, sk, item FROM %.*s%s ORDER BY h, sk LIMIT %d FOR NO KEY UPDATE",
               SPAN_ARG(item_statements_of(fill->table)->name), behind.h.ptr ? " WHERE (h, sk) > ($1::bytea, $2::bytea)" : "",
               BATCH_ROWS);
    struct pg_params params = { .values = values, .binary = binary, .count = behind.h.ptr ? 2 : 0 };
    enum lf_code code = run(transaction, &sql, &params, ret_rows, err);
    buf_done(&sql);
    return code;
}

static void put_update(struct buf *sql, const struct fill *fill)
{
    struct span name = item_statements_of(fill->table)->name;
    if (!fill->index)
        buf_printf(
            sql,
            "UPDATE %.*s AS t SET ttl = k.ttl FROM unnest($1::bytea[], $2::bytea[], $3::int8[]) AS k (h, sk, ttl) WHERE t.h "
            "= k.h AND t.sk = k.sk AND t.ttl IS DISTINCT FROM k.ttl",
            SPAN_ARG(name));
    else if (fill->index->is_local)
        buf_printf(
            sql,
            "UPDATE %.*s AS t SET l%us = k.s FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS k (h, sk, s) WHERE t.h = "
            "k.h AND t.sk = k.sk AND k.s IS NOT NULL",
            SPAN_ARG(name), fill->index->slot);
    else
        buf_printf(
            sql,
            "UPDATE %.*s AS t SET g%uh = k.gh, g%us = k.gs FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[]) "
            "AS k (h, sk, gs, gh) WHERE t.h = k.h AND t.sk = k.sk AND k.gh IS NOT NULL",
            SPAN_ARG(name), fill->index->slot, fill->index->slot);
}

static enum lf_code put_columns(const struct fill *fill, struct span json, struct arena *arena, struct row_arrays *arrays,
                                struct err *err)
{
    struct stored_item stored = { .is_present = true, .json = json };
    struct index_columns columns;
    struct item item;
    int64_t seconds = 0;
    TRY(stored_item_parse(&stored, arena, &item, err));
    if (!fill->index && item_ttl(fill->table, &item, &seconds))
        row_arrays_put_int64(arrays, seconds);
    else if (!fill->index)
        row_arrays_put_span(arrays, (struct span){ NULL, 0 });
    if (!fill->index)
        return LF_OK;
    TRY(index_columns(fill->index, &item, arena, &columns, err));
    row_arrays_put_span(arrays, columns.s);
    if (!fill->index->is_local)
        row_arrays_put_span(arrays, columns.h);
    return LF_OK;
}

static enum lf_code put_rows(const struct fill *fill, const struct pg_result *rows, struct arena *arena,
                             struct row_arrays *arrays, struct err *err)
{
    size_t count = pg_result_rows(rows);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
    row_arrays_add(arrays, fill->index ? PG_OID_BYTEA : PG_OID_INT8, count);
    if (fill->index && !fill->index->is_local)
        row_arrays_add(arrays, PG_OID_BYTEA, count);
    for (size_t i = 0; i < count; i++) {
        struct arena_mark mark = arena_mark(arena);
        row_arrays_put_span(arrays, pg_result_span(rows, i, 0));
        row_arrays_put_span(arrays, pg_result_span(rows, i, 1));
        TRY(put_columns(fill, pg_result_span(rows, i, 2), arena, arrays, err));
        arena_rewind(arena, mark);
    }
    return LF_OK;
}

static enum lf_code update_rows(struct db_transaction *transaction, const struct fill *fill, const struct pg_result *rows,
                                struct arena *arena, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    struct buf sql;
    PG_RESULT_CLEANUP struct pg_result *updated = NULL;
    buf_init(&sql, SQL_BYTES_MAX);
    put_update(&sql, fill);
    row_arrays_init(&arrays);
    enum lf_code code = put_rows(fill, rows, arena, &arrays, err);
    if (!code)
        code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = run(transaction, &sql, &params, &updated, err);
    row_arrays_done(&arrays);
    buf_done(&sql);
    return code;
}

static enum lf_code fill_rows(struct db_transaction *transaction, const struct fill *fill, struct arena *arena, bool *ret_done,
                              struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *position = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    PG_RESULT_CLEANUP struct pg_result *moved = NULL;
    TRY(run_position(transaction, fill, put_position_select, (struct item_place){ 0 }, 2, &position, err));
    *ret_done = true;
    if (!pg_result_rows(position))
        return LF_OK;
    struct item_place behind = { pg_result_span(position, 0, 0), pg_result_span(position, 0, 1) };
    TRY(lock_rows(transaction, fill, behind, &rows, err));
    size_t count = pg_result_rows(rows);
    if (!count)
        return LF_OK;
    TRY(update_rows(transaction, fill, rows, arena, err));
    *ret_done = count < BATCH_ROWS;
    struct item_place last = { pg_result_span(rows, count - 1, 0), pg_result_span(rows, count - 1, 1) };
    return run_position(transaction, fill, put_position_update, last, 4, &moved, err);
}

static enum lf_code fill_step(struct worker *worker, const struct fill *fill, struct arena *arena, bool *ret_done,
                              struct err *err)
{
    struct db_transaction *transaction = NULL;
    bool is_certain = true, is_done = false;
    TRY(db_begin(worker->db, &transaction, err));
    enum lf_code code = fill_rows(transaction, fill, arena, &is_done, err);
    if (code) {
        db_rollback(transaction);
        return code;
    }
    TRY(db_commit(transaction, &is_certain, err));
    *ret_done = is_done;
    return LF_OK;
}

enum lf_code item_fill_index(struct worker *worker, const struct table *table, const struct table_index *index,
                             struct arena *arena, bool *ret_done, struct err *err)
{
    struct fill fill = { .table = table, .index = index };
    return fill_step(worker, &fill, arena, ret_done, err);
}

enum lf_code item_fill_ttl(struct worker *worker, const struct table *table, struct arena *arena, bool *ret_done, struct err *err)
{
    struct fill fill = { .table = table };
    return fill_step(worker, &fill, arena, ret_done, err);
}

/* Expiry ----------------------------------------------------------------------------------------------------------------------
 */

/* Until everything is filled, the column may say what an attribute said that was the table's before: the item decides. */
static enum lf_code keep_expired(const struct table *table, int64_t now_s, struct store_page *page, struct arena *arena,
                                 struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < page->count; i++) {
        struct item item;
        int64_t seconds = 0;
        TRY(stored_item_parse(&page->items[i], arena, &item, err));
        if (item_ttl(table, &item, &seconds) && seconds <= now_s)
            page->items[kept++] = page->items[i];
    }
    page->count = kept;
    return LF_OK;
}

enum lf_code item_expired(struct worker *worker, const struct table *table, int64_t now_s, size_t items_max, struct arena *arena,
                          struct store_page *ret_page, struct err *err)
{
    char now[NUMBER_BYTES], limit[NUMBER_BYTES];
    const struct pg_statement *statement = NULL;
    struct store_page page = { 0 };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    int now_len = snprintf(now, sizeof now, "%lld", (long long)now_s);
    int limit_len = snprintf(limit, sizeof limit, "%zu", items_max);
    struct pg_field values[] = { { now, (size_t)now_len }, { limit, (size_t)limit_len } };
    TRY(db_statement(worker->db, item_statements_of(table)->expired, &statement, err));
    TRY(db_query(worker->db, statement, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    page.count = pg_result_rows(rows);
    page.items = arena_calloc(arena, page.count + 1, sizeof *page.items, err);
    if (!page.items)
        return err->code;
    for (size_t i = 0; i < page.count; i++)
        TRY(item_row_read(rows, i, 0, arena, &page.items[i], err));
    page.has_more = page.count == items_max;
    TRY(keep_expired(table, now_s, &page, arena, err));
    *ret_page = page;
    return LF_OK;
}

/* Measures --------------------------------------------------------------------------------------------------------------------
 */

static void put_count(struct buf *sql, const struct table *table, const struct table_index *index)
{
    buf_printf(sql, "SELECT count(*)::text, coalesce(sum(size), 0)::text FROM (SELECT size FROM %.*s",
               SPAN_ARG(item_statements_of(table)->name));
    if (index)
        buf_printf(sql, " WHERE %c%u%c IS NOT NULL", index->is_local ? 'l' : 'g', index->slot, index->is_local ? 's' : 'h');
    buf_printf(sql, " LIMIT %d) AS page", EXACT_ROWS_MAX);
}

static enum lf_code query(struct worker *worker, struct buf *sql, struct pg_result **ret_rows, struct err *err)
{
    const struct pg_statement *statement = NULL;
    enum lf_code code = buf_check(sql, err);
    if (!code)
        code = db_statement(worker->db, buf_span(sql), &statement, err);
    if (!code)
        code = db_query(worker->db, statement, &(struct pg_params){ 0 }, ret_rows, err);
    buf_done(sql);
    return code;
}

/* Rows as VACUUM and ANALYZE last saw them, for an index those of its own index; bytes by the mean of the ones counted. */
static enum lf_code estimate(struct worker *worker, const struct table *table, const struct table_index *index,
                             int64_t *ret_items, struct err *err)
{
    struct buf sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct span name = item_statements_of(table)->name;
    buf_init(&sql, SQL_BYTES_MAX);
    if (index)
        buf_printf(&sql, "SELECT reltuples::bigint::text FROM pg_class WHERE oid = to_regclass('dynamodb.\"%lld_%c%u\"')",
                   (long long)table->id, index->is_local ? 'l' : 'g', index->slot);
    else
        buf_printf(&sql, "SELECT reltuples::bigint::text FROM pg_class WHERE oid = to_regclass('%.*s')", SPAN_ARG(name));
    TRY(query(worker, &sql, &rows, err));
    *ret_items = pg_result_rows(rows) ? pg_result_int64(rows, 0, 0) : 0;
    return LF_OK;
}

enum lf_code item_measure(struct worker *worker, const struct table *table, const struct table_index *index, int64_t *ret_items,
                          int64_t *ret_bytes, struct err *err)
{
    struct buf sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    buf_init(&sql, SQL_BYTES_MAX);
    put_count(&sql, table, index);
    TRY(query(worker, &sql, &rows, err));
    int64_t items = pg_result_int64(rows, 0, 0), bytes = pg_result_int64(rows, 0, 1), estimated = 0;
    if (items == EXACT_ROWS_MAX)
        TRY(estimate(worker, table, index, &estimated, err));
    *ret_items = estimated > items ? estimated : items;
    *ret_bytes = estimated > items ? (int64_t)((double)bytes / (double)items * (double)estimated) : bytes;
    return LF_OK;
}
