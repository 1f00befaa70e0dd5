/* landfall follow: brings the changes of tables in use, and says how far it is. */
#include "move/follow/follow.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { LINE_BYTES = 256, FOLLOW_JOBS_MAX = 16 };

static const char scheme[] = "dynamodb://";
static const double redraw_seconds = 0.25;

/* What is shown, and of when. */
struct display {
    const struct cli_options *options;
    bool is_terminal, has_line, failed;
    double shown;                          /* when */
    uint64_t applied_then;                 /* by all tables */
    char trouble_shown[ERR_MESSAGE_BYTES]; /* the same is said once */
};

/* Which tables ------------------------------------------------------------------------------------------------------------- */

static enum lf_code one_table(const struct map *map, struct span name, const struct cli_options *options,
                              const struct map_table **ret_table, struct err *err)
{
    *ret_table = map_find_table(map, name);
    if (!*ret_table)
        return ERR(err, LF_MAP, "%s has no table %.*s", options->map, SPAN_ARG(name));
    return LF_OK;
}

static enum lf_code find_tables(const struct cli_options *options, const struct map *map, const struct map_table **tables,
                                size_t *ret_count, struct err *err)
{
    struct span source = span_from_cstr(options->source), all = SPAN("dynamodb://");
    if (source.len && !span_starts_with(source, all))
        return ERR(err, LF_USAGE, "%s is not a table in use; say %sTABLE", options->source, scheme);
    if (source.len > all.len) {
        *ret_count = 1;
        return one_table(map, span_from(source, all.len), options, &tables[0], err);
    }
    for (size_t i = 0; i < map->table_count; i++)
        tables[i] = &map->tables[i];
    *ret_count = map->table_count;
    return LF_OK;
}

/* Text --------------------------------------------------------------------------------------------------------------------- */

static const char *lag_text(double lag_seconds, char out[SECONDS_TEXT_BYTES])
{
    return lag_seconds < 0 ? "unknown" : seconds_text(lag_seconds, out);
}

/* What it is captured to, or how many shards there are to read. */
static void render_captured(const struct follow_table_progress *table, char text[2 * COUNT_TEXT_BYTES])
{
    struct tm time;
    time_t seconds = (time_t)(table->captured_to_us / 1000000);
    if (!table->by_exports)
        (void)count_of_text(table->open_shards, "open shard", "open shards", text);
    else if (!table->captured_to_us || !gmtime_r(&seconds, &time) ||
             !strftime(text, 2 * COUNT_TEXT_BYTES, "exports to %Y-%m-%d %H:%M:%SZ", &time))
        (void)snprintf(text, 2 * COUNT_TEXT_BYTES, "no exports yet");
}

static void render(const struct follow_table_progress *table, char line[LINE_BYTES])
{
    char captured[COUNT_TEXT_BYTES], applied[COUNT_TEXT_BYTES], from[2 * COUNT_TEXT_BYTES], lag[SECONDS_TEXT_BYTES];
    if (table->state == FOLLOW_STANDS_BY)
        (void)snprintf(line, LINE_BYTES, "%.*s: another process follows it, this one stands by", SPAN_ARG(table->table));
    else if (table->state == FOLLOW_IS_OVER)
        (void)snprintf(line, LINE_BYTES, "%.*s: decommissioned, there is nothing left to follow", SPAN_ARG(table->table));
    else {
        render_captured(table, from);
        (void)snprintf(line, LINE_BYTES, "%.*s: %s, %s; %s, %s captured, %s applied, lag %s", SPAN_ARG(table->table),
                       phase_names[table->phase], follow_state_names[table->state], from, count_text(table->captured, captured),
                       count_text(table->applied, applied), lag_text(table->lag_seconds, lag));
    }
}

static double rate_since(const struct display *display, const struct follow_progress *progress, double now)
{
    uint64_t applied = 0;
    for (size_t i = 0; i < progress->table_count; i++)
        applied += progress->tables[i].applied;
    return now > display->shown && applied > display->applied_then
               ? (double)(applied - display->applied_then) / (now - display->shown)
               : 0;
}

/* The table that is furthest behind stands for all on a terminal's one line. */
static const struct follow_table_progress *furthest_behind(const struct follow_progress *progress)
{
    const struct follow_table_progress *found = &progress->tables[0];
    for (size_t i = 1; i < progress->table_count; i++)
        if (progress->tables[i].lag_seconds > found->lag_seconds)
            found = &progress->tables[i];
    return found;
}

static void show_text(struct display *display, const struct follow_progress *progress, double now)
{
    char line[LINE_BYTES], rate[COUNT_TEXT_BYTES];
    count_text((uint64_t)rate_since(display, progress, now), rate);
    if (display->is_terminal) {
        render(furthest_behind(progress), line);
        fprintf(stderr, "\r\033[K%s (%s/s)", line, rate);
        display->has_line = true;
    } else {
        for (size_t i = 0; i < progress->table_count; i++) {
            render(&progress->tables[i], line);
            fprintf(stderr, "follow  %s\n", line);
        }
        fprintf(stderr, "follow  %s records/s applied\n", rate);
    }
    fflush(stderr);
}

/* JSON --------------------------------------------------------------------------------------------------------------------- */

