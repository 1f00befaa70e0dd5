#include "pg/conn.h"

#include <assert.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pg/libpq.h"

enum {
    SQL_BYTES_MAX = 64 * 1024 * 1024, /* of one formatted statement */
    ARENA_BYTES_MAX = INT_MAX,        /* of the parameters of one statement, twice a field's maximum */
    COPY_PUT_BYTES = 256 * 1024,      /* of one CopyData message */
    MESSAGE_BYTES = 256,              /* of PQcancel */
};

struct pg_conn {
    PGconn *pg;   /* owned */
    char *uri;    /* owned, NULL for the environment's */
    char *copied; /* owned, libpq's: the message pg_copy_out_next gave last */
};

static void result_clear(PGresult **result)
{
    PQclear(*result);
}
#define CLEAR __attribute__((cleanup(result_clear)))

/* --- connecting --- */

static enum lf_code connect_into(struct pg_conn *conn, struct err *err)
{
    return libpq_open(conn->uri, NULL, &conn->pg, err);
}

enum lf_code pg_connect(const char *uri, struct pg_conn **ret_conn, struct err *err)
{
    struct pg_conn *conn = calloc(1, sizeof *conn);
    bool complete = conn && (!uri || (conn->uri = strdup(uri)));
    enum lf_code code = complete ? connect_into(conn, err) : ERR(err, LF_MEMORY, "out of memory connecting to PostgreSQL");
    if (code != LF_OK) {
        pg_close(conn);
        return code;
    }
    *ret_conn = conn;
    return LF_OK;
}

/* The name may have been changed since `from` was opened. */
static enum lf_code copy_name(const struct pg_conn *from, struct pg_conn *to, struct err *err)
{
    static const char parameter[] = "application_name";
    const char *name = PQparameterStatus(from->pg, parameter), *now = PQparameterStatus(to->pg, parameter);
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    if (!name || (now && strcmp(name, now) == 0))
        return LF_OK;
    struct pg_field value = { name, strlen(name) };
    return pg_query(to, "SELECT pg_catalog.set_config('application_name', $1, false)",
                    &(struct pg_params){ .values = &value, .count = 1 }, &result, err);
}

enum lf_code pg_connect_again(const struct pg_conn *conn, struct pg_conn **ret_conn, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *again = NULL;
    TRY(pg_connect(conn->uri, &again, err));
    TRY(copy_name(conn, again, err));
    *ret_conn = again;
    again = NULL;
    return LF_OK;
}

void pg_close(struct pg_conn *conn)
{
    if (!conn)
        return;
    PQfreemem(conn->copied);
    PQfinish(conn->pg);
    free(conn->uri);
    free(conn);
}

int pg_server_version(const struct pg_conn *conn)
{
    return PQserverVersion(conn->pg);
}

bool pg_in_transaction(const struct pg_conn *conn)
{
    return PQtransactionStatus(conn->pg) == PQTRANS_INTRANS;
}

/* --- results --- */

/* Reads results until the connection takes statements again; `last` is what COPY came to (its error where it failed). */
static PGresult *drain(struct pg_conn *conn)
{
    PGresult *outcome = NULL;
    for (PGresult *result; (result = PQgetResult(conn->pg));) {
        ExecStatusType status = PQresultStatus(result);
        if (outcome && PQresultStatus(outcome) != PGRES_COMMAND_OK) {
            PQclear(result);
        } else {
            PQclear(outcome);
            outcome = result;
        }
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
            break;
    }
    return outcome;
}

/* A COPY that nobody asked for would keep the connection waiting for its data. */
static void leave_copy(struct pg_conn *conn, ExecStatusType status)
{
    if (status != PGRES_COPY_IN) {
        pg_copy_out_abort(conn);
        return;
    }
    (void)PQputCopyEnd(conn->pg, "not expected");
    PQclear(drain(conn));
}

static enum lf_code check_result(struct pg_conn *conn, const PGresult *result, const char *sql, struct err *err)
{
    ExecStatusType status = PQresultStatus(result);
    switch (status) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return LF_OK;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        leave_copy(conn, status);
        return ERR(err, LF_SQL, "a COPY from or to the client where none belongs");
    default:
        return libpq_result_error(conn->pg, result, sql, err);
    }
}

/* --- statements --- */

struct pg_field pg_number_field(int64_t number, char text[PG_NUMBER_BYTES])
{
    int len = snprintf(text, PG_NUMBER_BYTES, "%lld", (long long)number);
    return (struct pg_field){ text, (size_t)len };
}

enum lf_code pg_exec(struct pg_conn *conn, const char *sql, struct err *err)
{
    CLEAR PGresult *result = PQexec(conn->pg, sql);
    return check_result(conn, result, sql, err);
}

static void sql_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        buf->failed = true;
    else if (buf_reserve(buf, (size_t)len + 1))
        buf->len += (size_t)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
}

enum lf_code pg_execf(struct pg_conn *conn, struct err *err, const char *format, ...)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    va_list args;
    va_start(args, format);
    sql_vprintf(&sql, format, args);
    va_end(args);
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = pg_exec(conn, buf_cstr(&sql), err);
    buf_done(&sql);
    return code;
}

enum result_format { RESULT_TEXT, RESULT_BINARY }; /* as libpq numbers them */

static enum lf_code query_in(struct pg_conn *conn, const char *sql, const struct pg_params *params, enum result_format format,
                             struct arena *arena, struct pg_result **ret_result, struct err *err)
{
    struct libpq_params bound = { 0 };
    TRY(libpq_bind(params, arena, &bound, err));
    PGresult *result =
        PQexecParams(conn->pg, sql, (int)params->count, NULL, bound.values, bound.lengths, bound.formats, (int)format);
    enum lf_code code = check_result(conn, result, sql, err);
    if (code == LF_OK)
        *ret_result = libpq_wrap(result);
    else
        PQclear(result);
    return code;
}

