#include "gateway/table_work.h"

#include <stdlib.h>

#include "gateway/backup.h"
#include "gateway/store/store.h"
#include "gateway/table_change.h"

enum {
    STEPS_AT_ONCE_MAX = 40, /* of a fiber beside the requests */
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
    DELETION_POLL_MS = 5,
};

enum work_kind { WORK_NONE, WORK_DROP_TABLE, WORK_RESTORE, WORK_BACKFILL, WORK_FILL, WORK_DROP_INDEX, WORK_FILL_TTL };

/* What a table needs next. No reference to the table is held: gateways wait for one another's. */
struct work {
    enum work_kind kind;
    struct span name;  /* of the table; in the arena, as the next */
    struct span index; /* empty: none */
    int64_t table_id;
    int64_t version;
};

static enum work_kind kind_of(const struct table *table, struct span *ret_index)
{
    *ret_index = SPAN("");
    if (table->status == TABLE_DELETING)
        return WORK_DROP_TABLE;
    if (table->restoring)
        return WORK_RESTORE;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        *ret_index = index->name;
        if (index->status == TABLE_DELETING)
            return WORK_DROP_INDEX;
        if (index->status == TABLE_CREATING)
            return index->is_backfilling ? WORK_FILL : WORK_BACKFILL;
    }
    *ret_index = SPAN("");
    return table->ttl_is_filling ? WORK_FILL_TTL : WORK_NONE;
}

static enum lf_code work_of(const struct table *table, struct arena *arena, struct work *ret_work, struct err *err)
{
    struct work work = { .table_id = table->id, .version = table->version };
    struct span index = SPAN("");
    work.kind = kind_of(table, &index);
    TRY(arena_copy(arena, table->name, &work.name, err));
    TRY(arena_copy(arena, index, &work.index, err));
    *ret_work = work;
    return LF_OK;
}

/* Changes at the end of work ---------------------------------------------------------------------------------------------------
 */

typedef enum lf_code finish_work(struct table_change *change, const struct table *table, const struct table_index *index,
                                 struct arena *arena, struct err *err);

static bool is_still_to_do(const struct table *table, const struct work *work)
{
    struct span index;
    return table && table->id == work->table_id && kind_of(table, &index) == work->kind && span_equal(index, work->index);
}

static enum lf_code finish_in(struct table_change *change, const struct work *work, finish_work *last, struct arena *arena,
                              bool *ret_is_done, struct err *err)
{
    const struct table *table = NULL;
    enum lf_code code = LF_OK;
    TRY(table_change_read(change, work->name, &table, err));
    *ret_is_done = !is_still_to_do(table, work);
    if (!*ret_is_done)
        code = last(change, table, table_find_index(table, work->index), arena, err);
    table_unref(table);
    return code;
}

static enum lf_code finish(struct worker *worker, const struct work *work, finish_work *last, struct arena *arena,
                           struct err *err)
{
    struct table_change change;
    bool is_done = false;
    TRY(table_change_begin(worker, &change, err));
    enum lf_code code = finish_in(&change, work, last, arena, &is_done, err);
    if (!code && is_done) {
        table_change_cancel(&change);
        return catalog_refresh(worker->catalog, worker->db, err);
    }
    return table_change_end(&change, code, err);
}

static enum lf_code drop_table(struct table_change *change, const struct table *table, const struct table_index *index,
                               struct arena *arena, struct err *err)
{
    (void)index;
    (void)arena;
    TRY(table->store->drop(change->transaction, table, err));
    return table_change_remove(change, table, err);
}

/* ACTIVE, unless another index is still at work. */
static enum lf_code settle(struct table_change *change, const struct table *table, const struct table_index *done,
                           struct err *err)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        if (index != done && (index->status == TABLE_CREATING || index->status == TABLE_DELETING))
            return LF_OK;
    }
    return table_change_set_status(change, table, TABLE_ACTIVE, err);
}

static enum lf_code end_restore(struct table_change *change, const struct table *table, const struct table_index *index,
                                struct arena *arena, struct err *err)
{
    (void)index;
    (void)arena;
    TRY(backup_end_restore(change, table, err));
    return settle(change, table, NULL, err);
}

static enum lf_code begin_backfill(struct table_change *change, const struct table *table, const struct table_index *index,
                                   struct arena *arena, struct err *err)
{
    (void)arena;
    return table_change_set_index(change, table, index->name, TABLE_CREATING, true, err);
}

static enum lf_code end_backfill(struct table_change *change, const struct table *table, const struct table_index *index,
                                 struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(table_change_set_index(change, table, index->name, TABLE_ACTIVE, false, err));
    return settle(change, table, index, err);
}

static enum lf_code drop_index(struct table_change *change, const struct table *table, const struct table_index *index,
                               struct arena *arena, struct err *err)
{
    struct create_table_request definition = *table->definition;
    TRY(definition_remove_index(&definition, index->name, arena, err));
    TRY(table->store->drop_index(change->transaction, table, index, err));
    TRY(table_change_remove_index(change, table, index->name, err));
    TRY(table_change_save(change, table, &definition, err));
    return settle(change, table, index, err);
}

static enum lf_code end_ttl(struct table_change *change, const struct table *table, const struct table_index *index,
                            struct arena *arena, struct err *err)
{
    (void)index;
    (void)arena;
    return table_change_end_ttl_fill(change, table, err);
}

