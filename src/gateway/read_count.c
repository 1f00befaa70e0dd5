#include "gateway/read_count.h"

#include <stdio.h>
#include <stdlib.h>

enum { TABLES_MAX = 256, FLUSH_MS = 1000, NUMBER_BYTES = 24 };

static const char *const kind_names[] = { "dynamodb", "postgres", "fallback", "shadowed", "different" };

struct table_counts {
    char name[TABLE_NAME_BYTES_MAX + 1];
    int64_t counts[READ_KINDS]; /* not yet written */
    int64_t window_ms;          /* when the window of fallbacks began */
    unsigned fallbacks;
};

struct read_counts {
    struct worker *worker;
    struct loop_timer timer;
    struct table_counts tables[TABLES_MAX];
    size_t count;
    bool is_flushing;
};

/* Writing
 * ------------------------------------------------------------------------------------------------------------------------ */

static enum lf_code write_count(struct worker *worker, const char *table, enum read_kind kind, int64_t count, struct err *err)
{
    static const struct pg_statement add = {
        .sql =
            "INSERT INTO landfall.read_count AS c (gateway, table_name, kind, reads) VALUES ($1::text::uuid, $2::text, $3::text, "
            "$4::text::bigint) ON CONFLICT (gateway, table_name, kind) DO UPDATE SET reads = c.reads + excluded.reads",
    };
    char number[NUMBER_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    const char *id = catalog_gateway_id(worker->catalog);
    int len = snprintf(number, sizeof number, "%lld", (long long)count);
    const struct pg_field values[] = {
        { id, strlen(id) }, { table, strlen(table) }, { kind_names[kind], strlen(kind_names[kind]) }, { number, (size_t)len }
    };
    return db_write(worker->db, &add, &(struct pg_params){ .values = values, .count = 4 }, &rows, err);
}

/* What cannot be written now is written with the next. */
static void flush_table(struct read_counts *counts, struct table_counts *table)
{
    for (enum read_kind kind = READ_DYNAMODB; kind < READ_KINDS; kind++) {
        struct err err = ERR_INIT;
        int64_t count = table->counts[kind];
        table->counts[kind] = 0;
        if (count && write_count(counts->worker, table->name, kind, count, &err))
            table->counts[kind] += count;
    }
}

static void flush(void *context)
{
    struct read_counts *counts = context;
    for (size_t i = 0; i < counts->count; i++)
        flush_table(counts, &counts->tables[i]);
    counts->is_flushing = false;
}

static void on_timer(void *context)
{
    struct read_counts *counts = context;
    struct err err = ERR_INIT;
    counts->is_flushing = true;
    if (fiber_start(loop_fibers(counts->worker->loop), flush, counts, &err))
        counts->is_flushing = false;
}

/* Retreat
 * ------------------------------------------------------------------------------------------------------------------------ */

static enum lf_code retreat(struct worker *worker, const char *table, struct err *err)
{
    static const struct pg_statement retreat = {
        .sql = "WITH changed AS (UPDATE landfall.phase SET reads_percent = 0 WHERE table_name = $1::text AND reads_percent > 0 "
               "RETURNING "
               "table_name) INSERT INTO landfall.event (what, detail) SELECT 'reads retreated', jsonb_build_object('table', "
               "table_name) "
               "FROM changed",
    };
    return catalog_change_table(worker->db, &retreat, span_from_cstr(table), err);
}

static void note_fallback(struct read_counts *counts, struct table_counts *table)
{
    struct err err = ERR_INIT;
    int64_t now_ms = loop_now_ms(counts->worker->loop);
    if (now_ms - table->window_ms > READ_WINDOW_MS) {
        table->window_ms = now_ms;
        table->fallbacks = 0;
    }
    if (++table->fallbacks < READ_FALLBACKS_MAX)
        return;
    table->fallbacks = 0;
    if (retreat(counts->worker, table->name, &err)) {
        (void)err_while(&err, "putting reads of table %s back to DynamoDB", table->name);
        worker_log(counts->worker, SPAN(""), &err);
    }
}

/* Counting
 * ------------------------------------------------------------------------------------------------------------------------ */

static struct table_counts *find(struct read_counts *counts, struct span name)
{
    for (size_t i = 0; i < counts->count; i++)
        if (span_equal(span_from_cstr(counts->tables[i].name), name))
            return &counts->tables[i];
    if (counts->count == TABLES_MAX || name.len > TABLE_NAME_BYTES_MAX)
        return NULL;
    struct table_counts *table = &counts->tables[counts->count++];
    memcpy(table->name, name.ptr, name.len);
    return table;
}

void read_count(struct worker *worker, const struct table *table, enum read_kind kind)
{
    struct read_counts *counts = worker->read_counts;
    struct table_counts *found = find(counts, table->name);
    if (!found)
        return;
    found->counts[kind]++;
    if (!counts->timer.heap_slot && !counts->is_flushing)
        loop_timer_set(worker->loop, &counts->timer, FLUSH_MS);
    if (kind == READ_FALLBACK)
        note_fallback(counts, found);
}

enum lf_code read_counts_new(struct worker *worker, struct read_counts **ret_counts, struct err *err)
{
    struct read_counts *counts = calloc(1, sizeof *counts);
    if (!counts)
        return ERR(err, LF_MEMORY, "no memory to count reads");
    counts->worker = worker;
    counts->timer = (struct loop_timer){ .fire = on_timer, .context = counts };
    *ret_counts = counts;
    return LF_OK;
}

void read_counts_free(struct read_counts *counts)
{
    if (counts)
        loop_timer_cancel(counts->worker->loop, &counts->timer);
    free(counts);
}
