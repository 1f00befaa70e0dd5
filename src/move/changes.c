#include "move/changes.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "codec/timestamp.h"
#include "move/follow/loadable.h"
#include "move/overlay.h"
#include "move/repair.h"
#include "source/windows.h"

enum { CHANGES_ARENA_BYTES = 256 * 1024 * 1024, CHANGES_PAGES_PER_PART = 2048, NUMBER_BYTES = 24 };

/* "windows" in ASCII. */
#define WINDOWS_LOCK "33612734155813747"

/* Microseconds since 2000 to timestamptz; a parameter each. */
#define TIME_OF(parameter)                                                                             \
    "timestamptz '2000-01-01 00:00:00+00' + (" parameter "::bigint / 1000) * interval '1 millisecond'" \
    " + (" parameter "::bigint % 1000) * interval '1 microsecond'"

struct applying {
    const struct map *map;
    struct source *source;
    const struct changes_options *options;
    struct arena arena;
    bool *pending; /* by window */
    bool wanted[LIMIT_TABLES];
    size_t map_tables[LIMIT_TABLES];
    struct overlay overlay;
    struct key_differences keys;
    struct changes_result result;
};

/* The record ------------------------------------------------------------------------------------------------------------- */

static struct pg_field time_field(int64_t us, char text[NUMBER_BYTES])
{
    int len = snprintf(text, NUMBER_BYTES, "%" PRId64, us);
    return (struct pg_field){ text, (size_t)len };
}

static enum lf_code insert_window(struct pg_conn *conn, struct span table, const int64_t *from_us, int64_t to_us,
                                  struct span export, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.window (table_name, from_time, to_time, export)"
                              " VALUES ($1, " TIME_OF("$2") ", " TIME_OF("$3") ", $4) ON CONFLICT DO NOTHING";
    char from[NUMBER_BYTES], to[NUMBER_BYTES];
    struct pg_field values[] = { pg_text_field(table), from_us ? time_field(*from_us, from) : PG_NULL, time_field(to_us, to),
                                 pg_text_field(export) };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 4 }, &result, err);
}

enum lf_code changes_record_full(struct pg_conn *conn, struct span table, int64_t time_us, struct err *err)
{
    return insert_window(conn, table, NULL, time_us, SPAN("the full export"), err);
}

enum lf_code changes_check_none(struct pg_conn *conn, struct err *err)
{
    static const char sql[] = "SELECT EXISTS (SELECT FROM landfall.window WHERE from_time IS NOT NULL)::integer";
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .count = 0 }, &result, err));
    if (pg_result_int64(result, 0, 0))
        return ERR(err, LF_PRECONDITION, "incremental exports were applied since the load; name the source that holds them all");
    return loadable_check_none_applied(conn, err);
}

static enum lf_code record_windows(void *context, struct pg_conn *conn, struct err *err)
{
    const struct applying *applying = context;
    const struct source *source = applying->source;
    for (size_t i = 0; i < source->window_count; i++) {
        const struct source_window *window = &source->windows[i];
        if (applying->pending[i])
            TRY(insert_window(conn, source->tables[window->table].name, &window->from_us, window->to_us, window->name, err));
    }
    return LF_OK;
}

/* What is pending -------------------------------------------------------------------------------------------------------- */

static enum lf_code read_position(struct pg_conn *conn, struct span table, int64_t *ret_us, struct err *err)
{
    static const char sql[] = "SELECT (extract(epoch FROM max(to_time) - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint"
                              " FROM landfall.window WHERE table_name = $1";
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field value = pg_text_field(table);
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    if (!pg_result_get(result, 0, 0).data)
        return ERR(err, LF_PRECONDITION,
                   "no full export of table %.*s with a known time was loaded; incremental exports follow one", SPAN_ARG(table));
    *ret_us = pg_result_int64(result, 0, 0);
    return LF_OK;
}

static enum lf_code find_pending(struct applying *applying, struct pg_conn *conn, struct err *err)
{
    const struct source *source = applying->source;
    for (size_t first = 0, end = 0; first < source->window_count; first = end) {
        int64_t position;
        size_t following, table = source->windows[first].table;
        end = windows_of_table_end(source, first);
        TRY(read_position(conn, source->tables[table].name, &position, err));
        TRY(windows_following(source, first, end, position, &following, err));
        if (following < end)
            TRY(loadable_check_waits(conn, source->tables[table].name, err));
        for (size_t i = following; i < end; i++)
            applying->pending[i] = true;
        applying->result.windows += end - following;
        applying->wanted[applying->map_tables[table]] |= following < end;
    }
    return LF_OK;
}

/* Applying ----------------------------------------------------------------------------------------------------------------- */

static void count_changes(struct applying *applying)
{
    for (size_t i = 0; i < applying->keys.count; i++)
        *(applying->keys.items[i].in_source ? &applying->result.written : &applying->result.deleted) += 1;
}

static enum lf_code replace_rows(struct applying *applying, struct err *err)
{
    struct target_parts parts;
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    struct crew crew = {
        .postgres = applying->options->postgres,
        .jobs = applying->options->jobs,
        .report = applying->options->report,
        .report_context = applying->options->report_context,
    };
    TRY(pg_connect(applying->options->postgres, &conn, err));
    TRY(target_plan(conn, applying->map, CHANGES_PAGES_PER_PART, &applying->arena, &parts, err));
    crew.items_total = parts.row_estimate + applying->keys.count;
    const struct repair repair = {
        .map = applying->map,
        .postgres = applying->options->postgres,
        .crew = &crew,
        .target = &parts,
        .wanted = applying->wanted,
        .source = applying->source,
        .overlay = &applying->overlay,
        .changes_only = true,
        .finish = record_windows,
        .finish_context = applying,
    };
    return repair_run(&repair, &applying->keys, err);
}

static enum lf_code apply_pending(struct applying *applying, struct err *err)
{
    TRY(overlay_read(applying->map, applying->source, applying->map_tables, applying->pending, &applying->overlay, err));
    TRY(overlay_differences(&applying->overlay, &applying->keys, err));
    count_changes(applying);
    return replace_rows(applying, err);
}

static enum lf_code apply(struct applying *applying, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL; /* the lock goes with it */
    applying->pending = arena_calloc(&applying->arena, applying->source->window_count, sizeof *applying->pending, err);
    if (!applying->pending)
        return err->code;
    TRY(scan_match_tables(applying->map, applying->source, applying->map_tables, err));
    TRY(pg_connect(applying->options->postgres, &conn, err));
    TRY(pg_exec(conn, "SELECT pg_catalog.pg_advisory_lock(" WINDOWS_LOCK ")", err));
    TRY(find_pending(applying, conn, err));
    return applying->result.windows ? apply_pending(applying, err) : LF_OK;
}

enum lf_code changes_apply(const struct map *map, struct source *source, const struct changes_options *options,
                           struct changes_result *ret_result, struct err *err)
{
    struct applying applying = { .map = map, .source = source, .options = options };
    arena_init(&applying.arena, CHANGES_ARENA_BYTES);
    enum lf_code code = apply(&applying, err);
    overlay_done(&applying.overlay);
    key_differences_done(&applying.keys);
    arena_done(&applying.arena);
    if (code == LF_OK)
        *ret_result = applying.result;
    return code;
}
