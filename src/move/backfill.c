#include "move/backfill.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "move/chunk_load.h"
#include "move/crew.h"
#include "move/lease.h"
#include "move/load_state.h"
#include "move/rejects.h"
#include "move/violations_record.h"

enum { STATE_BYTES_MAX = 1024 * 1024 * 1024, WORK_NAME_BYTES = 32, WAIT_INTERVAL_MS = 250 };

/* What a pass over the source takes. A process that is alone needs the first one only. */
enum pass {
    PASS_OWN,  /* files that nobody else holds */
    PASS_HELP, /* chunks that nobody is at, of files that others hold */
    PASS_WAIT, /* what is still missing, waiting for those that are at it: they may die */
};

/* One run of the command. Worker threads read it and change only the atomics. */
struct backfill {
    const struct backfill_options *options;
    const struct load_plan *plan;
    struct source *source;
    int64_t load;
    struct load_state state; /* as of the beginning of the pass */
    struct lease *lease;     /* of files, and of what comes after the load */
    enum pass pass;
    struct crew crew;
    _Atomic uint64_t items, unclaimed, rejected; /* committed by this process in this pass */
    struct violations *violations;               /* what indexes and constraints refuse */
    backfill_report *report;
    void *report_context;
};

/* Workers ------------------------------------------------------------------------------------------------------------------ */

static void count_chunk(struct backfill *run, const struct chunk_loader *loader)
{
    atomic_fetch_add(&run->items, loader->counts.items);
    atomic_fetch_add(&run->unclaimed, loader->counts.unclaimed);
    atomic_fetch_add(&run->rejected, loader->counts.rejected);
}

static enum lf_code load_chunks(struct backfill *run, struct chunk_loader *loader, struct source_chunk *chunk, struct err *err)
{
    for (;;) {
        bool end = false, loaded = false;
        (void)stage_enter(loader->clock, STAGE_READ);
        TRY(source_next(run->source, chunk, &end, err));
        if (end)
            return LF_OK;
        if (atomic_load(&run->crew.stop))
            return ERR(err, LF_INTERRUPTED, "stopped");
        if (load_state_has(&run->state, chunk->file, chunk->number))
            continue;
        TRY(chunk_load(loader, chunk, &loaded, err));
        if (loaded)
            count_chunk(run, loader);
        else if (source_is_live(run->source))
            source_leave(chunk);
    }
}

static enum lf_code work(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct backfill *run = context;
    struct chunk_loader loader;
    struct source_chunk chunk;
    /* A commit that is lost in a crash loses the chunk's row in landfall.segment, too, and is simply done again. */
    TRY(pg_exec(conn, "SET synchronous_commit = off", err));
    TRY(lease_session(run->lease, conn, err));
    TRY(chunk_loader_init(&loader, run->plan, err));
    loader.source = run->source;
    loader.conn = conn;
    loader.stop = &run->crew.stop;
    loader.clock = stage_worker(run->options->profile, worker);
    loader.load = run->load;
    loader.keeps_rejects = run->options->rejects != NULL;
    loader.waits = run->pass == PASS_WAIT;
    source_chunk_init(&chunk);
    enum lf_code code = load_chunks(run, &loader, &chunk, err);
    source_chunk_done(&chunk);
    chunk_loader_done(&loader);
    return code;
}

/* Passes ------------------------------------------------------------------------------------------------------------------- */

static struct backfill_progress progress_of(const struct backfill *run)
{
    return (struct backfill_progress){
        .items = run->state.items + atomic_load(&run->items),
        .unclaimed = run->state.unclaimed + atomic_load(&run->unclaimed),
        .rejected = run->state.rejected + atomic_load(&run->rejected),
        .bytes_read = source_bytes_read(run->source),
        .bytes_total = run->source->size_bytes,
    };
}

static bool show_progress(void *context, uint64_t items_done, uint64_t items_total)
{
    const struct backfill *run = context;
    struct backfill_progress progress = progress_of(run);
    (void)items_done, (void)items_total;
    return run->report && run->report(run->report_context, &progress);
}

static enum lf_code take_file(void *context, size_t file, bool *ret_open, struct err *err)
{
    const struct backfill *run = context;
    return lease_take(run->lease, file, ret_open, err);
}

/* What is on record now, and the source at its beginning without the files that are through. */
static enum lf_code begin_pass(struct backfill *run, struct pg_conn *conn, struct arena *arena, struct err *err)
{
    arena_reset(arena);
    TRY(load_state_read(conn, run->load, run->source, arena, &run->state, err));
    atomic_store(&run->items, 0);
    atomic_store(&run->unclaimed, 0);
    atomic_store(&run->rejected, 0);
    source_rewind(run->source);
    for (size_t i = 0; i < run->source->file_count; i++) {
        const struct loaded_end *end = &run->state.ends[i];
        if (run->state.is_complete[i])
            source_skip(run->source, i);
        else if (end->chunks)
            TRY(source_resume(run->source, i, end->chunks, end->position, err));
    }
    return LF_OK;
}

