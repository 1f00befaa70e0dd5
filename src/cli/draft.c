#include "cli/draft.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

enum {
    LINE_ARENA_BYTES = 64 * 1024 * 1024, /* of one item, parsed */
    POLL_MS = 100,                       /* how often the main thread looks at the workers */
};

/* --- lines of a chunk --- */

typedef enum lf_code line_visit(void *context, const struct source_file *file, const struct item *item, struct err *err);

/* Puts "file:line: byte N: " in front of what went wrong in the line, as backfill does. */
static enum lf_code line_error(const struct source_file *file, uint64_t line, struct err *err)
{
    char byte[32] = "";
    struct err inner = *err;
    if (inner.offset >= 0)
        snprintf(byte, sizeof byte, "byte %lld: ", (long long)inner.offset);
    return err_set_at(err, inner.code, inner.offset, inner.file, inner.line, "%.*s:%llu: %s%s", SPAN_ARG(file->path),
                      (unsigned long long)line, byte, inner.message);
}

static enum lf_code visit_line(struct span line, const struct source_file *file, struct arena *arena, line_visit *visit,
                               void *context, struct err *err)
{
    struct item item;
    arena_reset(arena);
    TRY(export_read_item(file->format, line, arena, &item, err));
    return visit(context, file, &item, err);
}

static enum lf_code visit_chunk(const struct source *source, const struct source_chunk *chunk, struct arena *arena,
                                line_visit *visit, void *context, struct err *err)
{
    const struct source_file *file = &source->files[chunk->file];
    struct span rest = buf_span(&chunk->data), line;
    for (uint64_t number = chunk->first_line; source_next_line(&rest, &line); number++)
        if (!source_line_is_blank(line) && visit_line(line, file, arena, visit, context, err))
            return line_error(file, number, err);
    return LF_OK;
}

static enum lf_code check_interrupt(struct err *err)
{
    return interrupt_asked() ? ERR(err, LF_INTERRUPTED, "stopped before the map was written") : LF_OK;
}

/* --- the sample --- */

static enum lf_code sample_item(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    struct infer *infer = context;
    if (!infer_wants_sample(infer, file->table))
        return LF_OK;
    return infer_sample(infer, file->table, item, err);
}

/* Files of tables that have enough, the first of them `from`, need not be opened. Whether any table still wants items. */
static bool skip_sated(struct source *source, const struct infer *infer, size_t from)
{
    bool wanted = false;
    for (size_t i = 0; i < source->file_count; i++) {
        bool wants = infer_wants_sample(infer, source->files[i].table);
        wanted = wanted || wants;
        if (!wants && i >= from)
            source_skip(source, i);
    }
    return wanted;
}

static enum lf_code sample(struct source *source, struct infer *infer, struct source_chunk *chunk, struct arena *arena,
                           struct err *err)
{
    bool end;
    for (;;) {
        TRY(check_interrupt(err));
        TRY(source_next(source, chunk, &end, err));
        if (end)
            return LF_OK;
        TRY(visit_chunk(source, chunk, arena, sample_item, infer, err));
        if (!skip_sated(source, infer, chunk->file + 1))
            return LF_OK;
    }
}

static enum lf_code sample_source(struct source *source, struct infer *infer, struct err *err)
{
    struct arena arena;
    struct source_chunk chunk;
    arena_init(&arena, LINE_ARENA_BYTES);
    source_chunk_init(&chunk);
    enum lf_code code = sample(source, infer, &chunk, &arena, err);
    source_chunk_done(&chunk);
    arena_done(&arena);
    return code;
}

/* --- the pass over everything --- */

struct draft {
    struct source *source;
    _Atomic uint64_t items;
    _Atomic unsigned running;
    _Atomic bool stop;
};

struct draft_worker {
    struct draft *draft;
    struct infer_worker *infer; /* owned */
    pthread_t thread;
    enum lf_code code;
    struct err err;
};

