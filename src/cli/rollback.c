/* landfall rollback: takes a cutover back. */
#include "cli/move_tables.h"

static enum lf_code reads(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    (void)context;
    TRY(move_tables_expect(cutover, PHASE_DUAL_WRITE, "take reads back", err));
    TRY(move_tables_check(cutover, options, STEP_ROLLBACK_READS, err));
    TRY(cutover_rollback_reads(cutover, err));
    return move_tables_say(options, cutover, "all requests go to DynamoDB alone", -1, err);
}

static enum lf_code take_writes_back(struct cutover *cutover, const struct cli_options *options, struct arena *arena,
                                     struct err *err)
{
    unsigned pause_ms = 0;
    bool has_more = true;
    struct span named;
    TRY(move_tables_read_entities(options, arena, &named, err));
    TRY(cutover_keep_entities(cutover, named, arena, &has_more, err));
    if (!has_more)
        return move_tables_say_moved(options, cutover, " already", -1, err);
    TRY(move_tables_check(cutover, options, STEP_ROLLBACK_WRITES, err));
    TRY(cutover_rollback_writes(cutover, &pause_ms, err));
    if (cutover->entities.len)
        return move_tables_say_moved(options, cutover, "", pause_ms, err);
    return move_tables_say(options, cutover, "DynamoDB has the authority", pause_ms, err);
}

static enum lf_code writes(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    (void)context;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (cutover->phase.phase == PHASE_DUAL_WRITE)
        return move_tables_say(options, cutover, "DynamoDB has the authority already", -1, err);
    TRY(move_tables_expect(cutover, PHASE_POSTGRES, "take writes back", err));
    return take_writes_back(cutover, options, &arena, err);
}

enum lf_code command_rollback(const struct cli_options *options, struct err *err)
{
    bool is_of_reads = options->rollback_of == CLI_ROLLBACK_OF_READS;
    if (options->entity && is_of_reads)
        return ERR(err, LF_USAGE,
                   "--entity is of writes: `rollback reads` takes back all reads of a table, and `cutover reads` "
                   "says of which entities they are");
    TRY(move_tables_check_usage(options, err));
    return move_tables_each(options, is_of_reads ? reads : writes, NULL, err);
}
