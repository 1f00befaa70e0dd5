#include "move/verify.h"

#include <stdlib.h>
#include <time.h>

#include "move/backfill.h"
#include "move/changes.h"
#include "move/overlay.h"
#include "move/repair.h"
#include "move/verify_details.h"
#include "move/verify_live.h"
#include "move/verify_record.h"
#include "move/verify_share.h"
#include "move/verify_sums.h"

enum {
    VERIFY_PAGES_PER_PART = 2048, /* 16 MB */
    VERIFY_ARENA_BYTES = 256 * 1024 * 1024,
    WAIT_INTERVAL_MS = 250,
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Without a source all tables of the map, else those of the source. */
static enum lf_code choose_tables(struct comparison *comparison, struct err *err)
{
    const struct map *map = comparison->map;
    const struct source *source = comparison->source;
    for (size_t t = 0; !source && t < map->table_count; t++)
        comparison->wanted[t] = true;
    for (size_t t = 0; source && t < source->table_count; t++) {
        const struct map_table *table = map_find_table(map, source->tables[t].name);
        if (!table)
            return ERR(err, LF_MAP, "the map has no table %.*s, which the source has", SPAN_ARG(source->tables[t].name));
        comparison->wanted[table - map->tables] = true;
    }
    return LF_OK;
}

static uint64_t count_items(const struct comparison *comparison, const struct parity *sums)
{
    uint64_t count = 0;
    for (size_t t = 0; t < comparison->map->table_count; t++)
        if (comparison->wanted[t])
            count += parity_count(&sums[t]);
    return count;
}

static enum lf_code alloc_target_sums(struct comparison *comparison, struct err *err)
{
    comparison->target_sums = arena_calloc(&comparison->arena, comparison->map->table_count, sizeof(struct parity), err);
    return comparison->target_sums ? LF_OK : err->code;
}

static void expect_items(struct comparison *comparison, bool read_source)
{
    uint64_t source = count_items(comparison, comparison->source_sums);
    if (read_source && source == 0 && comparison->source->item_count > 0)
        source = (uint64_t)comparison->source->item_count;
    comparison->crew.items_total = comparison->parts.row_estimate + (read_source ? source : 0);
}

/* A view of the target as it is now. */
static enum lf_code comparison_open(struct comparison *comparison, struct err *err)
{
    TRY(snapshot_open(comparison->options->postgres, &comparison->snapshot, err));
    comparison->crew.snapshot = comparison->snapshot.name;
    TRY(target_plan(comparison->snapshot.conn, comparison->map, VERIFY_PAGES_PER_PART, &comparison->arena, &comparison->parts,
                    err));
    return alloc_target_sums(comparison, err);
}

/* Leaves the source's sums: they do not change. */
static void comparison_close(struct comparison *comparison)
{
    snapshot_close(&comparison->snapshot);
    comparison->target_sums = NULL;
    comparison->parts = (struct target_parts){ 0 };
}

static bool segment_equal(const struct parity_sum *a, const struct parity_sum *b)
{
    return a->count == b->count && hash128_equal(a->sum, b->sum);
}

/* Flags the unequal segments, counts all. */
static void compare_sums(const struct comparison *comparison, struct segment_set ret_unequal, struct verify_result *result)
{
    for (size_t i = 0; i < comparison->map->table_count * PARITY_SEGMENTS; i++) {
        size_t table = i / PARITY_SEGMENTS, segment = i % PARITY_SEGMENTS;
        bool equal =
            segment_equal(&comparison->source_sums[table].segments[segment], &comparison->target_sums[table].segments[segment]);
        ret_unequal.flags[i] = comparison->wanted[table] && !equal;
        result->segments += comparison->wanted[table];
        result->segments_equal += comparison->wanted[table] && equal;
    }
}

/* What counts alone tell of the unequal segments. */
static void count_by_segment(const struct comparison *comparison, struct segment_set unequal, struct verify_result *result)
{
    for (size_t i = 0; i < comparison->map->table_count * PARITY_SEGMENTS; i++) {
        if (!unequal.flags[i])
            continue;
        uint64_t source = comparison->source_sums[i / PARITY_SEGMENTS].segments[i % PARITY_SEGMENTS].count;
        uint64_t target = comparison->target_sums[i / PARITY_SEGMENTS].segments[i % PARITY_SEGMENTS].count;
        result->missing += source > target ? source - target : 0;
        result->extra += target > source ? target - source : 0;
        result->different += source == target;
    }
}

static enum lf_code treat_group(struct comparison *comparison, const struct key_differences *differences, struct arena *arena,
                                struct verify_result *result, struct err *err)
{
    for (size_t i = 0; i < differences->count; i++) {
        result->different += differences->items[i].different;
        result->missing += differences->items[i].missing;
        result->extra += differences->items[i].extra;
    }
    TRY(details_collect(comparison, differences, arena, result, err));
    const struct repair repair = {
        .map = comparison->map,
        .postgres = comparison->options->postgres,
        .crew = &comparison->crew,
        .target = &comparison->parts,
        .wanted = comparison->wanted,
        .source = comparison->source,
        .overlay = comparison->overlay,
    };
    return comparison->options->repair ? repair_run(&repair, differences, err) : LF_OK;
}

/* Finds the keys behind unequal segments, a bounded group of segments at a time. */
static enum lf_code compare_keys(struct comparison *comparison, struct segment_set unequal, struct arena *arena,
                                 struct verify_result *result, struct err *err)
{
    struct segment_set group = { arena_calloc(&comparison->arena, comparison->map->table_count, PARITY_SEGMENTS, err) };
    if (!group.flags)
        return err->code;
    comparison->crew.items_total = comparison->parts.row_estimate + count_items(comparison, comparison->source_sums);
    while (segment_group_next(comparison, unequal, group)) {
        struct key_differences differences = { 0 };
        enum lf_code code = keys_compare(comparison, group, &differences, err);
        if (code == LF_OK)
            code = treat_group(comparison, &differences, arena, result, err);
        key_differences_done(&differences);
        TRY(code);
    }
    return LF_OK;
}

/* The sums of both sides, and what lies behind those that are unequal. */
static enum lf_code compare_summed(struct comparison *comparison, struct arena *arena, struct verify_result *result,
                                   struct err *err)
{
    struct segment_set unequal = { arena_calloc(&comparison->arena, comparison->map->table_count, PARITY_SEGMENTS, err) };
    if (!unequal.flags)
        return err->code;
    compare_sums(comparison, unequal, result);
    if (comparison->source)
        return compare_keys(comparison, unequal, arena, result, err);
    count_by_segment(comparison, unequal, result);
    return LF_OK;
}

static enum lf_code compare_opened(struct comparison *comparison, bool read_source, struct arena *arena,
                                   struct verify_result *result, struct err *err)
{
    expect_items(comparison, read_source);
    TRY(sums_of_scan(comparison, read_source, err));
    return compare_summed(comparison, arena, result, err);
}

static enum lf_code compare(struct comparison *comparison, bool read_source, struct arena *arena, struct verify_result *result,
                            struct err *err)
{
    enum lf_code code = comparison_open(comparison, err);
    if (code == LF_OK)
        code = compare_opened(comparison, read_source, arena, result, err);
    comparison_close(comparison);
    return code;
}

static uint64_t count_differences(const struct verify_result *result)
{
    return result->different + result->missing + result->extra;
}

static enum lf_code record(struct comparison *comparison, struct pg_conn *conn, int64_t run, const struct verify_result *result,
                           struct err *err)
{
    const struct map *map = comparison->map;
    struct span *tables = arena_calloc(&comparison->arena, map->table_count, sizeof *tables, err);
    size_t count = 0;
    if (!tables)
        return err->code;
    for (size_t i = 0; i < map->table_count; i++)
        if (comparison->wanted[i])
            tables[count++] = map->tables[i].name;
    return record_end(conn, run, tables, count, result, err);
}

/* One comparison with its record. The caller sets what of the result is known before. */
static enum lf_code compare_recorded(struct comparison *comparison, struct pg_conn *conn, bool read_source, struct arena *arena,
                                     struct verify_result *result, struct err *err)
{
    int64_t record_id;
    TRY(record_begin(conn, &record_id, err));
    TRY(compare(comparison, read_source, arena, result, err));
    result->compared = count_items(comparison, comparison->source_sums);
    return record(comparison, conn, record_id, result, err);
}

/* One of several processes ------------------------------------------------------------------------------------------------- */

/* All parts are read, and the end of the run is leased to this process. Somebody may have ended it a moment before. */
static enum lf_code end_run(struct comparison *comparison, struct pg_conn *conn, const struct share *share, struct arena *arena,
                            struct verify_result *result, struct err *err)
{
    bool ended;
    TRY(record_read(conn, share->run, comparison->options->details_max, arena, &ended, result, err));
    if (ended)
        return LF_OK;
    TRY(alloc_target_sums(comparison, err));
    TRY(sums_of_share(comparison, conn, share, err));
    TRY(compare_summed(comparison, arena, result, err));
    result->compared = count_items(comparison, comparison->source_sums);
    return record(comparison, conn, share->run, result, err);
}

static enum lf_code wait_for_others(struct comparison *comparison, struct err *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_INTERVAL_MS * 1000000L };
    struct crew *crew = &comparison->crew;
    uint64_t done = atomic_load(&crew->items_done);
    (void)nanosleep(&pause, NULL);
    if (crew->report && crew->report(crew->report_context, done, done > crew->items_total ? done : crew->items_total))
        return ERR(err, LF_INTERRUPTED, "stopped; other processes are still at this comparison");
    return LF_OK;
}