static enum lf_code run_pass(struct backfill *run, struct err *err)
{
    run->crew = (struct crew){
        .postgres = run->options->postgres,
        .jobs = run->options->jobs,
        .profile = run->options->profile,
        .report = show_progress,
        .report_context = run,
    };
    source_set_gate(run->source, run->pass == PASS_OWN ? take_file : NULL, run);
    enum lf_code code = crew_run(&run->crew, work, run, err);
    source_set_gate(run->source, NULL, NULL);
    if (code == LF_INTERRUPTED)
        return ERR(err, LF_INTERRUPTED, "stopped after %llu items; the same command goes on from here",
                   (unsigned long long)progress_of(run).items);
    return code;
}

/* What is left of a scan is others'; they may die. */
static enum lf_code pause_for_segments(const struct backfill *run, struct err *err)
{
    const struct timespec pause = { .tv_sec = 1 };
    (void)nanosleep(&pause, NULL);
    if (show_progress((void *)run, 0, 0))
        return ERR(err, LF_INTERRUPTED, "stopped; other processes are still scanning, and the same command waits for them again");
    return LF_OK;
}

static enum lf_code load_all(struct backfill *run, struct pg_conn *conn, struct arena *arena, uint64_t *ret_resumed,
                             struct err *err)
{
    TRY(begin_pass(run, conn, arena, err));
    *ret_resumed = run->state.items;
    while (!run->state.all_complete) {
        TRY(run_pass(run, err));
        if (!source_is_live(run->source))
            run->pass = run->pass == PASS_OWN ? PASS_HELP : PASS_WAIT;
        TRY(begin_pass(run, conn, arena, err));
        if (source_is_live(run->source) && !run->state.all_complete)
            TRY(pause_for_segments(run, err));
    }
    return load_state_finish(conn, run->load, run->source, err);
}

/* Afterwards --------------------------------------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Tables still to be analysed, shared by the workers. */
struct analysis {
    const struct load_plan *plan;
    struct stage_profile *profile;
    _Atomic size_t next;
};

static enum lf_code analyse(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct analysis *analysis = context;
    (void)stage_enter(stage_worker(analysis->profile, worker), STAGE_ANALYSE);
    for (size_t i; (i = atomic_fetch_add(&analysis->next, 1)) <= analysis->plan->item;)
        TRY(pg_execf(conn, err, "ANALYZE %.*s", SPAN_ARG(analysis->plan->targets[i].qualified)));
    return LF_OK;
}

static enum lf_code build_indexes(const struct backfill *run, struct pg_conn *conn, struct err *err)
{
    struct stage_profile *profile = run->options->profile;
    stage_clock_begin(stage_main(profile), STAGE_INDEX);
    const struct violations_options options = {
        .map = run->plan->map,
        .up = { .dir = run->options->migrations, .last = MIGRATION_CONSTRAINTS, .jobs = run->options->jobs },
    };
    TRY(violations_migrate_up(conn, &options, run->violations, err));
    stage_clock_end(stage_main(profile));
    struct analysis analysis = { .plan = run->plan, .profile = profile };
    struct crew crew = { .postgres = run->options->postgres, .jobs = run->options->jobs, .profile = profile };
    return crew_run(&crew, analyse, &analysis, err);
}

static enum lf_code pause_for_others(const struct backfill *run, struct err *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_INTERVAL_MS * 1000000L };
    (void)nanosleep(&pause, NULL);
    if (show_progress((void *)run, 0, 0))
        return ERR(err, LF_INTERRUPTED, "stopped; another process is at the indexes, and the same command waits for it again");
    return LF_OK;
}

static enum lf_code build_and_mark(const struct backfill *run, struct pg_conn *conn, struct err *err)
{
    TRY(build_indexes(run, conn, err));
    TRY(violations_record(conn, run->load, run->violations, err));
    return load_state_mark_indexed(conn, run->load, err);
}

static enum lf_code build_leased(const struct backfill *run, struct pg_conn *conn, struct err *err)
{
    bool is_indexed;
    TRY(lease_session(run->lease, conn, err));
    TRY(load_state_is_indexed(conn, run->load, lease_worker(run->lease), &is_indexed, err));
    if (is_indexed)
        TRY(violations_recall(conn, run->load, lease_worker(run->lease), run->violations, err));
    else
        TRY(build_and_mark(run, conn, err));
    return lease_clear(run->lease, err);
}

/* One process builds, the others wait for it, and do it themselves if it dies. */
static enum lf_code share_indexes(const struct backfill *run, struct pg_conn *conn, struct err *err)
{
    for (;;) {
        bool is_ours;
        TRY(lease_take(run->lease, LEASE_PART_LAST, &is_ours, err));
        if (is_ours)
            return build_leased(run, conn, err);
        TRY(pause_for_others(run, err));
    }
}

