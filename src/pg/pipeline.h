/*
 * pipeline: a connection on which many statements are under way at once (libpq's pipeline mode).
 *
 * Nothing here blocks but `pg_pipeline_open`: the caller watches the descriptor, calls `pg_pipeline_pump` when it is ready, and
 * is called back, in order of sending, with each result. Statements up to a sync point are a unit: they take effect together, and
 * are answered when the sync point has been reached, that is, when the server has committed. Every statement is a unit of its own
 * unless it says that it holds, so that an error stays with its statement. Statements are prepared on first use, once per
 * connection, in the pipeline itself; until the server has confirmed that, others of the same statement travel with their text.
 * The connection's session settings are conn.h's, completed by `settings`. One pipeline, one thread.
 *
 *     send ─► [ waiting for its result ] [ … ] [ … ] ─► server        depth = how many
 *     pump ◄─ result: its callback is called ◄─────────
 *
 * Source: PostgreSQL documentation, "libpq: Pipeline Mode".
 */
#pragma once

#include "pg/conn.h"

struct pg_pipeline;

/* A statement known by its text; one static struct per statement, whose address is its identity. */
struct pg_statement {
    const char *sql;
    const uint32_t *types; /* OIDs of the parameters, or NULL: PostgreSQL infers them */
    size_t type_count;
    bool is_once; /* not prepared: for what is run once, such as DDL */
};

/* `result` is the callee's to free, NULL on failure. `err` is NULL on success; LF_CONNECT: the connection went away, and whether
 * the statement took effect is unknown. May send further statements; must not close the pipeline. */
typedef void pg_pipeline_done(void *context, struct pg_result *result, const struct err *err);

struct pg_pipeline_options {
    const char *uri;      /* as pg_connect; may be NULL */
    const char *settings; /* as in the options of a connection string ("-c jit=off …"), may be NULL */
    bool unprepared;      /* every statement travels with its text: for poolers in transaction mode that do not know prepared
                           * statements (PgBouncer before 1.21, or with max_prepared_statements = 0) */
};

/* Blocks while connecting. Errors: those of pg_connect. */
enum lf_code pg_pipeline_open(const struct pg_pipeline_options *options, struct pg_pipeline **ret_pipeline,
                              struct err *err) MUST_CHECK;
/* Begins to connect; pump goes on with it. Nothing can be sent until pg_pipeline_is_open. Errors: LF_USAGE, LF_MEMORY. */
enum lf_code pg_pipeline_start(const struct pg_pipeline_options *options, struct pg_pipeline **ret_pipeline,
                               struct err *err) MUST_CHECK;
void pg_pipeline_close(struct pg_pipeline *pipeline); /* NULL is fine; whoever still waits is called back with LF_CONNECT */

bool pg_pipeline_is_open(const struct pg_pipeline *pipeline);
/* Changes while connecting. -1 when there is none. */
int pg_pipeline_fd(const struct pg_pipeline *pipeline);
bool pg_pipeline_wants_write(const struct pg_pipeline *pipeline);
size_t pg_pipeline_depth(const struct pg_pipeline *pipeline);

/* Parameters as in conn.h, copied or sent before it returns; results in binary format when `binary_result`. With `holds` no sync
 * point follows: the statement belongs to the same unit as the next one, and fails with it. Errors: LF_CONNECT (pump then tells
 * who waits), LF_MEMORY, LF_LIMIT, LF_SQL 22021 for a text that holds U+0000; the callback is then not called. */
struct pg_send_options {
    bool binary_result;
    bool holds;
};
enum lf_code pg_pipeline_send(struct pg_pipeline *pipeline, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_send_options options, pg_pipeline_done *done, void *context, struct err *err) MUST_CHECK;

/* Goes on connecting; then writes what can be written, reads what is there, calls back. May be called at any time. Errors:
 * LF_CONNECT when the connection is gone: all who waited have been called back; close it. While connecting also LF_PRECONDITION,
 * as pg_connect. */
enum lf_code pg_pipeline_pump(struct pg_pipeline *pipeline, struct err *err) MUST_CHECK;
