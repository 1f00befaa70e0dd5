#include "gateway/store/item_pages.h"

#include <stdio.h>

#include "gateway/store/item_columns.h"
#include "gateway/store/item_rows.h"
#include "gateway/store/item_table.h"
#include "gateway/worker.h"

enum {
    SQL_BYTES_MAX = 8 * 1024,
    PARAMS_MAX = 12,
    ROWS_MIN = 100, /* asked for at once, unless Limit is less */
    ROWS_MAX = 100000,
    SIZE_GUESS = 400, /* bytes of an item, before any was seen */
    NUMBER_BYTES = 8,
    UNCUT_BYTES_MAX = 4 * 1024 * 1024,
};

/* A statement in the making: its text and its parameters, which are bytea except the last one or two, int8. */
struct page_query {
    struct buf sql;
    bool is_cut; /* PostgreSQL ends the page with the item that passes the limit of bytes */
    struct pg_field values[PARAMS_MAX];
    bool binary[PARAMS_MAX];
    size_t count;
    char limit[NUMBER_BYTES], bytes[NUMBER_BYTES];
};

/* Columns that order a table or an index: those of `order`, in this order, make each row's place unique. */
struct page_order {
    char columns[4][12];
    size_t count;
    char filter[40]; /* of partial indexes */
};

static struct page_order order_of(const struct table_index *index)
{
    struct page_order order = { .columns = { "h", "sk" }, .count = 2 };
    if (!index)
        return order;
    if (index->is_local) {
        order = (struct page_order){ .columns = { "h", "", "sk" }, .count = 3 };
        (void)snprintf(order.columns[1], sizeof order.columns[1], "l%us", index->slot);
        (void)snprintf(order.filter, sizeof order.filter, " AND l%us IS NOT NULL", index->slot);
        return order;
    }
    order = (struct page_order){ .columns = { "", "", "h", "sk" }, .count = 4 };
    (void)snprintf(order.columns[0], sizeof order.columns[0], "g%uh", index->slot);
    (void)snprintf(order.columns[1], sizeof order.columns[1], "g%us", index->slot);
    (void)snprintf(order.filter, sizeof order.filter, " AND g%uh IS NOT NULL", index->slot);
    return order;
}

/* Text -------------------------------------------------------------------------------------------------------------------------
 */

static void put_param(struct page_query *query, struct span bytes)
{
    query->values[query->count] = (struct pg_field){ bytes.ptr, bytes.len };
    query->binary[query->count++] = true;
    buf_printf(&query->sql, "$%zu::bytea", query->count);
}

static void put_columns(struct page_query *query, const struct page_order *order, size_t from, const char *direction)
{
    for (size_t i = from; i < order->count; i++)
        buf_printf(&query->sql, "%s%s%s", i > from ? ", " : "", order->columns[i], direction);
}

/* Rows behind the place of the start key: (h, sk) > ($3, $4), from column `from` on. */
static void put_behind(struct page_query *query, const struct page_order *order, size_t from, const struct span *place,
                       bool is_descending)
{
    buf_put_cstr(&query->sql, " AND (");
    put_columns(query, order, from, "");
    buf_printf(&query->sql, ") %c (", is_descending ? '<' : '>');
    for (size_t i = from; i < order->count; i++) {
        buf_put_cstr(&query->sql, i > from ? ", " : "");
        put_param(query, place[i]);
    }
    buf_put_byte(&query->sql, ')');
}

/* Adding up the sizes costs as much as reading the rows, so it is left out where rows of the largest size seen would do no harm.
 */
static void begin(struct page_query *query, const struct table *table, size_t rows)
{
    uint64_t size_max = atomic_load(&item_usage_of(table)->size_bytes_max);
    query->is_cut = !size_max || rows * size_max > UNCUT_BYTES_MAX;
    query->count = 0;
    buf_init(&query->sql, SQL_BYTES_MAX);
    buf_put_cstr(&query->sql, "SELECT xmin, size, item FROM ");
    if (query->is_cut)
        buf_put_cstr(&query->sql, "(SELECT xmin, size, item, sum(size) OVER running - size AS bytes_before FROM ");
    buf_put_span(&query->sql, item_statements_of(table)->name);
    buf_put_cstr(&query->sql, " WHERE ");
}

static void put_int64(struct page_query *query, int64_t value, char bytes[NUMBER_BYTES])
{
    struct buf out;
    buf_init(&out, NUMBER_BYTES);
    pg_put_int64(&out, value);
    if (!out.failed)
        memcpy(bytes, out.data, NUMBER_BYTES);
    else
        query->sql.failed = true;
    buf_done(&out);
    query->values[query->count] = (struct pg_field){ bytes, NUMBER_BYTES };
    query->binary[query->count++] = true;
    buf_printf(&query->sql, "$%zu::int8", query->count);
}

