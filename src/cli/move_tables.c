#include "cli/move_tables.h"

#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "move/control.h"

static bool asked_to_stop(void *context)
{
    (void)context;
    return interrupt_asked();
}

static enum lf_code do_one(struct pg_conn *conn, const struct map *map, const struct map_table *table,
                           const struct cli_options *options, struct arena *arena, move_table *work, void *context,
                           bool *ret_found, struct err *err)
{
    struct cutover cutover = {
        .conn = conn, .map = map, .table = table, .fence_ms = (unsigned)options->fence * 1000, .stop = asked_to_stop
    };
    TRY(phase_read(conn, table->name, false, arena, &cutover.phase, ret_found, err));
    return *ret_found ? work(&cutover, options, context, err) : LF_OK;
}

static enum lf_code do_named(struct pg_conn *conn, const struct map *map, const struct cli_options *options, struct arena *arena,
                             move_table *work, void *context, struct err *err)
{
    bool found = false;
    const struct map_table *table = map_find_table(map, span_from_cstr(options->dynamodb_table));
    if (!table)
        return ERR(err, LF_PRECONDITION, "the map has no DynamoDB table %s", options->dynamodb_table);
    TRY(do_one(conn, map, table, options, arena, work, context, &found, err));
    if (!found)
        return ERR(err, LF_PRECONDITION, "nothing follows table %s; `landfall follow` begins its move", options->dynamodb_table);
    return LF_OK;
}

static enum lf_code do_all(struct pg_conn *conn, const struct map *map, const struct cli_options *options, struct arena *arena,
                           move_table *work, void *context, struct err *err)
{
    bool any = false;
    for (size_t i = 0; i < map->table_count; i++) {
        bool found = false;
        TRY(do_one(conn, map, &map->tables[i], options, arena, work, context, &found, err));
        any |= found;
    }
    if (!any)
        return ERR(err, LF_PRECONDITION, "no table of the map is moving; `landfall follow` begins its move");
    return LF_OK;
}

enum lf_code move_tables_each(const struct cli_options *options, move_table *work, void *context, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    struct map map;
    struct span yaml;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(control_check(conn, &map, err));
    TRY(phase_prepare_schema(conn, err));
    if (options->dynamodb_table)
        return do_named(conn, &map, options, &arena, work, context, err);
    return do_all(conn, &map, options, &arena, work, context, err);
}

enum lf_code move_tables_open_dynamodb(const struct cutover *cutover, struct dynamodb **ret_client, struct err *err)
{
    char region[64], endpoint[512];
    (void)snprintf(region, sizeof region, "%.*s", SPAN_ARG(cutover->phase.region));
    (void)snprintf(endpoint, sizeof endpoint, "%.*s", SPAN_ARG(cutover->phase.endpoint));
    const struct dynamodb_options open = { .region = region, .endpoint = endpoint[0] ? endpoint : NULL };
    return dynamodb_open(&open, ret_client, err);
}

/* Preconditions ----------------------------------------------------------------------------------------------------------------
 */

static enum lf_code record_override(const struct cutover *cutover, struct span failures, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "table", cutover->phase.table);
    json_out_text(&json, "overridden", failures);
    json_out_close(&json, '}');
    TRY(buf_check(&json, err));
    fprintf(stderr, "landfall: --force overrides for table %.*s:\n  %.*s\n", SPAN_ARG(cutover->phase.table), SPAN_ARG(failures));
    return phase_record(cutover->conn, "forced", buf_span(&json), err);
}

enum lf_code move_tables_check(const struct cutover *cutover, const struct cli_options *options, enum phase_step step,
                               struct err *err)
{
    size_t failed = 0, firm = 0;
    BUF_CLEANUP struct buf failures;
    buf_init(&failures, COMMAND_ARENA_BYTES);
    const struct precondition_subject subject = { cutover->table, cutover->phase.moved, cutover->entities };
    TRY(precondition_check(cutover->conn, &subject, step, &failures, &failed, &firm, err));
    if (failed == 0)
        return LF_OK;
    if (options->force && firm == 0)
        return record_override(cutover, buf_span(&failures), err);
    return ERR(err, LF_PRECONDITION, "table %.*s is not ready:\n  %s%s", SPAN_ARG(cutover->phase.table), buf_cstr(&failures),
               firm == 0 ? "\n(--force goes on in spite of it)" : "");
}

enum lf_code move_tables_expect(const struct cutover *cutover, enum phase phase, const char *what, struct err *err)
{
    if (cutover->phase.phase == phase)
        return LF_OK;
    return ERR(err, LF_PRECONDITION, "table %.*s is in phase %s; only from phase %s can one %s", SPAN_ARG(cutover->phase.table),
               phase_names[cutover->phase.phase], phase_names[phase], what);
}

/* Entities ---------------------------------------------------------------------------------------------------------------------
 */

enum lf_code move_tables_read_entities(const struct cli_options *options, struct arena *arena, struct span *ret_names,
                                       struct err *err)
{
    size_t len = options->entity ? strlen(options->entity) : 0;
    char *lines = arena_alloc(arena, len + 1, err);
    if (!lines)
        return err->code;
    for (size_t i = 0; i < len; i++)
        lines[i] = options->entity[i] == ',' ? '\n' : options->entity[i];
    *ret_names = span_of(lines, len);
    return LF_OK;
}

enum lf_code move_tables_check_usage(const struct cli_options *options, struct err *err)
{
    if (options->entity && !options->dynamodb_table)
        return ERR(err, LF_USAGE, "say which table the entities of --entity are of");
    return LF_OK;
}

void move_tables_put_names(struct buf *text, struct span lines)
{
    while (lines.len) {
        buf_put_span(text, span_cut_line(&lines));
        buf_put_cstr(text, lines.len ? "," : "");
    }
}

enum lf_code move_tables_say_moved(const struct cli_options *options, const struct cutover *cutover, const char *already,
                                   int64_t pause_ms, struct err *err)
{
    BUF_CLEANUP struct buf what;
    buf_init(&what, COMMAND_ARENA_BYTES);
    buf_printf(&what, "PostgreSQL has the authority%s", already);
    if (cutover->entities.len) {
        buf_put_cstr(&what, " over ");
        move_tables_put_names(&what, cutover->entities);
        buf_put_cstr(&what, ", DynamoDB over the rest");
    }
    TRY(buf_check(&what, err));
    return move_tables_say(options, cutover, buf_cstr(&what), pause_ms, err);
}

/* Output -----------------------------------------------------------------------------------------------------------------------
 */

enum lf_code move_tables_say(const struct cli_options *options, const struct cutover *cutover, const char *what, int64_t pause_ms,
                             struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    if (!options->json) {
        printf("%.*s: %s", SPAN_ARG(cutover->phase.table), what);
        if (pause_ms >= 0)
            printf(", pause %lld ms", (long long)pause_ms);
        printf("\n");
        return output_flush(err);
    }
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "table", cutover->phase.table);
    json_out_text(&json, "result", span_from_cstr(what));
    if (pause_ms >= 0)
        json_out_count(&json, "pause_ms", (uint64_t)pause_ms);
    json_out_close(&json, '}');
    return output_json(&json, err);
}
