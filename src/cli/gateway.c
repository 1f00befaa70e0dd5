/* landfall gateway: lists the gateways of the catalog, or forgets one. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "move/control.h"
#include "move/gateways.h"
#include "move/phase.h"

static const char list_sql[] =
    "SELECT id, address, round(extract(epoch FROM clock_timestamp() - beat_at))::bigint, coalesce(journal_place, ''), "
    "is_behind::integer FROM landfall.gateway ORDER BY address, started_at";

enum { FIELD_ID, FIELD_ADDRESS, FIELD_SILENT, FIELD_JOURNAL, FIELD_BEHIND };

static bool is_behind(const struct pg_result *rows, size_t row)
{
    return pg_result_int64(rows, row, FIELD_BEHIND) != 0;
}

static void print_row(const struct pg_result *rows, size_t row)
{
    const char *journal = pg_result_text(rows, row, FIELD_JOURNAL);
    printf("%s  %s  last beat %s s ago  %s%s%s\n", pg_result_text(rows, row, FIELD_ID), pg_result_text(rows, row, FIELD_ADDRESS),
           pg_result_text(rows, row, FIELD_SILENT), journal[0] ? "journal " : "refuses without PostgreSQL", journal,
           is_behind(rows, row) ? ", not told" : "");
}

static void put_row(struct buf *json, const struct pg_result *rows, size_t row)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "id", span_from_cstr(pg_result_text(rows, row, FIELD_ID)));
    json_out_text(json, "address", span_from_cstr(pg_result_text(rows, row, FIELD_ADDRESS)));
    json_out_count(json, "last_beat_s", (uint64_t)pg_result_int64(rows, row, FIELD_SILENT));
    json_out_text(json, "journal", span_from_cstr(pg_result_text(rows, row, FIELD_JOURNAL)));
    json_out_raw(json, "behind", is_behind(rows, row) ? SPAN("true") : SPAN("false"));
    json_out_close(json, '}');
}

static enum lf_code list(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    BUF_CLEANUP struct buf json;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    buf_init(&json, COMMAND_ARENA_BYTES);
    TRY(pg_query(conn, list_sql, &(struct pg_params){ 0 }, &rows, err));
    json_out_open(&json, NULL, '[');
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        if (options->json)
            put_row(&json, rows, i);
        else
            print_row(rows, i);
    json_out_close(&json, ']');
    return options->json ? output_json(&json, err) : LF_OK;
}

static enum lf_code say_forgotten(const struct cli_options *options, uint64_t hidden, struct err *err)
{
    BUF_CLEANUP struct buf json;
    char count[2 * COUNT_TEXT_BYTES];
    buf_init(&json, COMMAND_ARENA_BYTES);
    if (!options->json) {
        printf(
            "forgotten; %s not read from PostgreSQL until `landfall follow` has caught up, and `landfall verify` must follow\n",
            count_of_text(hidden, "table is", "tables are", count));
        return LF_OK;
    }
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "tables", hidden);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code forget(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    uint64_t hidden = 0;
    if (!options->id)
        return ERR(err, LF_USAGE, "`landfall gateway forget` needs the gateway's id; see `landfall gateway list`");
    TRY(gateways_forget(conn, options->id, &hidden, err));
    return say_forgotten(options, hidden, err);
}

enum lf_code command_gateway(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(control_check_there(conn, err));
    TRY(phase_prepare_schema(conn, err));
    return options->gateway_action == CLI_GATEWAY_ACTION_FORGET ? forget(options, conn, err) : list(options, conn, err);
}
