/* landfall late-writes: lists, takes or drops what was written to DynamoDB too late. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "move/control.h"
#include "move/late_take.h"
#include "move/phase.h"

static const char list_sql[] =
    "SELECT id, table_name, changed_at, CASE WHEN is_removed THEN 'removed' ELSE 'written' END, key FROM "
    "landfall.late_write WHERE resolved_at IS NULL AND ($1::bigint IS NULL OR id = $1::bigint) ORDER BY id";

/* What reverse sync sends for the key is the row's item. The phase is held: who changes it waits for what is to be sent. */
static const char drop_sql[] = "WITH held AS MATERIALIZED (SELECT table_name FROM landfall.phase FOR SHARE), dropped AS (UPDATE "
                               "landfall.late_write w SET resolved_at = clock_timestamp(), resolution = 'dropped' FROM held h "
                               "WHERE w.table_name = h.table_name AND w.resolved_at IS NULL AND ($1::bigint IS NULL OR w.id = "
                               "$1::bigint) RETURNING w.table_name, w.key), again AS (INSERT INTO "
                               "landfall.reverse_change (table_name, "
                               "key) SELECT table_name, key FROM dropped) SELECT count(*) FROM dropped";

static struct pg_field id_field(const struct cli_options *options)
{
    return options->id ? (struct pg_field){ options->id, strlen(options->id) } : PG_NULL;
}

static void put_row(struct buf *json, const struct pg_result *rows, size_t row)
{
    json_out_open(json, NULL, '{');
    json_out_count(json, "id", (uint64_t)pg_result_int64(rows, row, 0));
    json_out_text(json, "table", span_from_cstr(pg_result_text(rows, row, 1)));
    json_out_text(json, "at", span_from_cstr(pg_result_text(rows, row, 2)));
    json_out_text(json, "change", span_from_cstr(pg_result_text(rows, row, 3)));
    json_out_raw(json, "key", span_from_cstr(pg_result_text(rows, row, 4)));
    json_out_close(json, '}');
}

static enum lf_code print_list(const struct cli_options *options, const struct pg_result *rows, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    if (!options->json) {
        for (size_t i = 0; i < pg_result_rows(rows); i++)
            printf("%s  %s  %s  %s  %s\n", pg_result_text(rows, i, 0), pg_result_text(rows, i, 1), pg_result_text(rows, i, 2),
                   pg_result_text(rows, i, 3), pg_result_text(rows, i, 4));
        return LF_OK;
    }
    json_out_open(&json, NULL, '[');
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        put_row(&json, rows, i);
    json_out_close(&json, ']');
    return output_json(&json, err);
}

static enum lf_code list(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    struct pg_field id = id_field(options);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, list_sql, &(struct pg_params){ .values = &id, .count = 1 }, &rows, err));
    return print_list(options, rows, err);
}

static enum lf_code say_done(const struct cli_options *options, uint64_t done, const char *what, struct err *err)
{
    BUF_CLEANUP struct buf json;
    char count[2 * COUNT_TEXT_BYTES];
    buf_init(&json, COMMAND_ARENA_BYTES);
    if (options->id && done == 0)
        return ERR(err, LF_NOT_FOUND, "there is no late write %s that waits for a decision", options->id);
    if (!options->json) {
        printf("%s %s\n", count_of_text(done, "late write", "late writes", count), what);
        return LF_OK;
    }
    json_out_open(&json, NULL, '{');
    json_out_count(&json, what, done);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code drop(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    struct pg_field id = id_field(options);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, drop_sql, &(struct pg_params){ .values = &id, .count = 1 }, &rows, err));
    return say_done(options, (uint64_t)pg_result_int64(rows, 0, 0), "dropped", err);
}

static enum lf_code take(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct map map;
    struct span yaml;
    uint64_t taken = 0;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    TRY(late_take(conn, &map, span_from_cstr(options->id), &taken, err));
    return say_done(options, taken, "taken", err);
}

enum lf_code command_late_writes(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(control_check_there(conn, err));
    TRY(phase_prepare_schema(conn, err));
    switch (options->late_action) {
    case CLI_LATE_ACTION_TAKE:
        return take(options, conn, err);
    case CLI_LATE_ACTION_DROP:
        return drop(options, conn, err);
    default:
        return list(options, conn, err);
    }
}