/* What there is to do for this process now; waits a little when it is nothing. `session` is named after the worker, since others
 * wait for what ends the run. */
static enum lf_code take_share(struct comparison *comparison, struct pg_conn *session, const struct share *share,
                               struct arena *arena, bool *ret_ended, struct verify_result *result, struct err *err)
{
    uint64_t left, unheld;
    bool is_ours = false;
    TRY(lease_count_left(share->lease, share->parts, &left, &unheld, err));
    if (unheld > 0)
        return sums_of_free_parts(comparison, share, err);
    if (left == 0)
        TRY(lease_take(share->lease, LEASE_PART_LAST, &is_ours, err));
    *ret_ended = is_ours;
    return is_ours ? end_run(comparison, session, share, arena, result, err) : wait_for_others(comparison, err);
}

/* Who was taken for dead and is not has lost the session, and reads on `conn` what others have found. */
static enum lf_code share_run(struct comparison *comparison, struct pg_conn *conn, const struct share *share, struct arena *arena,
                              struct verify_result *result, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *session = NULL;
    TRY(pg_connect_again(conn, &session, err));
    TRY(lease_session(share->lease, session, err));
    expect_items(comparison, share->files > 0);
    for (bool ended = false; !ended;) {
        TRY(take_share(comparison, session, share, arena, &ended, result, err));
        if (!ended)
            TRY(record_read(conn, share->run, comparison->options->details_max, arena, &ended, result, err));
    }
    return lease_clear(share->lease, err);
}

