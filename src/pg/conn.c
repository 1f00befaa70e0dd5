#include "pg/conn.h"

#include <assert.h>
#include <ctype.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SERVER_VERSION_MIN = 140000,
    SQL_BYTES_MAX = 64 * 1024 * 1024, /* of one formatted statement */
    PARAMS_BYTES_MAX = 1 << 30,       /* PostgreSQL's own limit of a field */
    PARAMS_MAX = 65535,               /* the protocol counts them in 16 bits */
    COPY_PUT_BYTES = 256 * 1024,      /* of one CopyData message */
    LINE_BYTES = 512,                 /* of a message of libpq inside one of ours */
};

/*
 * Session settings go in with the start packet, not by SET: behind a pooler in transaction mode a SET would leak into the
 * sessions of the application. Row security off turns rows that a policy would hide into an error, because what is not seen
 * cannot be verified.
 */
static const char session_options[] = "-c search_path= -c client_min_messages=warning -c standard_conforming_strings=on"
                                      " -c row_security=off -c statement_timeout=0 -c lock_timeout=0"
                                      " -c idle_in_transaction_session_timeout=0";

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

static void options_free(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}
#define OPTIONS_FREE __attribute__((cleanup(options_free)))

/* --- messages --- */

/* libpq's messages have several lines and end in a newline; an error of ours is one line. */
static void copy_one_line(char line[LINE_BYTES], const char *message)
{
    size_t len = 0;
    for (const char *at = message; *at && len < LINE_BYTES - 1; at++) {
        if (!isspace((unsigned char)*at))
            line[len++] = *at;
        else if (len > 0 && line[len - 1] != ' ')
            line[len++] = ' ';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    line[len] = '\0';
}

/* Every occurrence of the password becomes "***". */
static void hide_password(char line[LINE_BYTES], const char *password)
{
    size_t password_len = password ? strlen(password) : 0;
    if (password_len == 0)
        return;
    char clean[LINE_BYTES];
    size_t len = 0;
    for (const char *at = line; *at && len < LINE_BYTES - 4;) {
        if (strncmp(at, password, password_len) == 0) {
            memcpy(clean + len, "***", 3);
            len += 3;
            at += password_len;
        } else {
            clean[len++] = *at++;
        }
    }
    memcpy(line, clean, len);
    line[len] = '\0';
}

/* What libpq quotes of a connection string that it cannot parse may be a piece of a password. */
static void hide_quoted(char line[LINE_BYTES])
{
    char copy[LINE_BYTES];
    memcpy(copy, line, LINE_BYTES);
    char *first = strchr(copy, '"');
    if (!first)
        return;
    const char *behind = strrchr(copy, '"') + 1;
    *first = '\0';
    (void)snprintf(line, LINE_BYTES, "%.200s\"***\"%.200s", copy, behind);
}

static enum lf_code connection_error(const struct pg_conn *conn, struct err *err)
{
    char line[LINE_BYTES];
    copy_one_line(line, PQerrorMessage(conn->pg));
    hide_password(line, PQpass(conn->pg));
    enum lf_code code = PQstatus(conn->pg) == CONNECTION_BAD ? LF_CONNECT : LF_SQL;
    return ERR(err, code, "%s", line[0] ? line : "the connection to PostgreSQL failed");
}

/* Shutdown by an administrator, crash of another session, cannot connect now: the server's last words before it hangs up. */
static bool sqlstate_is_disconnect(const char *sqlstate)
{
    return strcmp(sqlstate, "57P01") == 0 || strcmp(sqlstate, "57P02") == 0 || strcmp(sqlstate, "57P03") == 0;
}

/* PostgreSQL counts the position of an error in characters from 1. */
static int64_t byte_offset(const char *sql, const char *position)
{
    if (!sql || !position)
        return -1;
    long characters = strtol(position, NULL, 10) - 1;
    const char *at = sql;
    while (*at && characters > 0) {
        at++;
        if (((unsigned char)*at & 0xC0) != 0x80)
            characters--;
    }
    return at - sql;
}

static enum lf_code result_error(const struct pg_conn *conn, const PGresult *result, const char *sql, struct err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!sqlstate)
        return connection_error(conn, err);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    enum lf_code code = sqlstate_is_disconnect(sqlstate) || PQstatus(conn->pg) == CONNECTION_BAD ? LF_CONNECT : LF_SQL;
    (void)ERR_AT(err, code, byte_offset(sql, PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION)),
                 "%s (SQLSTATE %s)%s%s%s%s%s%s", primary ? primary : "error", sqlstate, detail ? "; " : "", detail ? detail : "",
                 hint ? "; hint: " : "", hint ? hint : "", context ? "; context: " : "", context ? context : "");
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    return code;
}

