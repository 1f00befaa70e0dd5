/* landfall cutover: moves reads, then writes, of a running application to PostgreSQL. */
#include <stdio.h>

#include "cli/move_tables.h"

static enum lf_code reads(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    char what[80];
    (void)context;
    if (cutover->phase.phase != PHASE_FOLLOW)
        TRY(move_tables_expect(cutover, PHASE_DUAL_WRITE, "move reads", err));
    TRY(move_tables_check(cutover, options, STEP_READS, err));
    TRY(cutover_reads(cutover, (unsigned)options->percent, (unsigned)options->shadow_percent, err));
    (void)snprintf(what, sizeof what, "%u %% of reads from PostgreSQL, %u %% compared", (unsigned)options->percent,
                   (unsigned)options->shadow_percent);
    return move_tables_say(options, cutover, what, -1, err);
}

static enum lf_code writes(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err)
{
    unsigned pause_ms = 0;
    (void)context;
    if (cutover->phase.phase == PHASE_POSTGRES)
        return move_tables_say(options, cutover, "PostgreSQL has the authority already", -1, err);
    TRY(move_tables_expect(cutover, PHASE_DUAL_WRITE, "move writes", err));
    TRY(move_tables_check(cutover, options, STEP_WRITES, err));
    TRY(cutover_writes(cutover, &pause_ms, err));
    return move_tables_say(options, cutover, "PostgreSQL has the authority", pause_ms, err);
}

enum lf_code command_cutover(const struct cli_options *options, struct err *err)
{
    return move_tables_each(options, options->cutover_of == CLI_CUTOVER_OF_READS ? reads : writes, NULL, err);
}
