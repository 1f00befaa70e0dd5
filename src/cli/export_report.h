/* export_report: what commands that write an export say of it, while they do and at the end. */
#pragma once

#include "cli/options.h"
#include "move/export_folder.h"

/* A callback of export_run and seed_run; `progress` is a struct progress. True when the user asks to stop. */
bool export_report_progress(void *progress, uint64_t items_written, uint64_t items_total);

/* One line on standard output. */
void export_report_print(const struct cli_options *options, const struct export_result *result);
