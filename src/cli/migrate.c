/* landfall migrate: applies migrations, takes the newest back, or lists them. */
#include "move/migrate.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/violations.h"
#include "move/control.h"

/* What was applied or taken back, for the output of this run. */
struct migrate_log {
    const struct cli_options *options;
    const char *verb;
    struct buf json;
    size_t count;
    struct violations violations;
};

static void log_migration(void *context, const struct migration *migration, double seconds)
{
    struct migrate_log *log = context;
    char time[SECONDS_TEXT_BYTES];
    log->count++;
    if (!log->options->json) {
        printf("%s %.*s_%.*s  %s\n", log->verb, SPAN_ARG(migration->version), SPAN_ARG(migration->name),
               seconds_text(seconds, time));
        fflush(stdout);
        return;
    }
    json_out_open(&log->json, NULL, '{');
    json_out_text(&log->json, "version", migration->version);
    json_out_text(&log->json, "name", migration->name);
    json_out_number(&log->json, "seconds", seconds);
    json_out_close(&log->json, '}');
}

/* What a count says, or 0 where the table is not there. */
static enum lf_code count_if_there(struct pg_conn *conn, const char *table, const char *condition, int64_t *ret_count,
                                   struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *there = NULL;
    PG_RESULT_CLEANUP struct pg_result *counted = NULL;
    BUF_CLEANUP struct buf sql;
    buf_init(&sql, COMMAND_ARENA_BYTES);
    *ret_count = 0;
    buf_printf(&sql, "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('%s')", table);
    TRY(buf_check(&sql, err));
    TRY(pg_query(conn, buf_cstr(&sql), NULL, &there, err));
    if (pg_result_int64(there, 0, 0) == 0)
        return LF_OK;
    buf_reset(&sql);
    buf_printf(&sql, "SELECT count(*) FROM %s WHERE %s", table, condition);
    TRY(buf_check(&sql, err));
    TRY(pg_query(conn, buf_cstr(&sql), NULL, &counted, err));
    *ret_count = pg_result_int64(counted, 0, 0);
    return LF_OK;
}

/* Says how much only the schema landfall holds: it cannot be had back. */
static enum lf_code confirm_contract(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    int64_t items;
    char count[2 * COUNT_TEXT_BYTES], text[160];
    TRY(count_if_there(conn, "landfall.item", "true", &items, err));
    (void)snprintf(text, sizeof text,
                   "drops every ddb_extra column and the schema landfall, with %s that no table holds, for good",
                   count_of_text((uint64_t)items, "item", "items", count));
    return command_confirm(options, text, err);
}

static enum lf_code is_contracted(const struct cli_options *options, struct pg_conn *conn, bool *ret_contracted, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct migration_list list;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(migrate_read(options->migrations, conn, &arena, &list, err));
    *ret_contracted = false;
    for (size_t i = 0; i < list.count; i++)
        *ret_contracted |= list.items[i].step == MIGRATION_CONTRACT && list.items[i].applied;
    return LF_OK;
}

/* A contract of empty tables takes away what the load needs. */
static enum lf_code prepare_contract(const struct cli_options *options, struct pg_conn *conn, int64_t loads, struct err *err)
{
    bool contracted;
    TRY(is_contracted(options, conn, &contracted, err));
    if (contracted)
        return LF_OK;
    if (loads == 0)
        return ERR(err, LF_PRECONDITION,
                   "nothing was loaded yet, and the contract takes away what a load needs: run `landfall backfill`");
    return confirm_contract(options, conn, err);
}

/* Once a backfill has finished, indexes and constraints are due. */
static enum lf_code last_step(const struct cli_options *options, struct pg_conn *conn, enum migration_step *ret_step,
                              struct err *err)
{
    static const enum migration_step steps[] = {
        [CLI_TO_TABLES] = MIGRATION_TABLES,
        [CLI_TO_INDEXES] = MIGRATION_INDEXES,
        [CLI_TO_CONSTRAINTS] = MIGRATION_CONSTRAINTS,
        [CLI_TO_CONTRACT] = MIGRATION_CONTRACT,
    };
    int64_t loads;
    *ret_step = steps[options->to];
    if (options->to != CLI_TO_CONTRACT && options->to != CLI_TO_UNSET)
        return LF_OK;
    TRY(control_check_owner(conn, err));
    TRY(count_if_there(conn, "landfall.load", "finished_at IS NOT NULL", &loads, err));
    if (options->to == CLI_TO_CONTRACT)
        return prepare_contract(options, conn, loads, err);
    *ret_step = loads ? MIGRATION_CONSTRAINTS : MIGRATION_TABLES;
    return LF_OK;
}

/* Without a map, or with one that cannot be read, nothing is moved: migrations can be applied all the same. */
static enum lf_code migrate_with_map(struct pg_conn *conn, struct migrate_log *log, enum migration_step last, struct arena *arena,
                                     struct err *err)
{
    struct err ignored = ERR_INIT;
    struct map map;
    struct span yaml;
    bool has_map = command_read_map(log->options, arena, &map, &yaml, &ignored) == LF_OK;
    const struct violations_options options = {
        .map = has_map ? &map : NULL,
        .up = {
            .dir = log->options->migrations,
            .last = last,
            .jobs = command_jobs(log->options),
            .progress = log_migration,
            .context = log,
        },
    };
    enum lf_code code = violations_migrate_up(conn, &options, &log->violations, err);
    if (!log->options->json)
        violations_print(&log->violations);
    return code;
}

