/* move_tables: what the commands that change phases have in common. */
#pragma once

#include "aws/dynamodb.h"
#include "cli/command.h"
#include "move/cutover.h"
#include "move/precondition.h"

/* Does something to one table; `context` is the command's. */
typedef enum lf_code move_table(struct cutover *cutover, const struct cli_options *options, void *context, struct err *err);

/* Reads the map, and calls `work` for the table named, or for each of the map's that is in landfall.phase. Errors:
 * LF_PRECONDITION when there is none; those of `work`. */
enum lf_code move_tables_each(const struct cli_options *options, move_table *work, void *context, struct err *err) MUST_CHECK;

/* LF_PRECONDITION, naming all that does not hold, unless --force overrides it; that is written to landfall.event. */
enum lf_code move_tables_check(const struct cutover *cutover, const struct cli_options *options, enum phase_step step,
                               struct err *err) MUST_CHECK;

/* A client of the DynamoDB that the table is in. */
enum lf_code move_tables_open_dynamodb(const struct cutover *cutover, struct dynamodb **ret_client, struct err *err) MUST_CHECK;

/* LF_PRECONDITION: the table is in another phase; `what` is the command's name for what it does. */
enum lf_code move_tables_expect(const struct cutover *cutover, enum phase phase, const char *what, struct err *err) MUST_CHECK;

/* --entity as lines, in the arena; empty: it was not given. */
enum lf_code move_tables_read_entities(const struct cli_options *options, struct arena *arena, struct span *ret_names,
                                       struct err *err) MUST_CHECK;

/* LF_USAGE: --entity without the table that they are of. */
enum lf_code move_tables_check_usage(const struct cli_options *options, struct err *err) MUST_CHECK;

/* Entities that are one a line, as --entity names them. */
void move_tables_put_names(struct buf *text, struct span lines);

/* That PostgreSQL has the authority, over which entities. `already`: " already", or nothing. */
enum lf_code move_tables_say_moved(const struct cli_options *options, const struct cutover *cutover, const char *already,
                                   int64_t pause_ms, struct err *err) MUST_CHECK;

/* `unit` of output: a line of text, or of --json an object. `pause_ms` < 0: there was none. */
enum lf_code move_tables_say(const struct cli_options *options, const struct cutover *cutover, const char *what, int64_t pause_ms,
                             struct err *err) MUST_CHECK;
