#include "gateway/store/relational_pages.h"

#include <stdlib.h>

#include "gateway/store/item_columns.h"
#include "gateway/store/relational_order.h"
#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_rows.h"
#include "gateway/worker.h"

enum {
    ROWS_MIN = 32, /* asked of each source at once, unless Limit is less */
    ROWS_MAX = 100000,
    SIZE_GUESS = 400, /* bytes of an item, before any was seen */
};

struct page_job;

/* A row and its place in the order. */
struct found {
    const struct page_job *job;
    struct stored_item item;
    struct span place[ORDER_ATTRIBUTES_MAX];
    bool is_wanted;
};

struct page_job {
    struct worker *worker;
    const struct table *table;
    struct arena *arena;
    struct page_order order;
    const struct store_range *range; /* NULL: a Scan */
    const struct store_scan *scan;
    struct span partition;                /* of a Query */
    struct span segment_from, segment_to; /* of a Scan; empty: no bound */
    size_t items_max, bytes_max;
    bool has_start;
    struct span start[ORDER_ATTRIBUTES_MAX];
    size_t bytes;    /* of the page so far */
    size_t patience; /* how many times more rows are asked for */
};

/* Places -----------------------------------------------------------------------------------------------------------------------
 */

/* False when the item is not in the index. */
static enum lf_code place_of(const struct page_job *job, const struct item *item, struct span place[ORDER_ATTRIBUTES_MAX],
                             bool *ret_is_in, struct err *err)
{
    *ret_is_in = true;
    for (size_t i = 0; i < job->order.count && *ret_is_in; i++) {
        TRY(item_key_bytes(job->order.attributes[i].attribute, 1, item, job->arena, &place[i], err));
        *ret_is_in = place[i].ptr != NULL;
    }
    return LF_OK;
}

static int compare_places(const struct page_job *job, const struct span *a, const struct span *b)
{
    int order = 0;
    for (size_t i = 0; i < job->order.count && order == 0; i++)
        order = span_compare(a[i], b[i]);
    return job->order.is_descending ? -order : order;
}

static bool is_within(const struct store_bound *bound, struct span bytes, int side)
{
    int order = bound->bytes.ptr ? side * span_compare(bytes, bound->bytes) : 1;
    return order > 0 || (order == 0 && bound->is_inclusive);
}

static enum lf_code is_in_partition(const struct page_job *job, const struct item *item, bool *ret_is_in, struct err *err)
{
    struct span bytes, hash;
    TRY(item_key_bytes(job->order.partition.attribute, 1, item, job->arena, &bytes, err));
    *ret_is_in = bytes.ptr != NULL;
    if (!bytes.ptr || !job->scan) {
        *ret_is_in = *ret_is_in && span_equal(bytes, job->partition);
        return LF_OK;
    }
    if (job->scan->segments < 2)
        return LF_OK;
    TRY(place_hash(bytes, job->arena, &hash, err));
    *ret_is_in = span_compare(hash, job->segment_from) >= 0 && (!job->segment_to.len || span_compare(hash, job->segment_to) < 0);
    return LF_OK;
}

/* SQL finds what columns hold; the item that they give decides. */
static enum lf_code judge(const struct page_job *job, struct found *found, struct err *err)
{
    TRY(is_in_partition(job, &found->item.item, &found->is_wanted, err));
    if (found->is_wanted && job->range && (job->range->from.bytes.ptr || job->range->to.bytes.ptr))
        found->is_wanted = is_within(&job->range->from, found->place[0], 1) && is_within(&job->range->to, found->place[0], -1);
    if (found->is_wanted && job->has_start)
        found->is_wanted = compare_places(job, found->place, job->start) > 0;
    return LF_OK;
}

