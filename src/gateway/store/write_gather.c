#include <stdlib.h>
#include <string.h>

#include "gateway/store/gather.h"
#include "gateway/store/item_writes.h"
#include "gateway/worker.h"

/* While so many batches are under way, what comes gathers: each commit then covers more rows, and none waits for a timer. */
enum { UNDER_WAY_MAX = 2 };
enum { BATCH_ROWS_MAX = 128, BATCH_BYTES_MAX = 4 * 1024 * 1024, OPEN_MAX = 64 };

/* Who waits until rows are written; on the stack of its fiber. */
struct writer {
    struct fiber *fiber;
    struct item_row **rows;
    size_t count;
    bool is_done;
    enum lf_code code;
    struct err *err;
    struct writer *next;
};

/* Rows of one table and kind that come in one turn; on the stack of the first writer, who runs the statement for all. */
struct write_batch {
    const struct table *table;
    const struct item_row *model;
    struct writer *first, **last;
    size_t rows, bytes;
    bool is_closed;
};

struct write_gather {
    struct worker *worker;
    struct loop_task flush;
    struct write_batch *open[OPEN_MAX]; /* the oldest first */
    size_t open_count;
    size_t under_way;
};

static enum lf_code run_alone(void *context, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_result **ret_rows, struct err *err)
{
    return db_write(context, statement, params, ret_rows, err);
}

/* Only a statement that PostgreSQL refused is certain to have done nothing: then each half is tried by itself, down to the writer
 * whose fault it is. */
static void run(struct worker *worker, const struct table *table, struct writer **writers, size_t count)
{
    struct err err = ERR_INIT;
    size_t rows = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        rows += writers[i]->count;
    struct item_row **all = malloc(rows * sizeof *all);
    enum lf_code code = all ? LF_OK : ERR(&err, LF_MEMORY, "no memory to write %zu items", rows);
    for (size_t i = 0; !code && i < count; i++)
        for (size_t k = 0; k < writers[i]->count; k++)
            all[at++] = writers[i]->rows[k];
    if (!code)
        code = item_rows_write(worker->db, table, all, rows, run_alone, worker->db, &err);
    free(all);
    if (code == LF_SQL && count > 1) {
        run(worker, table, writers, count / 2);
        run(worker, table, writers + count / 2, count - count / 2);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        writers[i]->code = code;
        if (code)
            *writers[i]->err = err;
    }
}

static void settle(struct writer **writers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        writers[i]->is_done = true;
        if (writers[i]->fiber != fiber_self())
            fiber_wake(writers[i]->fiber);
    }
}

static void run_batch(struct worker *worker, const struct write_batch *batch)
{
    struct writer *writers[BATCH_ROWS_MAX];
    size_t count = 0;
    for (struct writer *writer = batch->first; writer; writer = writer->next)
        writers[count++] = writer;
    run(worker, batch->table, writers, count);
    settle(writers, count);
}

/* Gathering --------------------------------------------------------------------------------------------------------------------
 */

static void flush(void *context)
{
    struct write_gather *gather = context;
    size_t closed = 0;
    for (; closed < gather->open_count && gather->under_way < UNDER_WAY_MAX; closed++, gather->under_way++) {
        gather->open[closed]->is_closed = true;
        fiber_wake(gather->open[closed]->first->fiber);
    }
    gather->open_count -= closed;
    memmove(gather->open, gather->open + closed, gather->open_count * sizeof *gather->open);
}

static void run_gathered(struct write_gather *gather, const struct write_batch *batch)
{
    run_batch(gather->worker, batch);
    gather->under_way--;
    if (gather->open_count)
        loop_at_turn_end(gather->worker->loop, &gather->flush);
}

static size_t bytes_of(const struct writer *writer)
{
    size_t bytes = 0;
    for (size_t i = 0; i < writer->count; i++)
        bytes += writer->rows[i]->item.len + writer->rows[i]->old_item.len;
    return bytes;
}

static void join(struct write_batch *batch, struct writer *writer)
{
    *batch->last = writer;
    batch->last = &writer->next;
    batch->rows += writer->count;
    batch->bytes += bytes_of(writer);
}

static void follow(struct write_batch *batch, struct writer *writer)
{
    join(batch, writer);
    while (!writer->is_done)
        fiber_suspend();
}

static void lead(struct write_gather *gather, const struct table *table, struct writer *writer)
{
    struct write_batch batch = { .table = table, .model = writer->rows[0], .last = &batch.first };
    join(&batch, writer);
    if (gather->open_count == OPEN_MAX) {
        run_batch(gather->worker, &batch);
        return;
    }
    gather->open[gather->open_count++] = &batch;
    loop_at_turn_end(gather->worker->loop, &gather->flush);
    while (!batch.is_closed)
        fiber_suspend();
    run_gathered(gather, &batch);
}

static bool takes(const struct write_batch *batch, const struct table *table, const struct writer *writer)
{
    return batch->table == table && batch->model->kind == writer->rows[0]->kind &&
           batch->model->has_images == writer->rows[0]->has_images && batch->rows + writer->count <= BATCH_ROWS_MAX &&
           batch->bytes + bytes_of(writer) <= BATCH_BYTES_MAX;
}

enum lf_code write_gather_put(struct write_gather *gather, const struct table *table, struct item_row **rows, size_t count,
                              struct err *err)
{
    struct writer writer = { .fiber = fiber_self(), .rows = rows, .count = count, .err = err };
    size_t at = 0;
    while (at < gather->open_count && !takes(gather->open[at], table, &writer))
        at++;
    if (at < gather->open_count)
        follow(gather->open[at], &writer);
    else
        lead(gather, table, &writer);
    return writer.code;
}

/* Life -------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code write_gather_new(struct worker *worker, struct write_gather **ret_gather, struct err *err)
{
    struct write_gather *gather = calloc(1, sizeof *gather);
    if (!gather)
        return ERR(err, LF_MEMORY, "no memory to gather writes");
    gather->worker = worker;
    gather->flush = (struct loop_task){ .run = flush, .context = gather };
    *ret_gather = gather;
    return LF_OK;
}

void write_gather_free(struct write_gather *gather)
{
    free(gather);
}