static void put_table(struct buf *json, const struct follow_table_progress *table)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "table", table->table);
    json_out_text(json, "phase", span_from_cstr(phase_names[table->phase]));
    json_out_text(json, "state", span_from_cstr(follow_state_names[table->state]));
    json_out_bool(json, "by_exports", table->by_exports);
    json_out_count(json, "shards", table->shards);
    json_out_count(json, "open_shards", table->open_shards);
    json_out_count(json, "captured", table->captured);
    json_out_count(json, "applied", table->applied);
    json_out_count(json, "repaired", table->repaired);
    json_out_count(json, "late", table->late);
    if (table->captured_to_us)
        json_out_number(json, "captured_to", (double)table->captured_to_us / 1e6);
    if (table->lag_seconds >= 0)
        json_out_number(json, "lag_seconds", table->lag_seconds);
    json_out_bool(json, "caught_up", table->is_caught_up);
    json_out_close(json, '}');
}

static enum lf_code print_json(const struct display *display, const struct follow_progress *progress, double now, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_open(&json, "tables", '[');
    for (size_t i = 0; i < progress->table_count; i++)
        put_table(&json, &progress->tables[i]);
    json_out_close(&json, ']');
    json_out_number(&json, "applied_per_second", rate_since(display, progress, now));
    json_out_close(&json, '}');
    TRY(output_json(&json, err));
    return fflush(stdout) ? ERR(err, LF_IO, "cannot write to standard output") : LF_OK;
}

/* Progress ----------------------------------------------------------------------------------------------------------------- */

static void take_line_away(struct display *display)
{
    if (display->has_line)
        fprintf(stderr, "\r\033[K");
    display->has_line = false;
}

/* Nothing more will come. */
static bool has_come_to_its_end(const struct follow_progress *progress, bool until_caught_up)
{
    for (size_t i = 0; i < progress->table_count; i++)
        if (progress->tables[i].state != FOLLOW_IS_OVER && !(until_caught_up && progress->tables[i].is_caught_up))
            return false;
    return true;
}

static void show(struct display *display, const struct follow_progress *progress, double now)
{
    struct err failure = ERR_INIT;
    if (display->options->json)
        display->failed |= print_json(display, progress, now, &failure) != LF_OK;
    else
        show_text(display, progress, now);
    display->shown = now;
    display->applied_then = 0;
    for (size_t i = 0; i < progress->table_count; i++)
        display->applied_then += progress->tables[i].applied;
}

static void show_trouble(struct display *display, const char *trouble)
{
    if (strcmp(display->trouble_shown, trouble) == 0)
        return;
    take_line_away(display);
    fprintf(stderr, "follow  %s; trying again\n", trouble);
    (void)snprintf(display->trouble_shown, sizeof display->trouble_shown, "%s", trouble);
}

static bool report(void *context, const struct follow_progress *progress)
{
    struct display *display = context;
    double now = clock_seconds();
    bool is_over = interrupt_asked() || display->failed;
    if (progress->trouble) {
        show_trouble(display, progress->trouble);
        return is_over;
    }
    display->trouble_shown[0] = '\0';
    bool is_live = display->is_terminal && !display->options->json;
    bool is_last = is_over || has_come_to_its_end(progress, display->options->until_caught_up);
    if (is_last || now - display->shown >= (is_live ? redraw_seconds : PROGRESS_LINE_SECONDS))
        show(display, progress, now);
    if (is_last && display->has_line) {
        fputc('\n', stderr);
        display->has_line = false;
    }
    return is_over;
}

/* Ctrl-C and SIGTERM are how it is meant to end. */
static enum lf_code follow(const struct cli_options *options, struct follow_options *run, struct err *err)
{
    struct display display = { .options = options, .is_terminal = isatty(STDERR_FILENO), .shown = clock_seconds() };
    const struct dynamodb_options client = { .region = options->region,
                                             .endpoint = options->endpoint,
                                             .is_over = interrupt_flag() };
    TRY(dynamodb_open(&client, &run->client, err));
    enum lf_code code = follow_run(run, report, &display, err);
    dynamodb_close(run->client);
    take_line_away(&display);
    if (code == LF_INTERRUPTED && interrupt_asked())
        code = LF_OK;
    return !code && display.failed ? ERR(err, LF_IO, "cannot write to standard output") : code;
}

/* A folder is on record under the path by which any process finds it. The bytes are in the arena. */
static enum lf_code find_exports(const struct cli_options *options, struct arena *arena, const char **ret_place, struct err *err)
{
    char real[PATH_MAX];
    struct span place = span_from_cstr(options->exports), copy;
    *ret_place = NULL;
    if (options->exports && options->enable_stream)
        return ERR(err, LF_USAGE, "--exports is for tables whose stream stays off; leave --enable-stream out");
    if (!options->exports)
        return LF_OK;
    while (place.len > 1 && place.ptr[place.len - 1] == '/')
        place.len--;
    if (span_find(place, SPAN("://")) == place.len) {
        if (!realpath(options->exports, real))
            return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", options->exports, strerror(errno));
        place = span_from_cstr(real);
    }
    TRY(arena_copy(arena, place, &copy, err));
    *ret_place = copy.ptr;
    return LF_OK;
}

enum lf_code command_follow(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct map map;
    struct span yaml;
    const struct map_table *tables[LIMIT_TABLES];
    struct follow_options run = {
        .postgres = options->postgres,
        .map = &map,
        .tables = tables,
        .jobs = options->jobs < FOLLOW_JOBS_MAX ? (unsigned)options->jobs : FOLLOW_JOBS_MAX,
        .lease_seconds = (unsigned)options->lease,
        .request_seconds = 60 * (unsigned)options->request_exports,
        .enables_streams = options->enable_stream,
        .skips_gaps = options->skip_gaps,
        .until_caught_up = options->until_caught_up,
    };
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    TRY(find_tables(options, &map, tables, &run.table_count, err));
    TRY(find_exports(options, &arena, &run.exports, err));
    return follow(options, &run, err);
}