static enum lf_code compare_shared(struct comparison *comparison, struct pg_conn *conn, bool read_source, struct arena *arena,
                                   struct verify_result *result, struct err *err)
{
    struct share share = { 0 };
    enum lf_code code = share_open(comparison, conn, read_source, &share, err);
    comparison->crew.snapshot = comparison->snapshot.name;
    if (code == LF_OK)
        code = share_run(comparison, conn, &share, arena, result, err);
    share_close(&share);
    comparison_close(comparison);
    return code;
}

/* Repairs -------------------------------------------------------------------------------------------------------------------- */

/* What is left after a repair, in a new view of the target. */
static enum lf_code compare_again(struct comparison *comparison, struct pg_conn *conn, struct verify_result *result,
                                  struct err *err)
{
    const struct verify_options *options = comparison->options;
    struct verify_options look_only = *options;
    struct verify_result left = { 0 };
    look_only.repair = false;
    look_only.details_max = 0;
    comparison->options = &look_only;
    enum lf_code code = compare_recorded(comparison, conn, false, NULL, &left, err);
    comparison->options = options;
    TRY(code);
    uint64_t found = count_differences(result), remaining = count_differences(&left);
    result->repaired = found > remaining ? found - remaining : 0;
    return LF_OK;
}

/* Whether the source has to be read for its sums; else they are filled in from the record. */
static enum lf_code find_source_sums(struct comparison *comparison, struct pg_conn *conn, bool *ret_read_source, struct err *err)
{
    bool found = false;
    struct span fingerprint = SPAN("");
    if (comparison->source)
        TRY(backfill_fingerprint(comparison->source, &comparison->arena, &fingerprint, err));
    if (!comparison->source)
        TRY(changes_check_none(conn, err));
    if (!comparison->source || !(comparison->options->reread || comparison->overlay))
        TRY(sums_of_record(conn, comparison, fingerprint, comparison->source_sums, &found, err));
    if (!found && !comparison->source)
        return ERR(err, LF_PRECONDITION, "no finished load is on record for every table of the map; name the source");
    *ret_read_source = !found;
    return LF_OK;
}

