#include "cli/items.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/limits.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "source/records.h"

enum { POLL_MS = 100 }; /* how often the main thread looks at the readers */

/* --- records of a chunk --- */

static enum lf_code visit_record(const struct source_records *records, const struct source_file *file, struct arena *arena,
                                 struct stage_clock *clock, items_visit *visit, void *context, struct err *err)
{
    struct item item;
    stage_item(clock, STAGE_PARSE);
    arena_reset(arena);
    TRY(source_records_item(records, arena, &item, err));
    stage_part(clock, STAGE_OBSERVE);
    return visit(context, file, &item, err);
}

static enum lf_code visit_records(struct source_records *records, const struct source_file *file, struct arena *arena,
                                  struct stage_clock *clock, items_visit *visit, void *context, struct err *err)
{
    (void)stage_enter(clock, STAGE_ITEMS);
    for (;;) {
        bool end;
        TRY(source_records_next(records, &end, err));
        if (end)
            return LF_OK;
        if (visit_record(records, file, arena, clock, visit, context, err) != LF_OK)
            return source_records_name_place(records, file, err);
    }
}

enum lf_code items_of_chunk(const struct source *source, const struct source_chunk *chunk, struct arena *arena,
                            struct stage_clock *clock, items_visit *visit, void *context, struct err *err)
{
    struct source_records records;
    source_records_init(&records, chunk);
    enum lf_code code = visit_records(&records, &source->files[chunk->file], arena, clock, visit, context, err);
    source_records_done(&records);
    return code;
}

/* --- all chunks --- */

struct pass {
    struct source *source;
    items_visit *visit;
    _Atomic uint64_t items;
    _Atomic unsigned running;
    _Atomic bool stop;
};

struct reader {
    struct pass *pass;
    void *context;
    struct stage_clock *clock; /* may be NULL */
    pthread_t thread;
    enum lf_code code;
    struct err err;
};

static enum lf_code count_item(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    struct reader *reader = context;
    atomic_fetch_add_explicit(&reader->pass->items, 1, memory_order_relaxed);
    return reader->pass->visit(reader->context, file, item, err);
}

static enum lf_code read_chunks(struct reader *reader, struct source_chunk *chunk, struct arena *arena, struct err *err)
{
    bool end;
    while (!reader->pass->stop) {
        (void)stage_enter(reader->clock, STAGE_READ);
        TRY(source_next(reader->pass->source, chunk, &end, err));
        if (end)
            break;
        TRY(items_of_chunk(reader->pass->source, chunk, arena, reader->clock, count_item, reader, err));
    }
    return LF_OK;
}

static void *reader_main(void *context)
{
    struct reader *reader = context;
    struct arena arena;
    struct source_chunk chunk;
    arena_init(&arena, LINE_ARENA_BYTES);
    source_chunk_init(&chunk);
    stage_clock_begin(reader->clock, STAGE_REST);
    reader->code = read_chunks(reader, &chunk, &arena, &reader->err);
    stage_clock_end(reader->clock);
    if (reader->code)
        reader->pass->stop = true;
    source_chunk_done(&chunk);
    arena_done(&arena);
    reader->pass->running--;
    return NULL;
}

static void watch(struct pass *pass)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    struct progress progress;
    progress_begin(&progress, "inspect");
    while (pass->running) {
        double share = (double)source_bytes_read(pass->source) / (double)(pass->source->size_bytes + 1);
        progress_show(&progress, pass->items, share);
        if (interrupt_asked())
            pass->stop = true;
        nanosleep(&pause, NULL);
    }
    progress_end(&progress);
}

/* Number of threads that run; the work is shared, so fewer than asked for is no failure unless there is none. */
static unsigned start_readers(struct pass *pass, struct reader *readers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pass->running++;
        if (pthread_create(&readers[i].thread, NULL, reader_main, &readers[i])) {
            pass->running--;
            return i;
        }
    }
    return count;
}

static enum lf_code run_readers(struct pass *pass, struct reader *readers, unsigned count, struct err *err)
{
    unsigned started = start_readers(pass, readers, count);
    if (started == 0)
        return ERR(err, LF_MEMORY, "no thread can be started");
    watch(pass);
    for (unsigned i = 0; i < started; i++)
        pthread_join(readers[i].thread, NULL);
    for (unsigned i = 0; i < started; i++)
        if (readers[i].code) {
            *err = readers[i].err;
            return err->code;
        }
    return LF_OK;
}

enum lf_code items_read(struct source *source, items_visit *visit, void *const *contexts, unsigned jobs,
                        struct stage_profile *profile, uint64_t *ret_items, struct err *err)
{
    struct pass pass = { .source = source, .visit = visit };
    struct reader readers[LIMIT_JOBS] = { 0 };
    for (unsigned i = 0; i < jobs; i++)
        readers[i] = (struct reader){ .pass = &pass, .context = contexts[i], .clock = stage_worker(profile, i), .err = ERR_INIT };
    TRY(run_readers(&pass, readers, jobs, err));
    *ret_items = pass.items;
    return LF_OK;
}
