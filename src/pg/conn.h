/*
 * conn: a connection to PostgreSQL (libpq stays behind this folder).
 *
 * Where to: libpq's own environment (PGHOST, PGSERVICE, ~/.pgpass, …) completed by `uri`, which may be NULL or a connection
 * string or URI; PGSSL=true means PGSSLMODE=require. On connect: UTF8 and PostgreSQL 14 demanded, search_path empty,
 * application_name landfall, client_min_messages warning, no timeouts, row_security off. These go in with the start of the
 * session, never by SET, which a pooler in transaction mode would leak into sessions of others; such a pooler refuses them. One
 * connection, one thread. Passwords never reach an error message.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/pgbinary.h"

struct pg_conn;
struct pg_result;

/* Errors: LF_CONNECT, which may pass; LF_SETTINGS for what the server refuses or who is nowhere; LF_USAGE when `uri` is
 * malformed; LF_PRECONDITION when the database is not UTF8 or older than 14. */
enum lf_code pg_connect(const char *uri, struct pg_conn **ret_conn, struct err *err) MUST_CHECK;
/* Another connection to the same place, with the same application_name. */
enum lf_code pg_connect_again(const struct pg_conn *conn, struct pg_conn **ret_conn, struct err *err) MUST_CHECK;
void pg_close(struct pg_conn *conn); /* NULL is fine */
static inline void pg_close_ptr(struct pg_conn **conn)
{
    pg_close(*conn);
}
#define PG_CONN_CLEANUP __attribute__((cleanup(pg_close_ptr)))

/* e.g. 150018 */
int pg_server_version(const struct pg_conn *conn);

/* Inside a transaction block that has not failed. */
bool pg_in_transaction(const struct pg_conn *conn);

/* One or several statements without parameters or result. Errors: LF_SQL with SQLSTATE, and the byte offset into `sql` where
 * PostgreSQL tells it; LF_CONNECT when the connection is gone. */
enum lf_code pg_exec(struct pg_conn *conn, const char *sql, struct err *err) MUST_CHECK;
enum lf_code pg_execf(struct pg_conn *conn, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

/* A statement with parameters $1 … in text format unless `binary[i]` (binary NULL: all text); results in text format, or in
 * binary for pg_query_binary. `values[i].data` NULL is NULL. */
struct pg_params {
    const struct pg_field *values;
    const bool *binary;
    size_t count;
};
enum lf_code pg_query(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                      struct err *err) MUST_CHECK;
enum lf_code pg_query_binary(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                             struct err *err) MUST_CHECK;

/* Values in text format: a text, empty where there is none; the same, NULL where there is none; a number, whose text is the
 * caller's. */
static inline struct pg_field pg_text_field(struct span text)
{
    return (struct pg_field){ text.ptr ? text.ptr : "", text.len };
}
static inline struct pg_field pg_text_or_null(struct span text)
{
    return (struct pg_field){ text.ptr, text.len };
}
enum { PG_NUMBER_BYTES = 24 };
struct pg_field pg_number_field(int64_t number, char text[PG_NUMBER_BYTES]);

void pg_result_free(struct pg_result *result);
static inline void pg_result_free_ptr(struct pg_result **result)
{
    pg_result_free(*result);
}
#define PG_RESULT_CLEANUP __attribute__((cleanup(pg_result_free_ptr)))
size_t pg_result_rows(const struct pg_result *result);
/* Borrowed from the result; data NULL is SQL NULL. */
struct pg_field pg_result_get(const struct pg_result *result, size_t row, size_t column);
static inline struct span pg_result_span(const struct pg_result *result, size_t row, size_t column)
{
    struct pg_field field = pg_result_get(result, row, column);
    return span_of(field.data, field.len);
}
/* Text of a field, "" for NULL; NUL-terminated. */
const char *pg_result_text(const struct pg_result *result, size_t row, size_t column);
int64_t pg_result_int64(const struct pg_result *result, size_t row, size_t column); /* 0 for NULL */
/* Rows that the statement changed. */
int64_t pg_result_affected(const struct pg_result *result);

/* COPY … FROM STDIN: begin, put, end (which reports what PostgreSQL thought of it; `ret_rows` may be NULL). After a failure, or
 * to give a COPY up halfway: pg_exec "ROLLBACK". */
enum lf_code pg_copy_in_begin(struct pg_conn *conn, const char *sql, struct err *err) MUST_CHECK;
enum lf_code pg_copy_in_put(struct pg_conn *conn, struct span bytes, struct err *err) MUST_CHECK;
enum lf_code pg_copy_in_end(struct pg_conn *conn, int64_t *ret_rows, struct err *err) MUST_CHECK;

/* COPY (…) TO STDOUT (FORMAT binary): `next` gives one message (a row, or header/trailer bytes), valid until the next call;
 * *ret_end at the end. */
enum lf_code pg_copy_out_begin(struct pg_conn *conn, const char *sql, struct err *err) MUST_CHECK;
enum lf_code pg_copy_out_next(struct pg_conn *conn, struct span *ret_message, bool *ret_end, struct err *err) MUST_CHECK;
/* Stops a COPY that is under way (cancel and drain); a transaction around it has then failed. */
void pg_copy_out_abort(struct pg_conn *conn);
