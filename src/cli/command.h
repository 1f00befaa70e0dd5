/*
 * command: what the commands have in common. Each command is one file with `command_NAME` (options.h has the recipe).
 *
 * A command returns its error and prints nothing of it: main prints it once, as `landfall NAME: message`, and exits with the
 * status that api/errors.yaml gives its code. Results go to standard output (output.h), progress to standard error.
 */
#pragma once

#include "base/limits.h"
#include "cli/options.h"
#include "map/model.h"
#include "move/backfill.h"
#include "move/verify.h"
#include "pg/conn.h"
#include "source/source.h"

enum { COMMAND_ARENA_BYTES = 512 * 1024 * 1024 };

#define SOURCE_CLEANUP __attribute__((cleanup(source_close)))

/* --jobs, or the number of processors. */
unsigned command_jobs(const struct cli_options *options);

/* Reads --map. `ret_yaml` is its text, in the arena. */
enum lf_code command_read_map(const struct cli_options *options, struct arena *arena, struct map *ret_map, struct span *ret_yaml,
                              struct err *err) MUST_CHECK;

/* Opens SOURCE with --key and --table; says on standard error which folders it leaves out. */
enum lf_code command_open_source(const struct cli_options *options, struct source *ret_source, struct err *err) MUST_CHECK;

/* Asks on a terminal; without one, or on any answer but yes, LF_USAGE that names --yes. `what` says what is destroyed. */
enum lf_code command_confirm(const struct cli_options *options, const char *what, struct err *err) MUST_CHECK;

/* Says on standard error that items in landfall.item were left out because the map does not have their tables; nothing for 0. */
void command_note_unmapped(const char *command, const struct unmapped *unmapped);

/* A backfill with its progress on standard error. */
enum lf_code command_load(const struct map *map, struct source *source, const struct backfill_options *backfill,
                          struct arena *arena, struct backfill_result *ret_result, struct err *err) MUST_CHECK;

/* A verify with its progress on standard error. `source` may be NULL. */
enum lf_code command_compare(const struct map *map, struct source *source, const struct verify_options *verify,
                             struct arena *arena, struct verify_result *ret_result, struct err *err) MUST_CHECK;
