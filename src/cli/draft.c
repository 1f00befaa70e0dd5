#include "cli/draft.h"

#include "base/limits.h"
#include "cli/interrupt.h"
#include "cli/items.h"

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

static enum lf_code sample(struct source *source, struct infer *infer, struct stage_clock *clock, struct source_chunk *chunk,
                           struct arena *arena, struct err *err)
{
    bool end;
    for (;;) {
        TRY(check_interrupt(err));
        (void)stage_enter(clock, STAGE_READ);
        TRY(source_next(source, chunk, &end, err));
        if (end)
            return LF_OK;
        TRY(items_of_chunk(source, chunk, arena, clock, sample_item, infer, err));
        if (!skip_sated(source, infer, chunk->file + 1))
            return LF_OK;
    }
}

static enum lf_code sample_source(struct source *source, struct infer *infer, struct stage_clock *clock, struct err *err)
{
    struct arena arena;
    struct source_chunk chunk;
    arena_init(&arena, LINE_ARENA_BYTES);
    source_chunk_init(&chunk);
    enum lf_code code = sample(source, infer, clock, &chunk, &arena, err);
    source_chunk_done(&chunk);
    arena_done(&arena);
    return code;
}

/* --- the pass over everything --- */

static enum lf_code observe_item(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    return infer_observe(context, file->table, item, err);
}

static enum lf_code observe_source(struct source *source, struct infer *infer, unsigned jobs, struct stage_profile *profile,
                                   struct arena *arena, struct draft_result *ret_result, struct err *err)
{
    struct infer_worker *workers[LIMIT_JOBS] = { 0 };
    void *contexts[LIMIT_JOBS];
    enum lf_code code = LF_OK;
    for (unsigned i = 0; i < jobs && !code; i++) {
        code = infer_worker_new(infer, &workers[i], err);
        contexts[i] = workers[i];
    }
    if (!code)
        code = items_read(source, observe_item, contexts, jobs, profile, &ret_result->items, err);
    if (!code)
        code = check_interrupt(err);
    stage_clock_begin(stage_main(profile), STAGE_DRAFT);
    if (!code)
        code = infer_finish(infer, workers, jobs, arena, &ret_result->map, &ret_result->evidence, err);
    stage_clock_end(stage_main(profile));
    for (unsigned i = 0; i < jobs; i++)
        infer_worker_free(workers[i]);
    return code;
}

static enum lf_code draft_passes(struct source *source, struct infer *infer, unsigned jobs, struct stage_profile *profile,
                                 struct arena *arena, struct draft_result *ret_result, struct err *err)
{
    struct stage_clock *clock = stage_main(profile);
    stage_clock_begin(clock, STAGE_READ);
    TRY(sample_source(source, infer, clock, err));
    (void)stage_enter(clock, STAGE_DRAFT);
    TRY(infer_discover(infer, err));
    stage_clock_end(clock);
    source_rewind(source);
    return observe_source(source, infer, jobs, profile, arena, ret_result, err);
}

enum lf_code draft_map(struct source *source, const struct infer_options *options, unsigned jobs, struct stage_profile *profile,
                       struct arena *arena, struct draft_result *ret_result, struct err *err)
{
    struct infer *infer;
    TRY(infer_new(source->tables, source->table_count, options, &infer, err));
    enum lf_code code = draft_passes(source, infer, jobs, profile, arena, ret_result, err);
    infer_free(infer);
    return code;
}
