#include "pg/libpq.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SERVER_VERSION_MIN = 140000,
    OPTIONS_BYTES_MAX = 64 * 1024,
    PARAMS_BYTES_MAX = 1 << 30, /* PostgreSQL's own limit of a field */
    PARAMS_MAX = 65535,         /* the protocol counts them in 16 bits */
    LINE_BYTES = 512,           /* of a message of libpq inside one of ours */
};

/*
 * Session settings go in with the start packet, not by SET: behind a pooler in transaction mode a SET would leak into the
 * sessions of the application. Row security off turns rows that a policy would hide into an error, because what is not seen
 * cannot be verified.
 */
static const char session_options[] = "-c search_path= -c client_min_messages=warning -c standard_conforming_strings=on"
                                      " -c row_security=off -c statement_timeout=0 -c lock_timeout=0"
                                      " -c idle_in_transaction_session_timeout=0";

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
            memset(clean + len, '*', 3);
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

enum lf_code libpq_connection_error(const PGconn *pg, struct err *err)
{
    char line[LINE_BYTES];
    copy_one_line(line, PQerrorMessage(pg));
    hide_password(line, PQpass(pg));
    enum lf_code code = PQstatus(pg) == CONNECTION_BAD ? LF_CONNECT : LF_SQL;
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

enum lf_code libpq_result_error(const PGconn *pg, const PGresult *result, const char *sql, struct err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!sqlstate)
        return libpq_connection_error(pg, err);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    enum lf_code code = sqlstate_is_disconnect(sqlstate) || PQstatus(pg) == CONNECTION_BAD ? LF_CONNECT : LF_SQL;
    (void)ERR_AT(err, code, byte_offset(sql, PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION)),
                 "%s (SQLSTATE %s)%s%s%s%s%s%s", primary ? primary : "error", sqlstate, detail ? "; " : "", detail ? detail : "",
                 hint ? "; hint: " : "", hint ? hint : "", context ? "; context: " : "", context ? context : "");
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    return code;
}

/* --- connections that fail --- */

/* Of several places that were tried, the last. */
static const char *last_attempt(const char *message)
{
    static const char begins[] = "connection to server ";
    for (const char *next = message; (next = strstr(next, begins)); next += strlen(begins))
        message = next;
    return message;
}

/* What a server says begins with its severity, in its own language, a colon and two spaces; no words of libpq's have these. */
static const char *words_of_server(const PGconn *pg)
{
    const char *severity_end = strstr(last_attempt(PQerrorMessage(pg)), ":  ");
    return severity_end ? severity_end + 3 : NULL;
}

static bool is_one_of(const char *words, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(words, texts[i]))
            return true;
    return false;
}

/* Of the operating system, as libpq quotes it. A socket that is not there may come; a certificate that is not there will not. */
static bool network_failed(const PGconn *pg, const char *words)
{
    static const int reasons[] = { ECONNREFUSED, ECONNRESET,  ECONNABORTED, EPIPE,        ETIMEDOUT,
                                   ENETDOWN,     ENETUNREACH, EHOSTDOWN,    EHOSTUNREACH, EAGAIN };
    const char *host = PQhost(pg);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strstr(words, strerror(reasons[i])))
            return true;
    return host && host[0] == '/' && strstr(words, strerror(ENOENT));
}

/* Words of the server are those of a verbose message. */
static bool may_pass(const PGconn *pg)
{
    static const char *const ends[] = { "closed the connection unexpectedly", "has been closed unexpectedly", "EOF detected",
                                        "timeout expired" };
    static const char *const failovers[] = { "session is read-only", "session is not read-only", "in hot standby mode" };
    static const char *const classes[] = { "08", "53", "57" }; /* connections, among them a pooler's; resources; shutdowns */
    const char *said = words_of_server(pg), *words = last_attempt(PQerrorMessage(pg));
    for (size_t i = 0; said && i < sizeof classes / sizeof *classes; i++)
        if (strncmp(said, classes[i], 2) == 0)
            return true;
    return !said && (network_failed(pg, words) || is_one_of(words, ends, sizeof ends / sizeof *ends) ||
                     is_one_of(words, failovers, sizeof failovers / sizeof *failovers));
}

/* libpq tells the SQLSTATE of what ends a session at its beginning in verbose messages alone. The session may also begin then. */
static enum lf_code connect_again(PGconn *pg, struct err *err)
{
    struct err first = ERR_INIT;
    (void)libpq_connection_error(pg, &first);
    if (words_of_server(pg)) {
        (void)PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
        PQreset(pg);
        (void)PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    }
    if (PQstatus(pg) == CONNECTION_OK)
        return LF_OK;
    *err = first;
    if (!may_pass(pg))
        err->code = LF_SETTINGS;
    return err->code;
}

