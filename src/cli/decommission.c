/* landfall decommission: ends the move of a table, with a last archive. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/dynamodb.h"
#include "cli/interrupt.h"
#include "cli/items.h"
#include "cli/move_tables.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "codec/json.h"
#include "move/export.h"
#include "move/migrate.h"

enum { NAME_BYTES = 256 };

/* What has been done once for all tables. */
struct decommission {
    uint64_t archived;
    bool has_archive;
};

/* The archive -------------------------------------------------------------------------------------------------------------------
 */

static bool show(void *context, uint64_t items_written, uint64_t items_total)
{
    progress_show(context, items_written, items_total > 0 ? (double)items_written / (double)items_total : -1);
    return interrupt_asked();
}

static enum lf_code visit(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    (void)context;
    (void)file;
    (void)item;
    (void)err;
    return LF_OK;
}

/* Reading checks counts and MD5s of the manifest. */
static enum lf_code read_archive(const struct cli_options *options, uint64_t *ret_items, struct err *err)
{
    SOURCE_CLEANUP struct source source = { 0 };
    struct source_options none = { 0 };
    void *contexts[LIMIT_JOBS] = { 0 };
    TRY(source_open(options->output, &none, &source, err));
    return items_read(&source, visit, contexts, command_jobs(options), NULL, ret_items, err);
}

static enum lf_code archive(const struct cutover *cutover, const struct cli_options *options, struct decommission *state,
                            struct err *err)
{
    struct export_options export = { .postgres = options->postgres, .dir = options->output, .jobs = command_jobs(options) };
    struct export_result result;
    struct progress progress;
    progress_begin(&progress, "archive");
    enum lf_code code = export_run(cutover->map, &export, show, &progress, &result, err);
    progress_end(&progress);
    TRY(code);
    TRY(read_archive(options, &state->archived, err));
    if (state->archived != result.items)
        return ERR(err, LF_CHECKSUM, "%s holds %llu items, and %llu were written", options->output,
                   (unsigned long long)state->archived, (unsigned long long)result.items);
    state->has_archive = true;
    return LF_OK;
}

/* DynamoDB's table --------------------------------------------------------------------------------------------------------------
 */

static enum lf_code confirm_name(const struct cutover *cutover, const struct cli_options *options, struct err *err)
{
    char typed[NAME_BYTES] = "";
    if (options->yes)
        (void)snprintf(typed, sizeof typed, "%s", options->confirm ? options->confirm : "");
    else if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
        fprintf(stderr,
                "This deletes the DynamoDB table %.*s with all its items. Type its name: ", SPAN_ARG(cutover->phase.table));
        if (fgets(typed, sizeof typed, stdin))
            typed[strcspn(typed, "\n")] = '\0';
    }
    if (span_equal(span_from_cstr(typed), cutover->phase.table))
        return LF_OK;
    return ERR(err, LF_USAGE, "to delete the DynamoDB table, type its name, or give --yes --confirm %.*s",
               SPAN_ARG(cutover->phase.table));
}

static enum lf_code delete_with(struct dynamodb *client, struct span table, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    BUF_CLEANUP struct buf request;
    struct dynamodb_answer answer;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    buf_init(&request, COMMAND_ARENA_BYTES);
    buf_put_cstr(&request, "{\"TableName\":");
    json_put_string(&request, table);
    buf_put_byte(&request, '}');
    TRY(buf_check(&request, err));
    enum lf_code code =
        dynamodb_call(client, DYNAMODB_TABLES, "DeleteTable", buf_span(&request), DYNAMODB_REPEAT_ANY, &arena, &answer, err);
    return code == LF_RESOURCE_NOT_FOUND ? LF_OK : code;
}

static enum lf_code delete_table(const struct cutover *cutover, struct err *err)
{
    struct dynamodb *client = NULL;
    TRY(move_tables_open_dynamodb(cutover, &client, err));
    enum lf_code code = delete_with(client, cutover->phase.table, err);
    dynamodb_close(client);
    return code;
}

/* The whole ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code end(struct cutover *cutover, const struct cli_options *options, struct decommission *state, struct err *err)
{
    if (!options->output)
        return ERR(err, LF_USAGE, "say with -o DIR where the last archive of table %.*s goes", SPAN_ARG(cutover->phase.table));
    TRY(move_tables_expect(cutover, PHASE_POSTGRES, "decommission it", err));
    TRY(move_tables_check(cutover, options, STEP_DECOMMISSION, err));
    if (!state->has_archive)
        TRY(archive(cutover, options, state, err));
    return cutover_end(cutover, err);
}

static enum lf_code decommission(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    struct decommission *state = context;
    bool was_over = cutover->phase.phase == PHASE_DECOMMISSIONED;
    char what[160], items[2 * COUNT_TEXT_BYTES];
    if (options->delete_table)
        TRY(confirm_name(cutover, options, err));
    if (!was_over)
        TRY(end(cutover, options, state, err));
    if (options->delete_table)
        TRY(delete_table(cutover, err));
    count_of_text(state->archived, "item in the archive", "items in the archive", items);
    (void)snprintf(what, sizeof what, "decommissioned%s%s%s", was_over ? " already" : ", ", was_over ? "" : items,
                   options->delete_table ? "; the DynamoDB table is deleted" : "");
    return move_tables_say(options, cutover, what, -1, err);
}

static enum lf_code contract(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    PG_RESULT_CLEANUP struct pg_result *moving = NULL;
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(pg_query(
        conn,
        "SELECT table_name FROM landfall.phase WHERE phase <> 'decommissioned' UNION ALL SELECT table_name FROM landfall.item "
        "UNION ALL SELECT table_name FROM landfall.late_write WHERE resolved_at IS NULL LIMIT 1",
        &(struct pg_params){ 0 }, &moving, err));
    if (pg_result_rows(moving))
        return ERR(err, LF_PRECONDITION,
                   "the contract drops the schema landfall, and table %s needs it still; see `landfall status`",
                   pg_result_text(moving, 0, 0));
    TRY(command_confirm(
        options, "drops every ddb_extra column and the schema landfall for good; no gateway can serve the tables then", err));
    const struct migrate_up_options up = { .dir = options->migrations, .last = MIGRATION_CONTRACT };
    return migrate_up(conn, &up, err);
}

enum lf_code command_decommission(const struct cli_options *options, struct err *err)
{
    struct decommission state = { 0 };
    TRY(move_tables_each(options, decommission, &state, err));
    return options->contract ? contract(options, err) : LF_OK;
}
