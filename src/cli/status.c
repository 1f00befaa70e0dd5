/* landfall status: how far each table's move from DynamoDB is. */
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "move/control.h"
#include "move/phase.h"

enum { WATCH_SLICES = 10, WATCH_SLICE_US = 100000 };

/* A section: rows of texts under these headings, which are the statement's columns, too. To add one: a line here. */
struct section {
    const char *name; /* in JSON */
    const char *title;
    const char *headings[TABLE_COLUMNS_MAX];
    size_t columns;
    const char *sql;
};

#define SECONDS_SINCE(time) "round(extract(epoch FROM clock_timestamp() - (" time ")))::text"

static const struct section sections[] = {
    { "tables",
      "Tables",
      { "table", "phase", "reads %", "shadow %", "fence", "readable since", "changed at", "entities" },
      8,
      "SELECT table_name, phase, reads_percent || coalesce(' of ' || array_to_string(reads_entities, ', '), ''), "
      "shadow_percent::text, coalesce('to ' || fence || coalesce(' of ' || "
      "array_to_string(fence_entities, ', '), '') || ' until ' || "
      "to_char(fence_until, "
      "'HH24:MI:SS'), ''), coalesce(to_char(readable_at, 'YYYY-MM-DD HH24:MI:SS'), 'not yet'), coalesce(to_char(flipped_at, "
      "'YYYY-MM-DD "
      "HH24:MI:SS'), ''), coalesce(array_to_string(moved_entities, ', '), 'all') FROM landfall.phase ORDER BY table_name" },
    { "lag",
      "Behind DynamoDB",
      { "table", "shards", "read to the end, s ago", "changes not applied", "oldest, s", "gaps" },
      6,
      "SELECT p.table_name, (s.shards)::text, coalesce(" SECONDS_SINCE(
          "s.captured_to") ", 'never'), (w.waiting)::text, coalesce(" SECONDS_SINCE("w.oldest") ", ''), (s.gaps)::text FROM "
                                                                                                "landfall.phase p, LATERAL "
                                                                                                "(SELECT count(*) FILTER (WHERE "
                                                                                                "NOT is_drained) AS shards, "
                                                                                                "count(gap) AS gaps, "
                                                                                                "min(coalesce(captured_to, "
                                                                                                "'-infinity')) FILTER (WHERE NOT "
                                                                                                "is_drained AND captured_to IS "
                                                                                                "NOT NULL) AS "
                                                                                                "captured_to FROM "
                                                                                                "landfall.stream_shard s WHERE "
                                                                                                "s.table_name = p.table_name) s, "
                                                                                                "LATERAL (SELECT count(*) AS "
                                                                                                "waiting, "
                                                                                                "min(captured_at) AS oldest FROM "
                                                                                                "landfall.spool w WHERE "
                                                                                                "w.table_name = p.table_name) w "
                                                                                                "WHERE p.phase <> "
                                                                                                "'decommissioned' ORDER BY 1" },
    { "keys",
      "Keys",
      { "table", "being written", "of unknown outcome", "shadow differences", "late writes" },
      5,
      "SELECT p.table_name, (k.marked)::text, (k.unknown)::text, (SELECT count(*) FROM landfall.shadow_difference d WHERE "
      "d.table_name = "
      "p.table_name)::text, (SELECT count(*) FROM landfall.late_write l WHERE l.table_name = p.table_name AND l.resolved_at IS "
      "NULL)::text FROM landfall.phase p, LATERAL (SELECT count(*) FILTER (WHERE settled_at IS NULL) AS marked, "
      "count(settled_at) AS "
      "unknown FROM landfall.dirty_key k WHERE k.table_name = p.table_name) k ORDER BY 1" },
    { "reads",
      "Reads",
      { "table", "answered by", "reads" },
      3,
      "SELECT table_name, kind, sum(reads)::text FROM landfall.read_count GROUP BY 1, 2 ORDER BY 1, 2" },
    { "reverse",
      "Reverse sync",
      { "table", "changes not sent", "oldest, s", "of unknown outcome", "refused" },
      5,
      "SELECT p.table_name, (c.waiting)::text, coalesce(" SECONDS_SINCE(
          "c.oldest") ", ''), (SELECT count(*) FROM landfall.reverse_sent s "
                      "WHERE s.table_name = p.table_name AND s.again_at IS NOT NULL)::text, (c.refused)::text FROM "
                      "landfall.phase p, LATERAL (SELECT "
                      "count(*) FILTER (WHERE refused IS NULL) AS waiting, min(changed_at) FILTER (WHERE refused IS NULL) AS "
                      "oldest, count(refused) AS "
                      "refused FROM landfall.reverse_change c WHERE c.table_name = p.table_name) c WHERE p.phase = 'postgres' "
                      "ORDER BY 1" },
    { "gateways",
      "Gateways",
      { "address", "started", "last beat, s ago", "catalog" },
      4,
      "SELECT address, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS'), " SECONDS_SINCE(
          "beat_at") ", CASE WHEN catalog_version >= (SELECT version FROM "
                     "landfall.catalog) THEN 'current' ELSE 'behind' END FROM landfall.gateway ORDER BY address, started_at" },
    { "verify",
      "Last verify",
      { "finished", "compared", "different", "missing", "extra" },
      5,
      "SELECT to_char(finished_at, 'YYYY-MM-DD HH24:MI:SS'), compared::text, different::text, missing::text, extra::text FROM "
      "landfall.parity_run WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1" },
    { "workers",
      "At work",
      { "work", "host", "process", "since" },
      4,
      "SELECT work, host, process::text, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS') FROM landfall.worker ORDER BY id" },
};