/* --- connecting --- */

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    return NULL;
}

static bool is_uri(const char *text)
{
    struct span span = span_from_cstr(text);
    return span_starts_with(span, SPAN("postgres://")) || span_starts_with(span, SPAN("postgresql://"));
}

/* As libpq decides it; anything else is the name of a database. */
static bool is_connection_string(const char *text)
{
    return text && (is_uri(text) || strchr(text, '='));
}

/* A password with a bare '@', '/' or ':' moves its rest into host, port or database, which libpq would print. */
static bool uri_leaks(const PQconninfoOption *given)
{
    const char *host = option_value(given, "host");
    const char *port = option_value(given, "port");
    const char *database = option_value(given, "dbname");
    return (host && strchr(host, '@')) || (port && port[strspn(port, "0123456789,")]) ||
           (database && strchr(database, '@') && !option_value(given, "user"));
}

static enum lf_code parse_uri(const char *uri, PQconninfoOption **ret_given, struct err *err)
{
    char *message = NULL;
    PQconninfoOption *given = PQconninfoParse(uri, &message);
    if (!given) {
        char line[LINE_BYTES] = "";
        copy_one_line(line, message ? message : "out of memory");
        PQfreemem(message);
        hide_quoted(line);
        return ERR(err, LF_USAGE, "the connection string is wrong: %s", line);
    }
    *ret_given = given;
    if (is_uri(uri) && uri_leaks(given))
        return ERR(err, LF_USAGE,
                   "the connection URI is wrong: percent-encode '@', ':' and '/' in user and password, and give a "
                   "number as port");
    return LF_OK;
}

/* PGSSL=true is PGSSLMODE=require, unless PGSSLMODE or the service file ask for something themselves. */
static const char *default_sslmode(const PQconninfoOption *defaults)
{
    const char *pgssl = getenv("PGSSL");
    const char *sslmode = option_value(defaults, "sslmode");
    bool asked = pgssl && (strcmp(pgssl, "true") == 0 || strcmp(pgssl, "1") == 0);
    bool decided = getenv("PGSSLMODE") || (sslmode && strcmp(sslmode, "prefer") != 0);
    return asked && !decided ? "require" : NULL;
}

/* Settings later in the list win over earlier ones; those that `dbname` expands to count as standing at its place. */
static void open_connection(struct pg_conn *conn, const PQconninfoOption *given, const PQconninfoOption *defaults)
{
    const char *asked = option_value(given, "options");
    if (!asked)
        asked = option_value(defaults, "options");
    struct buf options;
    buf_init(&options, SQL_BYTES_MAX);
    buf_printf(&options, "%s%s%s", asked ? asked : "", asked ? " " : "", session_options);

    const char *keywords[] = { "sslmode", "fallback_application_name", "dbname", "client_encoding", "options", NULL };
    const char *values[] = { default_sslmode(defaults), "landfall", conn->uri, "UTF8", buf_cstr(&options), NULL };
    conn->pg = PQconnectdbParams(keywords, values, 1);
    buf_done(&options);
}

static void ignore_notice(void *context, const PGresult *notice)
{
    (void)context, (void)notice;
}