/* Steps -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code fill(struct worker *worker, const struct work *work, const struct table *table, struct arena *arena,
                         bool *ret_done, struct err *err)
{
    if (!is_still_to_do(table, work))
        return LF_OK;
    if (work->kind == WORK_RESTORE)
        return backup_restore_step(worker, table, ret_done, err);
    if (work->kind == WORK_FILL_TTL)
        return table->store->fill_ttl(worker, table, arena, ret_done, err);
    return table->store->fill_index(worker, table, table_find_index(table, work->index), arena, ret_done, err);
}

static enum lf_code fill_step(struct worker *worker, const struct work *work, finish_work *last, struct arena *arena,
                              struct err *err)
{
    const struct table *table = NULL;
    bool is_done = false;
    enum lf_code code = catalog_get(worker->catalog, worker->db, work->name, &table, err);
    if (code)
        return code == LF_RESOURCE_NOT_FOUND ? LF_OK : code; /* dropped meanwhile */
    code = fill(worker, work, table, arena, &is_done, err);
    table_unref(table);
    return code || !is_done ? code : finish(worker, work, last, arena, err);
}

static enum lf_code do_step(struct worker *worker, const struct work *work, struct arena *arena, struct err *err)
{
    if (work->kind != WORK_FILL && work->kind != WORK_RESTORE)
        TRY(catalog_wait(worker->catalog, worker->db, work->version, err));
    switch (work->kind) {
    case WORK_DROP_TABLE:
        return finish(worker, work, drop_table, arena, err);
    case WORK_RESTORE:
        return fill_step(worker, work, end_restore, arena, err);
    case WORK_BACKFILL:
        return finish(worker, work, begin_backfill, arena, err);
    case WORK_FILL:
        return fill_step(worker, work, end_backfill, arena, err);
    case WORK_DROP_INDEX:
        return finish(worker, work, drop_index, arena, err);
    case WORK_FILL_TTL:
        return fill_step(worker, work, end_ttl, arena, err);
    default:
        return LF_OK;
    }
}

enum lf_code table_work_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                             struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0, work_count = 0;
    enum lf_code code = LF_OK;
    (void)leadership; /* a second leader does no harm */
    TRY(catalog_all(worker->catalog, arena, &tables, &count, err));
    struct work *works = arena_calloc(arena, count + 1, sizeof *works, err);
    for (size_t i = 0; i < count; i++) {
        struct span index;
        if (works && !code && kind_of(tables[i], &index))
            code = work_of(tables[i], arena, &works[work_count++], err);
        table_unref(tables[i]);
    }
    if (!works)
        return err->code;
    for (size_t i = 0; !code && i < work_count; i++)
        code = do_step(worker, &works[i], arena, err);
    *ret_more = work_count > 0;
    return code;
}

/* Beside the requests ----------------------------------------------------------------------------------------------------------
 */

struct started_work {
    struct loop_task task;
    struct worker *worker;
    struct arena arena;
    char name[TABLE_NAME_BYTES_MAX];
    size_t name_len;
};

static enum lf_code step_of_table(struct started_work *started, bool *ret_more, struct err *err)
{
    struct worker *worker = started->worker;
    const struct table *table = NULL;
    struct work work;
    arena_reset(&started->arena);
    enum lf_code code = catalog_get(worker->catalog, worker->db, span_of(started->name, started->name_len), &table, err);
    if (!code)
        code = work_of(table, &started->arena, &work, err);
    table_unref(table);
    if (!code)
        code = do_step(worker, &work, &started->arena, err);
    *ret_more = !code && work.kind;
    return code == LF_RESOURCE_NOT_FOUND ? LF_OK : code;
}

static void run_work(void *context)
{
    struct started_work *started = context;
    struct err err = ERR_INIT;
    bool has_more = true;
    enum lf_code code = LF_OK;
    for (size_t i = 0; !code && has_more && i < STEPS_AT_ONCE_MAX; i++)
        code = step_of_table(started, &has_more, &err);
    if (code) {
        (void)err_while(&err, "changing table '%.*s'", (int)started->name_len, started->name);
        worker_log(started->worker, SPAN(""), &err);
    }
    arena_done(&started->arena);
    free(started);
}

static void start_work(void *context)
{
    struct started_work *started = context;
    struct err err = ERR_INIT;
    if (fiber_start(loop_fibers(started->worker->loop), run_work, started, &err)) {
        arena_done(&started->arena);
        free(started); /* the job does it */
    }
}

void table_work_start(struct worker *worker, struct span name)
{
    struct started_work *started = calloc(1, sizeof *started);
    if (!started || name.len > sizeof started->name) {
        free(started);
        return;
    }
    started->worker = worker;
    started->task = (struct loop_task){ .run = start_work, .context = started };
    arena_init(&started->arena, ARENA_BYTES_MAX);
    memcpy(started->name, name.ptr, name.len);
    started->name_len = name.len;
    loop_post(worker->loop, &started->task);
}

enum lf_code table_work_await_deletion(struct worker *worker, struct span name, int64_t ms_max, struct err *err)
{
    int64_t until_ms = loop_now_ms(worker->loop) + ms_max;
    for (bool is_leaving = true; is_leaving && loop_now_ms(worker->loop) < until_ms;) {
        const struct table *table = NULL;
        struct err found = ERR_INIT;
        enum lf_code code = catalog_get(worker->catalog, worker->db, name, &table, &found);
        if (code && code != LF_RESOURCE_NOT_FOUND) {
            *err = found;
            return code;
        }
        is_leaving = !code && table->status == TABLE_DELETING;
        table_unref(table);
        if (is_leaving)
            fiber_sleep(worker->loop, DELETION_POLL_MS);
    }
    return LF_OK;
}