static void end(struct page_query *query, const struct page_order *order, bool is_descending, size_t rows, size_t bytes_max)
{
    const char *direction = is_descending ? " DESC" : "";
    buf_put_cstr(&query->sql, order->filter);
    if (query->is_cut) {
        buf_put_cstr(&query->sql, " WINDOW running AS (ORDER BY ");
        put_columns(query, order, 0, direction);
        buf_put_cstr(&query->sql, " ROWS UNBOUNDED PRECEDING)");
    }
    buf_put_cstr(&query->sql, " ORDER BY ");
    put_columns(query, order, 0, direction);
    buf_put_cstr(&query->sql, " LIMIT ");
    put_int64(query, (int64_t)rows, query->limit);
    if (query->is_cut) {
        buf_put_cstr(&query->sql, ") AS page WHERE bytes_before < ");
        put_int64(query, (int64_t)bytes_max, query->bytes);
    }
}

/* Pages ------------------------------------------------------------------------------------------------------------------------
 */

/* The place of an item that was returned last, or of an ExclusiveStartKey, which has the same attributes. */
static enum lf_code place_of(const struct table *table, const struct table_index *index, const struct item *item,
                             struct arena *arena, struct span place[4], struct err *err)
{
    struct key key;
    struct item_place main;
    struct index_columns columns = { 0 };
    TRY(key_of_item(&table->key, item, arena, &key, err));
    TRY(item_place(&key, arena, &main, err));
    if (!index) {
        place[0] = main.h;
        place[1] = main.sk;
        return LF_OK;
    }
    TRY(index_columns(index, item, arena, &columns, err));
    place[0] = index->is_local ? main.h : columns.h;
    place[1] = columns.s;
    place[2] = index->is_local ? main.sk : main.h;
    place[3] = main.sk;
    return LF_OK;
}

static size_t rows_to_ask(const struct table *table, size_t items_left, size_t bytes_left)
{
    uint32_t mean = atomic_load(&item_usage_of(table)->size_bytes_mean);
    size_t rows = bytes_left / (mean ? mean : SIZE_GUESS);
    rows += rows / 8 + 1;
    rows = rows < ROWS_MIN ? ROWS_MIN : rows;
    rows = rows > ROWS_MAX ? ROWS_MAX : rows;
    return items_left && items_left < rows ? items_left : rows;
}

static void learn(const struct table *table, const struct store_page *page, size_t bytes)
{
    struct item_usage *usage = item_usage_of(table);
    uint32_t max = atomic_load(&usage->size_bytes_max);
    if (page->count)
        atomic_store(&usage->size_bytes_mean, (uint32_t)(bytes / page->count));
    for (size_t i = 0; i < page->count; i++)
        max = page->items[i].size_bytes > max ? page->items[i].size_bytes : max;
    atomic_store(&usage->size_bytes_max, max);
}

static enum lf_code run(struct worker *worker, struct page_query *query, struct pg_result **ret_rows, struct err *err)
{
    const struct pg_statement *statement = NULL;
    struct pg_params params = { .values = query->values, .binary = query->binary, .count = query->count };
    enum lf_code code = buf_check(&query->sql, err);
    if (!code)
        code = db_statement(worker->db, buf_span(&query->sql), &statement, err);
    buf_done(&query->sql);
    TRY(code);
    return db_query(worker->db, statement, &params, ret_rows, err);
}

/* Up to the item that passes the limit. */
static enum lf_code append(struct store_page *page, const struct pg_result *rows, size_t bytes_max, struct arena *arena,
                           size_t *bytes, struct err *err)
{
    size_t count = pg_result_rows(rows);
    struct stored_item *items = arena_calloc(arena, page->count + count + 1, sizeof *items, err);
    if (!items)
        return err->code;
    if (page->count)
        memcpy(items, page->items, page->count * sizeof *items);
    page->items = items;
    for (size_t i = 0; i < count && *bytes < bytes_max; i++) {
        TRY(item_row_read(rows, i, 0, arena, &items[page->count], err));
        *bytes += items[page->count++].size_bytes;
    }
    return LF_OK;
}

/* What a page looks for: made anew for each statement, since the place where it begins moves on. */
typedef enum lf_code page_make(const void *what, const struct table *table, const struct span *behind, struct page_query *query,
                               struct arena *arena, struct err *err);

struct page_job {
    const struct table_index *index;
    const struct item *start;
    bool is_descending;
    size_t items_max, bytes_max;
    page_make *make;
    const void *what;
};