static int compare_details(const void *left, const void *right)
{
    const struct verify_difference *a = left, *b = right;
    int order = span_compare(a->table, b->table);
    return order ? order : span_compare(a->key, b->key);
}

/* What the windows of the source leave of the keys that they touch. */
static enum lf_code read_windows(struct comparison *comparison, struct overlay *overlay, struct err *err)
{
    size_t map_tables[LIMIT_TABLES];
    bool *all = arena_calloc(&comparison->arena, comparison->source->window_count, sizeof *all, err);
    if (!all)
        return err->code;
    for (size_t i = 0; i < comparison->source->window_count; i++)
        all[i] = true;
    TRY(scan_match_tables(comparison->map, comparison->source, map_tables, err));
    TRY(overlay_read(comparison->map, comparison->source, map_tables, all, overlay, err));
    comparison->overlay = overlay;
    return LF_OK;
}

static enum lf_code run_compared(struct comparison *comparison, struct pg_conn *conn, struct arena *arena,
                                 struct verify_result *result, struct err *err)
{
    comparison->source_sums = arena_calloc(&comparison->arena, comparison->map->table_count, sizeof(struct parity), err);
    result->details = arena_calloc(arena, comparison->options->details_max, sizeof *result->details, err);
    if (!comparison->source_sums || !result->details)
        return err->code;
    TRY(find_source_sums(comparison, conn, &result->source_reread, err));
    if (comparison->options->repair || comparison->overlay)
        TRY(compare_recorded(comparison, conn, result->source_reread, arena, result, err));
    else
        TRY(compare_shared(comparison, conn, result->source_reread, arena, result, err));
    if (comparison->options->repair && count_differences(result))
        TRY(compare_again(comparison, conn, result, err));
    if (result->detail_count)
        qsort(result->details, result->detail_count, sizeof *result->details, compare_details);
    return LF_OK;
}

static enum lf_code run_live(struct comparison *comparison, struct pg_conn *conn, struct arena *arena,
                             struct verify_result *result, struct err *err)
{
    int64_t record_id;
    result->details = arena_calloc(arena, comparison->options->details_max, sizeof *result->details, err);
    if (!result->details)
        return err->code;
    TRY(target_plan(conn, comparison->map, VERIFY_PAGES_PER_PART, &comparison->arena, &comparison->parts, err));
    result->source_reread = true;
    TRY(record_begin(conn, &record_id, err));
    TRY(live_compare(comparison, arena, result, err));
    if (result->detail_count)
        qsort(result->details, result->detail_count, sizeof *result->details, compare_details);
    return record(comparison, conn, record_id, result, err);
}

static enum lf_code run(struct comparison *comparison, struct pg_conn *conn, struct arena *arena, struct verify_result *result,
                        struct err *err)
{
    struct overlay overlay = { 0 };
    enum lf_code code = LF_OK;
    TRY(choose_tables(comparison, err));
    if (comparison->source && source_is_live(comparison->source))
        return run_live(comparison, conn, arena, result, err);
    if (comparison->source && comparison->source->window_count)
        code = read_windows(comparison, &overlay, err);
    if (code == LF_OK)
        code = run_compared(comparison, conn, arena, result, err);
    overlay_done(&overlay);
    return code;
}

enum lf_code verify_run(const struct map *map, struct source *source, const struct verify_options *options, verify_report *report,
                        void *context, struct arena *arena, struct verify_result *ret_result, struct err *err)
{
    double start = seconds_now();
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    struct verify_result result = { 0 };
    struct comparison comparison = {
        .map = map,
        .source = source,
        .options = options,
        .crew = { .postgres = options->postgres,
                  .jobs = options->jobs,
                  .profile = options->profile,
                  .report = report,
                  .report_context = context },
    };
    if (options->repair && !source)
        return ERR(err, LF_PRECONDITION, "a repair needs the source");
    if (source)
        TRY(source_require_items(source, err));
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(control_check(conn, map, err));
    arena_init(&comparison.arena, VERIFY_ARENA_BYTES);
    enum lf_code code = run(&comparison, conn, arena, &result, err);
    arena_done(&comparison.arena);
    TRY(code);
    TRY(control_unmapped(conn, map, &result.unmapped, err));
    result.seconds = seconds_now() - start;
    *ret_result = result;
    return LF_OK;
}