static enum lf_code migrate(struct pg_conn *conn, struct migrate_log *log, struct arena *arena, struct err *err)
{
    const struct cli_options *options = log->options;
    enum migration_step last;
    if (options->action == CLI_ACTION_DOWN) {
        log->verb = "took back";
        TRY(command_confirm(options, "takes back the newest migration and the data in what it drops", err));
        return migrate_down(conn, options->migrations, log_migration, log, err);
    }
    log->verb = "applied";
    TRY(last_step(options, conn, &last, err));
    return migrate_with_map(conn, log, last, arena, err);
}

static enum lf_code run(const struct cli_options *options, struct pg_conn *conn, struct migrate_log *log, struct arena *arena,
                        struct err *err)
{
    json_out_open(&log->json, NULL, '{');
    json_out_open(&log->json, "migrations", '[');
    TRY(migrate(conn, log, arena, err));
    json_out_close(&log->json, ']');
    violations_put_json(&log->json, &log->violations);
    json_out_close(&log->json, '}');
    if (options->json)
        TRY(output_json(&log->json, err));
    else if (log->count == 0)
        printf("nothing to do\n");
    return violations_check(&log->violations, err);
}

static void put_migrations(struct buf *json, const struct migration_list *list, bool as_json)
{
    json_out_open(json, "migrations", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct migration *migration = &list->items[i];
        if (!as_json)
            printf("[%c] %.*s_%.*s\n", migration->applied ? 'x' : ' ', SPAN_ARG(migration->version), SPAN_ARG(migration->name));
        json_out_open(json, NULL, '{');
        json_out_text(json, "version", migration->version);
        json_out_text(json, "name", migration->name);
        json_out_bool(json, "applied", migration->applied);
        json_out_close(json, '}');
    }
    json_out_close(json, ']');
}

/* NULL where there is no control schema. */
static enum lf_code read_workers(struct pg_conn *conn, struct pg_result **ret_workers, struct err *err)
{
    static const char sql[] = "SELECT w.work, w.host, w.process, count(l.part) FROM landfall.worker w"
                              " LEFT JOIN landfall.lease l ON l.work = w.work AND l.holder = w.id AND l.result IS NULL"
                              " WHERE w.expires_at > pg_catalog.clock_timestamp() GROUP BY w.id ORDER BY w.id";
    int64_t workers;
    *ret_workers = NULL;
    TRY(count_if_there(conn, "landfall.worker", "true", &workers, err));
    return workers ? pg_query(conn, sql, NULL, ret_workers, err) : LF_OK;
}

/* Who is at a backfill or a verify now, and how many parts of it (files, ranges of tables) they have taken. */
static void put_workers(struct buf *json, const struct pg_result *workers, bool as_json)
{
    json_out_open(json, "workers", '[');
    for (size_t row = 0; workers && row < pg_result_rows(workers); row++) {
        const char *work = pg_result_text(workers, row, 0), *host = pg_result_text(workers, row, 1);
        uint64_t process = (uint64_t)pg_result_int64(workers, row, 2), parts = (uint64_t)pg_result_int64(workers, row, 3);
        char count[2 * COUNT_TEXT_BYTES];
        if (!as_json)
            printf("%s: process %" PRIu64 " on %s has taken %s\n", work, process, host,
                   count_of_text(parts, "part", "parts", count));
        json_out_open(json, NULL, '{');
        json_out_text(json, "work", span_from_cstr(work));
        json_out_text(json, "host", span_from_cstr(host));
        json_out_count(json, "process", process);
        json_out_count(json, "parts", parts);
        json_out_close(json, '}');
    }
    json_out_close(json, ']');
}

static enum lf_code status(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    BUF_CLEANUP struct buf json;
    PG_RESULT_CLEANUP struct pg_result *workers = NULL;
    struct migration_list list;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    buf_init(&json, COMMAND_ARENA_BYTES);
    TRY(migrate_read(options->migrations, conn, &arena, &list, err));
    TRY(read_workers(conn, &workers, err));
    json_out_open(&json, NULL, '{');
    put_migrations(&json, &list, options->json);
    put_workers(&json, workers, options->json);
    json_out_close(&json, '}');
    return options->json ? output_json(&json, err) : LF_OK;
}

enum lf_code command_migrate(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    ARENA_CLEANUP struct arena arena;
    struct migrate_log log = { .options = options };
    arena_init(&arena, COMMAND_ARENA_BYTES);
    violations_init(&log.violations, &arena);
    TRY(pg_connect(options->postgres, &conn, err));
    if (options->action == CLI_ACTION_STATUS)
        return status(options, conn, err);
    buf_init(&log.json, COMMAND_ARENA_BYTES);
    enum lf_code code = run(options, conn, &log, &arena, err);
    buf_done(&log.json);
    return code;
}