/* The statement ----------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_range(const struct page_job *job, struct binary_sql *sql, const struct relational_source *source,
                              bool *ret_none, struct err *err)
{
    TRY(page_put_partition(sql, &job->order, source, job->partition, ret_none, err));
    if (!*ret_none && job->order.count)
        TRY(page_put_bound(sql, &job->order, source, &job->range->from, true, ret_none, err));
    if (!*ret_none && job->order.count)
        TRY(page_put_bound(sql, &job->order, source, &job->range->to, false, ret_none, err));
    return LF_OK;
}

static enum lf_code put_conditions(const struct page_job *job, struct binary_sql *sql, const struct relational_source *source,
                                   bool *ret_none, struct err *err)
{
    *ret_none = false;
    TRY(relational_put_ours(sql, job->table, source, err));
    page_put_presence(sql, &job->order, source);
    if (job->range)
        TRY(put_range(job, sql, source, ret_none, err));
    else if (job->scan->segments > 1)
        page_put_segment(sql, &job->order, source, job->segment_from, job->segment_to);
    return job->has_start && !*ret_none ? page_put_behind(sql, &job->order, source, job->start, ret_none, err) : LF_OK;
}

static enum lf_code put_source(const struct page_job *job, struct binary_sql *sql, const struct relational_source *source,
                               size_t rows, struct err *err)
{
    bool is_none = false;
    size_t text_before = sql->text.len, params_before = sql->count;
    binary_sql_put(sql, text_before ? "\nUNION ALL (SELECT " : "(SELECT ");
    buf_put_span(&sql->text, source->columns);
    binary_sql_put(sql, " FROM ");
    buf_put_span(&sql->text, source->name);
    binary_sql_put(sql, " AS t WHERE ");
    TRY(put_conditions(job, sql, source, &is_none, err));
    page_put_order(sql, &job->order, source);
    binary_sql_put(sql, " LIMIT ");
    binary_sql_int64(sql, (int64_t)rows);
    binary_sql_put(sql, ")");
    if (is_none) {
        sql->text.len = text_before;
        sql->count = params_before;
    }
    return LF_OK;
}

static enum lf_code put_sources(const struct page_job *job, struct binary_sql *sql, size_t rows, struct err *err)
{
    const struct relational_table *state = relational_table_of(job->table);
    for (size_t i = 0; i < state->count; i++)
        if (relational_source_is_ours(job->table, &state->sources[i]) && page_order_has(&job->order, &state->sources[i]))
            TRY(put_source(job, sql, &state->sources[i], rows, err));
    return LF_OK;
}

/* *ret_rows stays NULL when no source can have rows. */
static enum lf_code run(const struct page_job *job, size_t rows, struct pg_result **ret_rows, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, job->arena);
    TRY(put_sources(job, &sql, rows, err));
    if (!sql.text.len)
        return LF_OK;
    return db_run(job->worker->db, NULL, &sql, ret_rows, err);
}

/* Merging ----------------------------------------------------------------------------------------------------------------------
 */

/* What one statement gave. */
struct batch {
    const struct page_job *job;
    struct found *rows;
    size_t count;
    bool is_cut;                               /* some source may have more, behind the horizon */
    struct span horizon[ORDER_ATTRIBUTES_MAX]; /* the nearest last row of a source that gave all that was asked */
};

static void note_source(struct batch *batch, const struct found *last, size_t given, size_t asked)
{
    if (given < asked || (batch->is_cut && compare_places(batch->job, last->place, batch->horizon) > 0))
        return;
    batch->is_cut = true;
    memcpy(batch->horizon, last->place, sizeof batch->horizon);
}

static enum lf_code read_row(const struct page_job *job, const struct pg_result *rows, size_t row, struct found *found,
                             struct err *err)
{
    bool is_in = false;
    found->job = job;
    TRY(relational_row_read(job->table, rows, row, 0, job->arena, &found->item, err));
    TRY(place_of(job, &found->item.item, found->place, &is_in, err));
    return is_in ? judge(job, found, err) : ERR(err, LF_ROW, "an item without the key of the index that it was found by");
}

/* Rows come source by source, each in order. */
static enum lf_code read_rows(struct batch *batch, const struct pg_result *rows, size_t asked, struct err *err)
{
    size_t given = 0;
    batch->count = pg_result_rows(rows);
    batch->rows = arena_calloc(batch->job->arena, batch->count + 1, sizeof *batch->rows, err);
    if (!batch->rows)
        return err->code;
    for (size_t i = 0; i < batch->count; i++) {
        struct found *row = &batch->rows[i];
        TRY(read_row(batch->job, rows, i, row, err));
        bool is_same = i && relational_place_of(&row->item).source == relational_place_of(&row[-1].item).source;
        given = is_same ? given + 1 : 1;
        note_source(batch, row, given, asked);
    }
    return LF_OK;
}

static int compare_found(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    int order = compare_places(a->job, a->place, b->place);
    size_t from_a = relational_place_of(&a->item).source, from_b = relational_place_of(&b->item).source;
    return order ? order : (from_a > from_b) - (from_a < from_b);
}

