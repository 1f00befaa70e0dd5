/*
 * libpq: what conn and pipeline have in common: how a session begins, how libpq's errors become ours, how parameters are bound.
 *
 * Only for src/pg, which alone knows libpq. Connection strings, session settings and error codes are those of conn.h.
 */
#pragma once

#include <libpq-fe.h>

#include "pg/conn.h"

/* A session with conn.h's settings and `settings` ("-c name=value …", which win; NULL: none). Errors: those of pg_connect. */
enum lf_code libpq_open(const char *uri, const char *settings, PGconn **ret_pg, struct err *err) MUST_CHECK;
/* Begins one, for PQconnectPoll to go on with; whether it has failed, PQstatus says. Errors: LF_USAGE when `uri` is malformed;
 * LF_MEMORY. */
enum lf_code libpq_open_begin(const char *uri, const char *settings, PGconn **ret_pg, struct err *err) MUST_CHECK;
/* LF_PRECONDITION when the database is not UTF8 or the server too old. */
enum lf_code libpq_check_server(const PGconn *pg, struct err *err) MUST_CHECK;

/* libpq's last message, on one line and without the password: LF_CONNECT when the connection is gone, else LF_SQL. */
enum lf_code libpq_connection_error(const PGconn *pg, struct err *err);
/* The error that a result carries; its offset is into `sql`, which may be NULL. */
enum lf_code libpq_result_error(const PGconn *pg, const PGresult *result, const char *sql, struct err *err);

/* libpq's view of parameters, in the arena; binary values are borrowed. Errors: LF_LIMIT, LF_MEMORY; LF_SQL 22021 for a text that
 * holds U+0000. */
struct libpq_params {
    const char **values;
    int *lengths;
    int *formats;
};
enum lf_code libpq_bind(const struct pg_params *params, struct arena *arena, struct libpq_params *ret_bound,
                        struct err *err) MUST_CHECK;

/* struct pg_result is libpq's result under a name of ours, so that no caller includes libpq. */
static inline struct pg_result *libpq_wrap(PGresult *result)
{
    return (struct pg_result *)result;
}
static inline const PGresult *libpq_unwrap(const struct pg_result *result)
{
    return (const PGresult *)result;
}