static enum lf_code query(struct pg_conn *conn, const char *sql, const struct pg_params *params, enum result_format format,
                          struct pg_result **ret_result, struct err *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    enum lf_code code = query_in(conn, sql, params ? params : &(struct pg_params){ 0 }, format, &arena, ret_result, err);
    arena_done(&arena);
    return code;
}

enum lf_code pg_query(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                      struct err *err)
{
    return query(conn, sql, params, RESULT_TEXT, ret_result, err);
}

enum lf_code pg_query_binary(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                             struct err *err)
{
    return query(conn, sql, params, RESULT_BINARY, ret_result, err);
}

void pg_result_free(struct pg_result *result)
{
    PQclear((PGresult *)result);
}

size_t pg_result_rows(const struct pg_result *result)
{
    return (size_t)PQntuples(libpq_unwrap(result));
}

struct pg_field pg_result_get(const struct pg_result *result, size_t row, size_t column)
{
    const PGresult *pg = libpq_unwrap(result);
    assert(row < (size_t)PQntuples(pg) && column < (size_t)PQnfields(pg));
    if (PQgetisnull(pg, (int)row, (int)column))
        return PG_NULL;
    return (struct pg_field){ PQgetvalue(pg, (int)row, (int)column), (size_t)PQgetlength(pg, (int)row, (int)column) };
}

const char *pg_result_text(const struct pg_result *result, size_t row, size_t column)
{
    struct pg_field field = pg_result_get(result, row, column);
    return field.data ? field.data : "";
}

int64_t pg_result_int64(const struct pg_result *result, size_t row, size_t column)
{
    return strtoll(pg_result_text(result, row, column), NULL, 10);
}

int64_t pg_result_affected(const struct pg_result *result)
{
    return strtoll(PQcmdTuples((PGresult *)result), NULL, 10);
}

/* --- COPY --- */

static enum lf_code copy_begin(struct pg_conn *conn, const char *sql, ExecStatusType wanted, struct err *err)
{
    CLEAR PGresult *result = PQexec(conn->pg, sql);
    if (PQresultStatus(result) == wanted)
        return LF_OK;
    TRY(check_result(conn, result, sql, err));
    return ERR(err, LF_SQL, "the statement is not a COPY from or to the client");
}

enum lf_code pg_copy_in_begin(struct pg_conn *conn, const char *sql, struct err *err)
{
    return copy_begin(conn, sql, PGRES_COPY_IN, err);
}

/* Sending failed: the server's own words, when it still sent any, say more than "broken pipe". */
static enum lf_code copy_in_failure(struct pg_conn *conn, struct err *err)
{
    (void)libpq_connection_error(conn->pg, err);
    CLEAR PGresult *outcome = drain(conn);
    if (outcome && PQresultErrorField(outcome, PG_DIAG_SQLSTATE))
        return libpq_result_error(conn->pg, outcome, NULL, err);
    return err->code;
}

enum lf_code pg_copy_in_put(struct pg_conn *conn, struct span bytes, struct err *err)
{
    while (bytes.len > 0) {
        size_t len = bytes.len < COPY_PUT_BYTES ? bytes.len : COPY_PUT_BYTES;
        if (PQputCopyData(conn->pg, bytes.ptr, (int)len) != 1)
            return copy_in_failure(conn, err);
        bytes = span_from(bytes, len);
    }
    return LF_OK;
}

enum lf_code pg_copy_in_end(struct pg_conn *conn, int64_t *ret_rows, struct err *err)
{
    if (PQputCopyEnd(conn->pg, NULL) != 1)
        return copy_in_failure(conn, err);
    CLEAR PGresult *outcome = drain(conn);
    TRY(check_result(conn, outcome, NULL, err));
    if (ret_rows)
        *ret_rows = strtoll(PQcmdTuples(outcome), NULL, 10);
    return LF_OK;
}

enum lf_code pg_copy_out_begin(struct pg_conn *conn, const char *sql, struct err *err)
{
    return copy_begin(conn, sql, PGRES_COPY_OUT, err);
}

/* All rows have come: the outcome says whether they were all there were. */
static enum lf_code copy_out_finish(struct pg_conn *conn, struct span *ret_message, bool *ret_end, struct err *err)
{
    CLEAR PGresult *outcome = drain(conn);
    TRY(check_result(conn, outcome, NULL, err));
    *ret_message = span_of(NULL, 0);
    *ret_end = true;
    return LF_OK;
}

enum lf_code pg_copy_out_next(struct pg_conn *conn, struct span *ret_message, bool *ret_end, struct err *err)
{
    PQfreemem(conn->copied);
    conn->copied = NULL;
    int len = PQgetCopyData(conn->pg, &conn->copied, 0);
    if (len == -1)
        return copy_out_finish(conn, ret_message, ret_end, err);
    if (len < 0)
        return copy_in_failure(conn, err);
    *ret_message = span_of(conn->copied, (size_t)len);
    *ret_end = false;
    return LF_OK;
}

void pg_copy_out_abort(struct pg_conn *conn)
{
    char message[MESSAGE_BYTES];
    PGcancel *cancel = PQgetCancel(conn->pg);
    if (cancel)
        (void)PQcancel(cancel, message, sizeof message);
    PQfreeCancel(cancel);
    for (int len = 0; len >= 0;) {
        PQfreemem(conn->copied);
        conn->copied = NULL;
        len = PQgetCopyData(conn->pg, &conn->copied, 0);
    }
    PQclear(drain(conn));
}