static enum lf_code check_server(const struct pg_conn *conn, struct err *err)
{
    const char *encoding = PQparameterStatus(conn->pg, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return ERR(err, LF_PRECONDITION, "database \"%s\" has the encoding %s; Landfall needs one created with ENCODING 'UTF8'",
                   PQdb(conn->pg), encoding ? encoding : "(unknown)");
    if (PQserverVersion(conn->pg) < SERVER_VERSION_MIN)
        return ERR(err, LF_PRECONDITION, "the server is PostgreSQL %d; Landfall needs 14 or later",
                   PQserverVersion(conn->pg) / 10000);
    return LF_OK;
}

static enum lf_code connect_into(struct pg_conn *conn, struct err *err)
{
    OPTIONS_FREE PQconninfoOption *given = NULL;
    OPTIONS_FREE PQconninfoOption *defaults = PQconndefaults();
    if (is_connection_string(conn->uri))
        TRY(parse_uri(conn->uri, &given, err));
    open_connection(conn, given, defaults);
    if (!conn->pg)
        return ERR(err, LF_MEMORY, "out of memory connecting to PostgreSQL");
    if (PQstatus(conn->pg) != CONNECTION_OK)
        return connection_error(conn, err);
    (void)PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
    return check_server(conn, err);
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

enum lf_code pg_connect_again(const struct pg_conn *conn, struct pg_conn **ret_conn, struct err *err)
{
    return pg_connect(conn->uri, ret_conn, err);
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
        return result_error(conn, result, sql, err);
    }
}

/* --- statements --- */

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

/* libpq's view of parameters, in an arena. */
struct bound {
    const char **values;
    int *lengths;
    int *formats;
};

/* libpq takes text by its terminator, so text is copied to get one, and may not hold U+0000, which PostgreSQL would refuse
 * anyhow. */
static enum lf_code bind_value(struct pg_field field, bool binary, struct arena *arena, const char **ret_value, struct err *err)
{
    if (binary || !field.data) {
        *ret_value = field.data;
        return LF_OK;
    }
    if (memchr(field.data, '\0', field.len)) {
        (void)ERR(err, LF_SQL, "a text parameter holds U+0000 (SQLSTATE 22021)");
        memcpy(err->sqlstate, "22021", sizeof err->sqlstate);
        return LF_SQL;
    }
    struct span copy;
    TRY(arena_copy(arena, span_of(field.data, field.len), &copy, err));
    *ret_value = copy.ptr;
    return LF_OK;
}

static enum lf_code bind_params(const struct pg_params *params, struct arena *arena, struct bound *ret_bound, struct err *err)
{
    if (params->count > PARAMS_MAX)
        return ERR(err, LF_LIMIT, "%zu parameters, a statement takes %d", params->count, PARAMS_MAX);
    struct bound bound = { arena_calloc(arena, params->count, sizeof *bound.values, err),
                           arena_calloc(arena, params->count, sizeof *bound.lengths, err),
                           arena_calloc(arena, params->count, sizeof *bound.formats, err) };
    if (!bound.values || !bound.lengths || !bound.formats)
        return err->code;
    for (size_t i = 0; i < params->count; i++) {
        bool binary = params->binary && params->binary[i];
        if (params->values[i].len > PARAMS_BYTES_MAX)
            return ERR(err, LF_LIMIT, "parameter %zu has %zu bytes, PostgreSQL takes %d", i + 1, params->values[i].len,
                       PARAMS_BYTES_MAX);
        TRY(bind_value(params->values[i], binary, arena, &bound.values[i], err));
        bound.lengths[i] = (int)params->values[i].len;
        bound.formats[i] = binary;
    }
    *ret_bound = bound;
    return LF_OK;
}

/* struct pg_result is libpq's result under a name of ours, so that no caller includes libpq. */
static struct pg_result *from_libpq(PGresult *result)
{
    return (struct pg_result *)result;
}
static const PGresult *to_libpq(const struct pg_result *result)
{
    return (const PGresult *)result;
}

static enum lf_code query_with(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct arena *arena,
                               struct pg_result **ret_result, struct err *err)
{
    struct bound bound = { 0 };
    TRY(bind_params(params, arena, &bound, err));
    PGresult *result = PQexecParams(conn->pg, sql, (int)params->count, NULL, bound.values, bound.lengths, bound.formats, 0);
    enum lf_code code = check_result(conn, result, sql, err);
    if (code == LF_OK)
        *ret_result = from_libpq(result);
    else
        PQclear(result);
    return code;
}

enum lf_code pg_query(struct pg_conn *conn, const char *sql, const struct pg_params *params, struct pg_result **ret_result,
                      struct err *err)
{
    struct arena arena;
    arena_init(&arena, (size_t)PARAMS_BYTES_MAX * 2);
    enum lf_code code = query_with(conn, sql, params ? params : &(struct pg_params){ 0 }, &arena, ret_result, err);
    arena_done(&arena);
    return code;
}

void pg_result_free(struct pg_result *result)
{
    PQclear((PGresult *)result);
}

size_t pg_result_rows(const struct pg_result *result)
{
    return (size_t)PQntuples(to_libpq(result));
}

struct pg_field pg_result_get(const struct pg_result *result, size_t row, size_t column)
{
    const PGresult *pg = to_libpq(result);
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
    (void)connection_error(conn, err);
    CLEAR PGresult *outcome = drain(conn);
    if (outcome && PQresultErrorField(outcome, PG_DIAG_SQLSTATE))
        return result_error(conn, outcome, NULL, err);
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
    char message[LINE_BYTES];
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