static enum lf_code put_result(const struct backfill *run, struct pg_conn *conn, struct arena *arena,
                               struct backfill_result *result, struct err *err)
{
    uint64_t *rows = arena_calloc(arena, run->plan->target_count, sizeof *rows, err);
    if (!rows)
        return err->code;
    TRY(load_state_add_rows(conn, run->load, rows, run->plan->target_count, err));
    result->table_count = run->plan->item + 1; /* all but landfall.reject */
    result->tables = arena_calloc(arena, result->table_count, sizeof *result->tables, err);
    if (!result->tables)
        return err->code;
    for (size_t i = 0; i < result->table_count; i++) {
        const struct load_target *target = &run->plan->targets[i];
        result->tables[i] = (struct backfill_table){
            .table = i == run->plan->item ? target->qualified : target->table,
            .rows = rows[i],
        };
    }
    result->totals = progress_of(run);
    return LF_OK;
}

/* Rows that were moved are where they are now. */
static void count_violations(const struct backfill *run, struct backfill_result *result)
{
    for (size_t i = 0; i < run->violations->count; i++) {
        const struct violation *violation = &run->violations->items[i];
        for (size_t t = 0; t < run->plan->item; t++)
            if (span_equal(result->tables[t].table, violation->table))
                result->tables[t].rows -= violation->items;
    }
    result->tables[run->plan->item].rows += run->violations->moved;
    result->totals.items -= run->violations->rejected;
    result->totals.rejected += run->violations->rejected;
}

static enum lf_code index_and_count(struct backfill *run, struct pg_conn *conn, struct backfill_result *result, struct err *err)
{
    TRY(share_indexes(run, conn, err));
    count_violations(run, result);
    if (run->options->rejects && run->violations->rejected)
        TRY(rejects_write(conn, run->load, run->options->rejects, err));
    return LF_OK;
}

static enum lf_code load_and_index(struct backfill *run, struct pg_conn *conn, struct arena *state_arena, struct arena *arena,
                                   struct backfill_result *result, struct err *err)
{
    double start = seconds_now();
    TRY(load_all(run, conn, state_arena, &result->items_resumed, err));
    result->load_seconds = seconds_now() - start;
    if (run->options->rejects)
        TRY(rejects_write(conn, run->load, run->options->rejects, err));
    TRY(put_result(run, conn, arena, result, err));
    (void)show_progress(run, 0, 0);
    start = seconds_now();
    TRY(index_and_count(run, conn, result, err));
    result->index_seconds = seconds_now() - start;
    return LF_OK;
}

/* Loads the files of full exports. */
static enum lf_code load_items(struct backfill *run, const struct map *map, struct arena *arena, struct backfill_result *result,
                               struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    LEASE_CLEANUP struct lease *lease = NULL;
    struct load_plan plan;
    struct arena state_arena;
    struct load_record record;
    size_t chunk_bytes = run->options->chunk_bytes ? run->options->chunk_bytes : BACKFILL_CHUNK_BYTES;
    char work_name[WORK_NAME_BYTES];
    TRY(load_plan_make(map, run->source, arena, &plan, err));
    run->plan = &plan;
    violations_init(&result->violations, arena);
    run->violations = &result->violations;
    TRY(pg_connect(run->options->postgres, &conn, err));
    TRY(load_plan_check(&plan, conn, err));
    TRY(load_state_open(conn, &plan, run->source, run->options->map_yaml, chunk_bytes, arena, &record, err));
    run->load = record.id;
    source_set_chunk_bytes(run->source, record.chunk_bytes);
    (void)snprintf(work_name, sizeof work_name, "load %" PRId64, run->load);
    TRY(lease_join(run->options->postgres, work_name, run->options->lease_seconds, &lease, err));
    run->lease = lease;
    arena_init(&state_arena, STATE_BYTES_MAX);
    enum lf_code code = load_and_index(run, conn, &state_arena, arena, result, err);
    arena_done(&state_arena);
    return code;
}

static bool show_changes(void *context, uint64_t items_done, uint64_t items_total)
{
    const struct backfill *run = context;
    struct backfill_progress progress = { .items = items_done,
                                          .bytes_read = (int64_t)items_done,
                                          .bytes_total = (int64_t)items_total };
    return run->report && run->report(run->report_context, &progress);
}

static enum lf_code apply_windows(struct backfill *run, const struct map *map, struct backfill_result *result, struct err *err)
{
    const struct changes_options options = {
        .postgres = run->options->postgres,
        .jobs = run->options->jobs,
        .report = show_changes,
        .report_context = run,
    };
    double start = seconds_now();
    TRY(changes_apply(map, run->source, &options, &result->changes, err));
    result->changes_seconds = seconds_now() - start;
    return LF_OK;
}

enum lf_code backfill_run(const struct map *map, struct source *source, const struct backfill_options *options,
                          backfill_report *report, void *context, struct arena *arena, struct backfill_result *ret_result,
                          struct err *err)
{
    struct backfill run = { .options = options, .source = source, .report = report, .report_context = context };
    struct backfill_result result = { 0 };
    if (options->rejects)
        TRY(rejects_check(options->rejects, err));
    if (source->file_count)
        TRY(load_items(&run, map, arena, &result, err));
    if (source->window_count)
        TRY(apply_windows(&run, map, &result, err));
    *ret_result = result;
    return LF_OK;
}