static enum lf_code observe_item(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    struct draft_worker *worker = context;
    atomic_fetch_add_explicit(&worker->draft->items, 1, memory_order_relaxed);
    return infer_observe(worker->infer, file->table, item, err);
}

static enum lf_code observe_chunks(struct draft_worker *worker, struct source_chunk *chunk, struct arena *arena, struct err *err)
{
    bool end;
    while (!worker->draft->stop) {
        TRY(source_next(worker->draft->source, chunk, &end, err));
        if (end)
            break;
        TRY(visit_chunk(worker->draft->source, chunk, arena, observe_item, worker, err));
    }
    return LF_OK;
}

static void *worker_main(void *context)
{
    struct draft_worker *worker = context;
    struct arena arena;
    struct source_chunk chunk;
    arena_init(&arena, LINE_ARENA_BYTES);
    source_chunk_init(&chunk);
    worker->code = observe_chunks(worker, &chunk, &arena, &worker->err);
    if (worker->code)
        worker->draft->stop = true;
    source_chunk_done(&chunk);
    arena_done(&arena);
    worker->draft->running--;
    return NULL;
}

static void watch(struct draft *draft)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    struct progress progress;
    progress_begin(&progress, "inspect");
    while (draft->running) {
        double share = (double)source_bytes_read(draft->source) / (double)(draft->source->size_bytes + 1);
        progress_show(&progress, draft->items, share);
        if (interrupt_asked())
            draft->stop = true;
        nanosleep(&pause, NULL);
    }
    progress_end(&progress);
}

/* Number of threads that run; the work is shared, so fewer than asked for is no failure unless there is none. */
static unsigned start_workers(struct draft *draft, struct draft_worker *workers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        draft->running++;
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i])) {
            draft->running--;
            return i;
        }
    }
    return count;
}

static enum lf_code run_workers(struct draft *draft, struct draft_worker *workers, unsigned count, struct err *err)
{
    unsigned started = start_workers(draft, workers, count);
    if (started == 0)
        return ERR(err, LF_MEMORY, "no thread can be started");
    watch(draft);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < started; i++)
        if (workers[i].code) {
            *err = workers[i].err;
            return err->code;
        }
    return check_interrupt(err);
}

static enum lf_code observe_source(struct source *source, struct infer *infer, unsigned jobs, struct arena *arena,
                                   struct draft_result *ret_result, struct err *err)
{
    struct draft draft = { .source = source };
    struct draft_worker workers[LIMIT_JOBS] = { 0 };
    struct infer_worker *counters[LIMIT_JOBS] = { 0 };
    enum lf_code code = LF_OK;
    for (unsigned i = 0; i < jobs && !code; i++) {
        workers[i] = (struct draft_worker){ .draft = &draft, .err = ERR_INIT };
        code = infer_worker_new(infer, &counters[i], err);
        workers[i].infer = counters[i];
    }
    if (!code)
        code = run_workers(&draft, workers, jobs, err);
    if (!code)
        code = infer_finish(infer, counters, jobs, arena, &ret_result->map, &ret_result->evidence, err);
    for (unsigned i = 0; i < jobs; i++)
        infer_worker_free(counters[i]);
    ret_result->items = draft.items;
    return code;
}

static enum lf_code draft_passes(struct source *source, struct infer *infer, unsigned jobs, struct arena *arena,
                                 struct draft_result *ret_result, struct err *err)
{
    TRY(sample_source(source, infer, err));
    TRY(infer_discover(infer, err));
    source_rewind(source);
    return observe_source(source, infer, jobs, arena, ret_result, err);
}

enum lf_code draft_map(struct source *source, const struct infer_options *options, unsigned jobs, struct arena *arena,
                       struct draft_result *ret_result, struct err *err)
{
    struct infer *infer;
    TRY(infer_new(source->tables, source->table_count, options, &infer, err));
    enum lf_code code = draft_passes(source, infer, jobs, arena, ret_result, err);
    infer_free(infer);
    return code;
}
