#include <stdlib.h>

#include "gateway/store/gather.h"
#include "gateway/store/item_columns.h"
#include "gateway/store/item_rows.h"
#include "gateway/store/item_table.h"
#include "gateway/store/row_arrays.h"
#include "gateway/worker.h"

enum { BATCH_KEYS_MAX = 128, OPEN_MAX = 64 };

/* Who waits for items; on the stack of its fiber. */
struct reader {
    struct fiber *fiber;
    struct arena *arena; /* the fiber's: items are copied there */
    const struct item_place *places;
    struct stored_item *items;
    size_t count;
    bool is_done;
    enum lf_code code;
    struct err *err;
    struct reader *next;
};

/* Readers of one table that come in one turn; on the stack of the first, who runs the statement for all. */
struct read_batch {
    const struct table *table;
    struct reader *first, **last;
    size_t keys;
    bool is_closed;
};

struct read_gather {
    struct worker *worker;
    struct loop_task flush;
    struct read_batch *open[OPEN_MAX];
    size_t open_count;
};

/* The statement ---------------------------------------------------------------------------------------------------------------
 */

static void put_keys(const struct read_batch *batch, struct row_arrays *arrays)
{
    row_arrays_init(arrays);
    row_arrays_add(arrays, PG_OID_BYTEA, batch->keys);
    row_arrays_add(arrays, PG_OID_BYTEA, batch->keys);
    for (const struct reader *reader = batch->first; reader; reader = reader->next)
        for (size_t i = 0; i < reader->count; i++) {
            row_arrays_put_span(arrays, reader->places[i].h);
            row_arrays_put_span(arrays, reader->places[i].sk);
        }
}

static enum lf_code take_row(const struct read_batch *batch, const struct pg_result *rows, size_t row, struct err *err)
{
    size_t at = 0;
    TRY(item_row_number(rows, row, batch->keys, &at, err));
    struct reader *reader = batch->first;
    for (; at >= reader->count; reader = reader->next)
        at -= reader->count;
    return item_row_read(rows, row, ITEM_COLUMN_VERSION, reader->arena, &reader->items[at], err);
}

static enum lf_code run(struct worker *worker, const struct read_batch *batch, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    const struct pg_statement *statement = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_statement(worker->db, item_statements_of(batch->table)->get, &statement, err));
    put_keys(batch, &arrays);
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_query(worker->db, statement, &params, &rows, err);
    row_arrays_done(&arrays);
    for (size_t i = 0; !code && i < pg_result_rows(rows); i++)
        code = take_row(batch, rows, i, err);
    return code;
}

/* Readers ----------------------------------------------------------------------------------------------------------------------
 */

static void settle(const struct read_batch *batch, enum lf_code code, const struct err *err)
{
    struct reader *next = NULL;
    for (struct reader *reader = batch->first; reader; reader = next) {
        next = reader->next;
        reader->is_done = true;
        reader->code = code;
        if (code)
            *reader->err = *err;
        if (reader->fiber != fiber_self())
            fiber_wake(reader->fiber);
    }
}

static void flush(void *context)
{
    struct read_gather *gather = context;
    for (size_t i = 0; i < gather->open_count; i++) {
        gather->open[i]->is_closed = true;
        fiber_wake(gather->open[i]->first->fiber);
    }
    gather->open_count = 0;
}

static void join(struct read_batch *batch, struct reader *reader)
{
    *batch->last = reader;
    batch->last = &reader->next;
    batch->keys += reader->count;
}

static void follow(struct read_batch *batch, struct reader *reader)
{
    join(batch, reader);
    while (!reader->is_done)
        fiber_suspend();
}

static void lead(struct read_gather *gather, const struct table *table, struct reader *reader)
{
    struct err err = ERR_INIT;
    struct read_batch batch = { .table = table, .last = &batch.first };
    join(&batch, reader);
    if (gather->open_count < OPEN_MAX) {
        gather->open[gather->open_count++] = &batch;
        loop_at_turn_end(gather->worker->loop, &gather->flush);
        while (!batch.is_closed)
            fiber_suspend();
    }
    enum lf_code code = run(gather->worker, &batch, &err);
    settle(&batch, code, &err);
}

static struct read_batch *find_open(const struct read_gather *gather, const struct table *table, size_t keys)
{
    for (size_t i = 0; i < gather->open_count; i++)
        if (gather->open[i]->table == table && gather->open[i]->keys + keys <= BATCH_KEYS_MAX)
            return gather->open[i];
    return NULL;
}

enum lf_code read_gather_get(struct read_gather *gather, const struct table *table, const struct item_place *places, size_t count,
                             struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct reader reader = {
        .fiber = fiber_self(),
        .arena = arena,
        .places = places,
        .items = ret_items,
        .count = count,
        .err = err,
    };
    struct read_batch *batch = find_open(gather, table, count);
    if (batch)
        follow(batch, &reader);
    else
        lead(gather, table, &reader);
    return reader.code;
}

/* Life -------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code read_gather_new(struct worker *worker, struct read_gather **ret_gather, struct err *err)
{
    struct read_gather *gather = calloc(1, sizeof *gather);
    if (!gather)
        return ERR(err, LF_MEMORY, "no memory to gather reads");
    gather->worker = worker;
    gather->flush = (struct loop_task){ .run = flush, .context = gather };
    *ret_gather = gather;
    return LF_OK;
}

void read_gather_free(struct read_gather *gather)
{
    free(gather);
}
