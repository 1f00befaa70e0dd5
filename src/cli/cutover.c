/* landfall cutover: moves reads, then writes, of a running application to PostgreSQL. */
#include <stdio.h>

#include "aws/dynamodb_items.h"
#include "cli/move_tables.h"

/* Reads ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code say_shares(const struct cutover *cutover, const struct cli_options *options, struct err *err)
{
    BUF_CLEANUP struct buf what;
    buf_init(&what, COMMAND_ARENA_BYTES);
    buf_printf(&what, "%u %% of reads%s", (unsigned)options->percent, cutover->entities.len ? " of " : "");
    move_tables_put_names(&what, cutover->entities);
    buf_printf(&what, " from PostgreSQL, %u %% compared", (unsigned)options->shadow_percent);
    TRY(buf_check(&what, err));
    return move_tables_say(options, cutover, buf_cstr(&what), -1, err);
}

static enum lf_code move_reads(struct cutover *cutover, const struct cli_options *options, struct arena *arena, struct err *err)
{
    bool has_more = true, moves_none = cutover->phase.by_exports && options->percent == 0;
    TRY(move_tables_read_entities(options, arena, &cutover->entities, err));
    if (cutover->phase.phase != PHASE_FOLLOW)
        TRY(move_tables_expect(cutover, PHASE_DUAL_WRITE, "move reads", err));
    TRY(cutover_check_entities(cutover, arena, &has_more, err));
    TRY(move_tables_check(cutover, options, moves_none ? STEP_BOTH_SIDES : STEP_READS, err));
    TRY(cutover_reads(cutover, (unsigned)options->percent, (unsigned)options->shadow_percent, err));
    return say_shares(cutover, options, err);
}

static enum lf_code reads(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    (void)context;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    return move_reads(cutover, options, &arena, err);
}

/* Time to live -----------------------------------------------------------------------------------------------------------------
 */

static enum lf_code read_time_to_live(struct cutover *cutover, struct arena *arena, struct span *ret_attribute, struct err *err)
{
    struct dynamodb *client = NULL;
    TRY(move_tables_open_dynamodb(cutover, &client, err));
    enum lf_code code = dynamodb_describe_time_to_live(client, cutover->phase.table, arena, ret_attribute, err);
    dynamodb_close(client);
    return code;
}

/* What expires in DynamoDB expires in PostgreSQL, too. */
static enum lf_code take_time_to_live(struct cutover *cutover, const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct span attribute;
    bool is_set;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (read_time_to_live(cutover, &arena, &attribute, err)) {
        if (!options->force)
            return err_while(err, "asking by which attribute items expire; --force goes on, and nothing expires in PostgreSQL");
        fprintf(stderr, "landfall: --force goes on without knowing by which attribute items expire: %s\n", err->message);
        return LF_OK;
    }
    TRY(cutover_set_time_to_live(cutover, attribute, &is_set, err));
    if (attribute.len)
        fprintf(stderr, "landfall: items of table %.*s expire by %.*s%s\n", SPAN_ARG(cutover->phase.table), SPAN_ARG(attribute),
                is_set ? "" : " in DynamoDB, but no gateway serves the table yet; say so to one with UpdateTimeToLive");
    return LF_OK;
}

static enum lf_code move_writes(struct cutover *cutover, const struct cli_options *options, struct arena *arena, struct err *err)
{
    unsigned pause_ms = 0;
    bool has_more = true;
    TRY(move_tables_read_entities(options, arena, &cutover->entities, err));
    if (cutover->phase.phase == PHASE_POSTGRES && !cutover->phase.moved.len) {
        cutover->entities = SPAN("");
        return move_tables_say_moved(options, cutover, " already", -1, err);
    }
    if (!cutover->phase.moved.len)
        TRY(move_tables_expect(cutover, PHASE_DUAL_WRITE, "move writes", err));
    TRY(cutover_check_entities(cutover, arena, &has_more, err));
    if (!has_more)
        return move_tables_say_moved(options, cutover, " already", -1, err);
    TRY(move_tables_check(cutover, options, STEP_WRITES, err));
    TRY(take_time_to_live(cutover, options, err));
    TRY(cutover_writes(cutover, &pause_ms, err));
    return move_tables_say_moved(options, cutover, "", pause_ms, err);
}

static enum lf_code writes(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    (void)context;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    return move_writes(cutover, options, &arena, err);
}

enum lf_code command_cutover(const struct cli_options *options, struct err *err)
{
    bool is_of_reads = options->cutover_of == CLI_CUTOVER_OF_READS;
    TRY(move_tables_check_usage(options, err));
    return move_tables_each(options, is_of_reads ? reads : writes, NULL, err);
}