static const char *cell(void *context, size_t row, size_t column)
{
    return pg_result_text(context, row, column);
}

static void print_section(const struct section *section, struct pg_result *rows)
{
    if (!pg_result_rows(rows))
        return;
    printf("%s%s%s\n", style_bold(), section->title, style_end());
    output_table(section->headings, section->columns, pg_result_rows(rows), cell, rows);
    printf("\n");
}

static void put_section(struct buf *json, const struct section *section, const struct pg_result *rows)
{
    json_out_open(json, section->name, '[');
    for (size_t row = 0; row < pg_result_rows(rows); row++) {
        json_out_open(json, NULL, '{');
        for (size_t column = 0; column < section->columns; column++)
            json_out_text(json, section->headings[column], span_from_cstr(pg_result_text(rows, row, column)));
        json_out_close(json, '}');
    }
    json_out_close(json, ']');
}

static enum lf_code show_all(const struct cli_options *options, struct pg_conn *conn, struct buf *json, struct err *err)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        PG_RESULT_CLEANUP struct pg_result *rows = NULL;
        TRY(pg_query(conn, sections[i].sql, &(struct pg_params){ 0 }, &rows, err));
        if (options->json)
            put_section(json, &sections[i], rows);
        else
            print_section(&sections[i], rows);
    }
    return LF_OK;
}

static enum lf_code show(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    TRY(show_all(options, conn, &json, err));
    json_out_close(&json, '}');
    return options->json ? output_json(&json, err) : output_flush(err);
}

static void rest(void)
{
    for (unsigned i = 0; i < WATCH_SLICES && !interrupt_asked(); i++)
        (void)usleep(WATCH_SLICE_US);
}

static enum lf_code watch(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    bool clears = !options->json && isatty(STDOUT_FILENO);
    while (!interrupt_asked()) {
        if (clears)
            printf("\033[H\033[J");
        TRY(show(options, conn, err));
        rest();
    }
    return LF_OK;
}

enum lf_code command_status(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(control_check_there(conn, err));
    TRY(phase_prepare_schema(conn, err));
    return options->watch ? watch(options, conn, err) : show(options, conn, err);
}