/* --- connecting --- */

/* PQconnectdbParams, which waits, or PQconnectStartParams, which begins. */
typedef PGconn *connect_how(const char *const *keywords, const char *const *values, int expand_dbname);

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
    if (!given && !message)
        return ERR(err, LF_MEMORY, "out of memory reading the connection string");
    if (!given) {
        char line[LINE_BYTES] = "";
        copy_one_line(line, message);
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

/* The caller's, then conn.h's, then those that complete them: the last one wins. */
static void put_session_options(struct buf *options, const char *asked, const char *settings)
{
    buf_printf(options, "%s%s%s%s%s", asked ? asked : "", asked ? " " : "", session_options, settings ? " " : "",
               settings ? settings : "");
}

/* Settings later in the list win over earlier ones; those that `dbname` expands to count as standing at its place. */
static enum lf_code begin_session(const char *uri, const PQconninfoOption *defaults, const char *options, connect_how *connect,
                                  PGconn **ret_pg, struct err *err)
{
    const char *keywords[] = { "sslmode", "fallback_application_name", "dbname", "client_encoding", "options", NULL };
    const char *values[] = { default_sslmode(defaults), "landfall", uri, "UTF8", options, NULL };
    PGconn *pg = connect(keywords, values, 1);
    if (!pg)
        return ERR(err, LF_MEMORY, "out of memory connecting to PostgreSQL");
    *ret_pg = pg;
    return LF_OK;
}

static void ignore_notice(void *context, const PGresult *notice)
{
    (void)context, (void)notice;
}

enum lf_code libpq_check_server(const PGconn *pg, struct err *err)
{
    const char *encoding = PQparameterStatus(pg, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return ERR(err, LF_PRECONDITION, "database \"%s\" has the encoding %s; Landfall needs one created with ENCODING 'UTF8'",
                   PQdb(pg), encoding ? encoding : "(unknown)");
    if (PQserverVersion(pg) < SERVER_VERSION_MIN)
        return ERR(err, LF_PRECONDITION, "the server is PostgreSQL %d; Landfall needs 14 or later", PQserverVersion(pg) / 10000);
    return LF_OK;
}

static enum lf_code open_by(connect_how *connect, const char *uri, const char *settings, PGconn **ret_pg, struct err *err)
{
    OPTIONS_FREE PQconninfoOption *given = NULL;
    OPTIONS_FREE PQconninfoOption *defaults = PQconndefaults();
    if (!defaults)
        return ERR(err, LF_MEMORY, "out of memory reading what the environment says of PostgreSQL");
    if (is_connection_string(uri))
        TRY(parse_uri(uri, &given, err));
    const char *asked = option_value(given, "options");
    struct buf options;
    buf_init(&options, OPTIONS_BYTES_MAX);
    put_session_options(&options, asked ? asked : option_value(defaults, "options"), settings);
    enum lf_code code = buf_check(&options, err);
    if (code == LF_OK)
        code = begin_session(uri, defaults, buf_cstr(&options), connect, ret_pg, err);
    buf_done(&options);
    if (code == LF_OK)
        (void)PQsetNoticeReceiver(*ret_pg, ignore_notice, NULL);
    return code;
}

enum lf_code libpq_open_begin(const char *uri, const char *settings, PGconn **ret_pg, struct err *err)
{
    return open_by(PQconnectStartParams, uri, settings, ret_pg, err);
}

enum lf_code libpq_open(const char *uri, const char *settings, PGconn **ret_pg, struct err *err)
{
    PGconn *pg = NULL;
    TRY(open_by(PQconnectdbParams, uri, settings, &pg, err));
    enum lf_code code = PQstatus(pg) == CONNECTION_OK ? LF_OK : connect_again(pg, err);
    if (!code)
        code = libpq_check_server(pg, err);
    if (code)
        PQfinish(pg);
    else
        *ret_pg = pg;
    return code;
}

/* --- parameters --- */

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

enum lf_code libpq_bind(const struct pg_params *params, struct arena *arena, struct libpq_params *ret_bound, struct err *err)
{
    if (params->count > PARAMS_MAX)
        return ERR(err, LF_LIMIT, "%zu parameters, a statement takes %d", params->count, PARAMS_MAX);
    struct libpq_params bound = { arena_calloc(arena, params->count, sizeof *bound.values, err),
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