static enum lf_code more(struct worker *worker, const struct table *table, const struct page_job *job, const struct item *start,
                         struct store_page *page, size_t *bytes, bool *ret_is_full, struct arena *arena, struct err *err)
{
    struct page_query query;
    struct span place[4];
    struct page_order order = order_of(job->index);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    size_t asked = rows_to_ask(table, job->items_max ? job->items_max - page->count : 0, job->bytes_max - *bytes);
    if (start)
        TRY(place_of(table, job->index, start, arena, place, err));
    begin(&query, table, asked);
    enum lf_code code = job->make(job->what, table, start ? place : NULL, &query, arena, err);
    if (code) {
        buf_done(&query.sql);
        return code;
    }
    end(&query, &order, job->is_descending, asked, job->bytes_max - *bytes);
    TRY(run(worker, &query, &rows, err));
    TRY(append(page, rows, job->bytes_max, arena, bytes, err));
    *ret_is_full = pg_result_rows(rows) < asked || *bytes >= job->bytes_max || (job->items_max && page->count >= job->items_max);
    return LF_OK;
}

static enum lf_code read_page(struct worker *worker, const struct table *table, const struct page_job *job, struct arena *arena,
                              struct store_page *ret_page, struct err *err)
{
    struct store_page page = { 0 };
    struct item last;
    size_t bytes = 0;
    bool is_full = false;
    TRY(more(worker, table, job, job->start, &page, &bytes, &is_full, arena, err));
    while (!is_full) {
        TRY(stored_item_parse(&page.items[page.count - 1], arena, &last, err));
        TRY(more(worker, table, job, &last, &page, &bytes, &is_full, arena, err));
    }
    learn(table, &page, bytes);
    page.has_more = bytes >= job->bytes_max || (job->items_max && page.count >= job->items_max);
    *ret_page = page;
    return LF_OK;
}

/* Query ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_partition(struct page_query *query, const struct table *table, const struct store_range *range,
                                  struct arena *arena, struct err *err)
{
    const struct table_index *index = range->index;
    struct span bytes, hash;
    if (index && !index->is_local)
        TRY(item_key_bytes(index->partition, index->partition_count, &range->partition, arena, &bytes, err));
    else
        TRY(item_key_bytes(&table->key.partition, 1, &range->partition, arena, &bytes, err));
    TRY(place_hash(bytes, arena, &hash, err));
    put_param(query, hash);
    return LF_OK;
}

static void put_bound(struct page_query *query, const char *column, char side, const struct store_bound *bound)
{
    if (!bound->bytes.ptr)
        return;
    buf_printf(&query->sql, " AND %s %c%s ", column, side, bound->is_inclusive ? "=" : "");
    put_param(query, bound->bytes);
}

static enum lf_code make_query(const void *what, const struct table *table, const struct span *behind, struct page_query *query,
                               struct arena *arena, struct err *err)
{
    const struct store_range *range = what;
    struct page_order order = order_of(range->index);
    buf_printf(&query->sql, "%s = ", order.columns[0]);
    TRY(put_partition(query, table, range, arena, err));
    put_bound(query, order.columns[1], '>', &range->from);
    put_bound(query, order.columns[1], '<', &range->to);
    if (behind)
        put_behind(query, &order, 1, behind, range->is_descending);
    return LF_OK;
}

enum lf_code item_query(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                        struct store_page *ret_page, struct err *err)
{
    struct page_job job = {
        .index = range->index,
        .start = range->start,
        .is_descending = range->is_descending,
        .items_max = range->items_max,
        .bytes_max = range->bytes_max,
        .make = make_query,
        .what = range,
    };
    return read_page(worker, table, &job, arena, ret_page, err);
}

/* Scan -------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code make_scan(const void *what, const struct table *table, const struct span *behind, struct page_query *query,
                              struct arena *arena, struct err *err)
{
    const struct store_scan *scan = what;
    struct page_order order = order_of(scan->index);
    struct span from, to;
    (void)table;
    TRY(place_segment(scan->segment, scan->segments, arena, &from, &to, err));
    buf_printf(&query->sql, "%s >= ", order.columns[0]);
    put_param(query, from);
    if (to.len) {
        buf_printf(&query->sql, " AND %s < ", order.columns[0]);
        put_param(query, to);
    }
    if (behind)
        put_behind(query, &order, 0, behind, false);
    return LF_OK;
}

enum lf_code item_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                       struct store_page *ret_page, struct err *err)
{
    struct page_job job = {
        .index = scan->index,
        .start = scan->start,
        .items_max = scan->items_max,
        .bytes_max = scan->bytes_max,
        .make = make_scan,
        .what = scan,
    };
    return read_page(worker, table, &job, arena, ret_page, err);
}