/* Keeps the rows that are wanted, in order, of those with the same key the first source's, up to the horizon. */
static void merge(struct batch *batch)
{
    const struct page_job *job = batch->job;
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->rows[i].is_wanted)
            batch->rows[kept++] = batch->rows[i];
    batch->count = kept;
    if (kept)
        qsort(batch->rows, kept, sizeof *batch->rows, compare_found);
    kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        bool is_rival = kept && compare_places(job, batch->rows[i].place, batch->rows[kept - 1].place) == 0;
        bool is_read = !batch->is_cut || compare_places(job, batch->rows[i].place, batch->horizon) <= 0;
        if (!is_rival && is_read)
            batch->rows[kept++] = batch->rows[i];
    }
    batch->count = kept;
}

/* Pages ------------------------------------------------------------------------------------------------------------------------
 */

static bool is_full(const struct page_job *job, const struct store_page *page)
{
    return job->bytes >= job->bytes_max || (job->items_max && page->count >= job->items_max);
}

static enum lf_code append(struct page_job *job, const struct batch *batch, struct store_page *page, struct err *err)
{
    struct stored_item *items = arena_calloc(job->arena, page->count + batch->count + 1, sizeof *items, err);
    if (!items)
        return err->code;
    if (page->count)
        memcpy(items, page->items, page->count * sizeof *items);
    page->items = items;
    for (size_t i = 0; i < batch->count && !is_full(job, page); i++) {
        items[page->count++] = batch->rows[i].item;
        job->bytes += batch->rows[i].item.size_bytes;
    }
    return LF_OK;
}

static size_t rows_to_ask(const struct page_job *job, const struct store_page *page)
{
    uint32_t mean = atomic_load(&relational_table_of(job->table)->size_bytes_mean);
    size_t rows = (job->bytes_max - job->bytes) / (mean ? mean : SIZE_GUESS) + 1;
    rows = rows < ROWS_MIN ? ROWS_MIN : rows > ROWS_MAX ? ROWS_MAX : rows;
    size_t items_left = job->items_max ? job->items_max - page->count : rows;
    return items_left < rows ? items_left : rows;
}

/* The next statement begins behind the horizon, also where that was no row that is wanted. Rows that SQL tells apart and their
 * keys do not may be more than were asked for: then twice as many are next. */
static void move_on(struct page_job *job, const struct batch *batch)
{
    bool is_stuck = job->has_start && compare_places(job, batch->horizon, job->start) <= 0;
    job->patience = is_stuck ? 2 * job->patience : 1;
    job->has_start = true;
    memcpy(job->start, batch->horizon, sizeof job->start);
}

static enum lf_code read_more(struct page_job *job, size_t asked, struct store_page *page, bool *ret_is_over, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct batch batch = { .job = job };
    TRY(run(job, asked, &rows, err));
    if (rows)
        TRY(read_rows(&batch, rows, asked, err));
    merge(&batch);
    TRY(append(job, &batch, page, err));
    *ret_is_over = !batch.is_cut || is_full(job, page);
    if (!*ret_is_over)
        move_on(job, &batch);
    return LF_OK;
}

static enum lf_code read_page(struct page_job *job, const struct item *start, struct store_page *ret_page, struct err *err)
{
    struct store_page page = { 0 };
    bool is_over = false;
    job->patience = 1;
    job->has_start = start != NULL;
    if (start)
        TRY(place_of(job, start, job->start, &(bool){ false }, err));
    while (!is_over)
        TRY(read_more(job, job->patience * rows_to_ask(job, &page), &page, &is_over, err));
    if (page.count)
        atomic_store(&relational_table_of(job->table)->size_bytes_mean, (uint32_t)(job->bytes / page.count));
    page.has_more = is_full(job, &page);
    *ret_page = page;
    return LF_OK;
}

enum lf_code relational_query(struct worker *worker, const struct table *table, const struct store_range *range,
                              struct arena *arena, struct store_page *ret_page, struct err *err)
{
    struct page_job job = {
        .worker = worker,
        .table = table,
        .arena = arena,
        .order = page_order_of(table, range->index, false),
        .range = range,
        .items_max = range->items_max,
        .bytes_max = range->bytes_max,
    };
    job.order.is_descending = range->is_descending;
    TRY(item_key_bytes(job.order.partition.attribute, 1, &range->partition, arena, &job.partition, err));
    return read_page(&job, range->start, ret_page, err);
}

enum lf_code relational_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                             struct store_page *ret_page, struct err *err)
{
    struct page_job job = {
        .worker = worker,
        .table = table,
        .arena = arena,
        .order = page_order_of(table, scan->index, true),
        .scan = scan,
        .items_max = scan->items_max,
        .bytes_max = scan->bytes_max,
    };
    if (scan->segments > 1)
        TRY(place_segment(scan->segment, scan->segments, arena, &job.segment_from, &job.segment_to, err));
    return read_page(&job, scan->start, ret_page, err);
}
