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

static enum lf_code writes(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    unsigned pause_ms = 0;
    (void)context;
    if (cutover->phase.phase == PHASE_DUAL_WRITE)
        return move_tables_say(options, cutover, "DynamoDB has the authority already", -1, err);
    TRY(move_tables_expect(cutover, PHASE_POSTGRES, "take writes back", err));
    TRY(move_tables_check(cutover, options, STEP_ROLLBACK_WRITES, err));
    TRY(cutover_rollback_writes(cutover, &pause_ms, err));
    return move_tables_say(options, cutover, "DynamoDB has the authority", pause_ms, err);
}

enum lf_code command_rollback(const struct cli_options *options, struct err *err)
{
    return move_tables_each(options, options->rollback_of == CLI_ROLLBACK_OF_READS ? reads : writes, NULL, err);
}
