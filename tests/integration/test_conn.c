#include "harness.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pg_field text(const char *value)
{
    return (struct pg_field){ value, strlen(value) };
}

static const char *query_text(struct pg_conn *conn, const char *sql)
{
    static char value[256];
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    harness_check(pg_query(conn, sql, NULL, &result, &err), &err);
    (void)snprintf(value, sizeof value, "%s", pg_result_text(result, 0, 0));
    return value;
}

static void session_is_set_up(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    assert_true(pg_server_version(conn) >= 140000);
    assert_string_equal(query_text(conn, "SHOW search_path"), "");
    assert_string_equal(query_text(conn, "SHOW application_name"), "landfall");
    assert_string_equal(query_text(conn, "SHOW client_encoding"), "UTF8");
    assert_string_equal(query_text(conn, "SHOW client_min_messages"), "warning");
    assert_string_equal(query_text(conn, "SHOW row_security"), "off");
    assert_string_equal(query_text(conn, "SELECT current_database()"), "landfall");
}

static void options_of_the_caller_stay_but_do_not_win(void **state)
{
    (void)state;
    char uri[8192];
    (void)snprintf(uri, sizeof uri, "%s&options=-c%%20work_mem%%3D7MB%%20-c%%20search_path%%3Dpublic", harness_uri());
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(uri);
    assert_string_equal(query_text(conn, "SHOW work_mem"), "7MB");
    assert_string_equal(query_text(conn, "SHOW search_path"), "");

    assert_int_equal(setenv("PGOPTIONS", "-c work_mem=9MB", 1), 0);
    PG_CONN_CLEANUP struct pg_conn *by_environment = harness_connect(harness_uri());
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
    assert_string_equal(query_text(by_environment, "SHOW work_mem"), "9MB");
    assert_string_equal(query_text(by_environment, "SHOW search_path"), "");
}

static void another_connection_goes_to_the_same_place(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("again"));
    PG_CONN_CLEANUP struct pg_conn *other = NULL;
    struct err err = ERR_INIT;
    harness_check(pg_connect_again(conn, &other, &err), &err);
    assert_string_equal(query_text(other, "SELECT current_database()"), "again");
}

static void statements_and_their_errors(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    harness_exec(conn, "CREATE TEMP TABLE t (a integer); INSERT INTO t VALUES (1), (2)");
    harness_check(pg_execf(conn, &err, "INSERT INTO t VALUES (%d)", 3), &err);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM t"), 3);
    harness_exec(conn, "");

    assert_int_equal(pg_exec(conn, "SELECT 'ä'; SELECT * FROM nothing.here", &err), LF_SQL);
    assert_string_equal(err.sqlstate, "42P01");
    assert_non_null(strstr(err.message, "nothing.here"));
    assert_non_null(strstr(err.message, "42P01"));
    assert_int_equal(err.offset, strlen("SELECT 'ä'; SELECT * FROM "));
    assert_int_equal(harness_int64(conn, "SELECT 1"), 1);
}

static void transaction_state(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    assert_false(pg_in_transaction(conn));
    harness_exec(conn, "BEGIN");
    assert_true(pg_in_transaction(conn));
    assert_int_equal(pg_exec(conn, "SELECT 1/0", &err), LF_SQL);
    assert_false(pg_in_transaction(conn));
    harness_exec(conn, "ROLLBACK");
    assert_false(pg_in_transaction(conn));
}

static void parameters(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct err err = ERR_INIT;
    /* The text is not terminated where it ends; the binary parameter is big-endian. */
    struct pg_field values[] = { { "abcdef", 3 }, PG_NULL, { "\0\0\1\0", 4 }, text("") };
    bool binary[] = { false, false, true, false };
    struct pg_params params = { values, binary, 4 };
    harness_check(pg_query(conn, "SELECT $1::text, $2::text, $3::integer, $4::text", &params, &result, &err), &err);
    assert_int_equal(pg_result_rows(result), 1);
    assert_string_equal(pg_result_text(result, 0, 0), "abc");
    assert_int_equal(pg_result_get(result, 0, 0).len, 3);
    assert_null(pg_result_get(result, 0, 1).data);
    assert_string_equal(pg_result_text(result, 0, 1), "");
    assert_int_equal(pg_result_int64(result, 0, 1), 0);
    assert_int_equal(pg_result_int64(result, 0, 2), 256);
    assert_non_null(pg_result_get(result, 0, 3).data);
    assert_int_equal(pg_result_get(result, 0, 3).len, 0);
}

static void parameters_that_postgresql_cannot_hold(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct pg_result *result = NULL;
    struct err err = ERR_INIT;
    struct pg_field nul = { "a\0b", 3 };
    assert_int_equal(pg_query(conn, "SELECT $1::text", &(struct pg_params){ &nul, NULL, 1 }, &result, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "22021");

    enum { PARAMS_MAX = 65535 };
    struct pg_field *many = calloc(PARAMS_MAX + 1, sizeof *many);
    assert_non_null(many);
    assert_int_equal(pg_query(conn, "SELECT 1", &(struct pg_params){ many, NULL, PARAMS_MAX + 1 }, &result, &err), LF_LIMIT);
    /* At the limit it is PostgreSQL that answers: the statement has no use for them. */
    assert_int_equal(pg_query(conn, "SELECT 1", &(struct pg_params){ many, NULL, PARAMS_MAX }, &result, &err), LF_SQL);
    free(many);
    assert_null(result);
}

static void affected_rows(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct err err = ERR_INIT;
    harness_exec(conn, "CREATE TEMP TABLE t AS SELECT generate_series(1, 10) AS a");
    harness_check(pg_query(conn, "DELETE FROM t WHERE a > 3", NULL, &result, &err), &err);
    assert_int_equal(pg_result_affected(result), 7);
}

static void a_lost_connection_is_told_apart(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    assert_int_equal(pg_exec(conn, "SELECT pg_terminate_backend(pg_backend_pid())", &err), LF_CONNECT);
    assert_int_equal(pg_exec(conn, "SELECT 1", &err), LF_CONNECT);
    assert_true(lf_code_info(err.code)->retryable);
}

static void other_encodings_are_refused(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *admin = harness_connect(harness_uri());
    harness_exec(admin, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    struct err err = ERR_INIT;
    struct pg_conn *conn = NULL;
    char uri[8192];
    (void)snprintf(uri, sizeof uri, "postgresql://landfall@/latin?%s", strchr(harness_uri(), '?') + 1);
    assert_int_equal(pg_connect(uri, &conn, &err), LF_PRECONDITION);
    assert_non_null(strstr(err.message, "LATIN1"));
    assert_non_null(strstr(err.message, "latin"));
    assert_null(conn);
}

/* Connection strings that fail, in parsing or in connecting; "sesam" is the password or a piece of it. */
static const struct {
    const char *uri;
    enum lf_code code;
} bad_uris[] = {
    { "postgres://u:sesam@localhost:1/x", LF_CONNECT },
    { "postgres://u:sesam@/x?host=/sesam", LF_CONNECT },
    { "host=/sesam user=u password=sesam", LF_CONNECT },
    { "postgres://u:p@sesam@localhost:1/x", LF_USAGE },
    { "postgres://u:p/sesam@localhost:1/x", LF_USAGE },
    { "postgres://u:12/sesam@localhost:1/x", LF_USAGE },
    { "postgres://u:[sesam@localhost:1/x", LF_CONNECT },
    { "postgres://[u:sesam@localhost:1/x", LF_CONNECT },
    { "postgres://u@[sesam/x", LF_USAGE },
    { "postgres://u:sesam%zz@localhost/x", LF_USAGE },
    { "postgres://u@localhost/x?passwort=sesam", LF_USAGE },
    { "host=localhost password=a sesam", LF_USAGE },
    { "host=localhost password='a sesam", LF_USAGE },
    { "hots=localhost password=sesam", LF_USAGE },
};

static void passwords_stay_out_of_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_uris / sizeof *bad_uris; i++) {
        struct err err = ERR_INIT;
        struct pg_conn *conn = NULL;
        enum lf_code code = pg_connect(bad_uris[i].uri, &conn, &err);
        if (code != bad_uris[i].code || strstr(err.message, "sesam") || err.message[0] == '\0')
            fail_msg("%s: %s: %s", bad_uris[i].uri, lf_code_info(code)->name, err.message);
        assert_null(conn);
    }
}

/* What each adds to the harness's URI or takes the place of it, where it begins with a name of its own. */
static const struct {
    const char *settings;
    enum lf_code code;
    const char *words;
} failing[] = {
    { "&dbname=nothing", LF_SETTINGS, "does not exist" },
    { "&user=nobody_here", LF_SETTINGS, "does not exist" },
    { "&user=cannot_login", LF_SETTINGS, "not permitted to log in" },
    { "&user=crowded", LF_CONNECT, "too many connections" },
    { "host=nowhere.invalid", LF_SETTINGS, "nowhere.invalid" },
    { "host=127.0.0.1 port=1", LF_CONNECT, "refused" },
    { "host=/nonexistent", LF_CONNECT, "No such file" },
    { "host=127.0.0.1,nowhere.invalid port=1", LF_CONNECT, "nowhere.invalid" },
};

static void what_may_pass_is_told_apart_from_wrong_settings(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *admin = harness_connect(harness_uri());
    harness_exec(admin, "CREATE ROLE cannot_login; CREATE ROLE crowded LOGIN CONNECTION LIMIT 0");
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        char uri[8192];
        struct err err = ERR_INIT;
        struct pg_conn *conn = NULL;
        bool is_added = failing[i].settings[0] == '&';
        (void)snprintf(uri, sizeof uri, "%s%s", is_added ? harness_uri() : "", failing[i].settings);
        enum lf_code code = pg_connect(uri, &conn, &err);
        if (code != failing[i].code || err.code != code || !strstr(err.message, failing[i].words) ||
            strstr(err.message, "LOCATION"))
            fail_msg("%s: %s: %s", failing[i].settings, lf_code_info(code)->name, err.message);
        assert_null(conn);
    }
}

/* A server that takes one connection and keeps what the client says first. */
struct listener {
    int socket;
    uint32_t first_code; /* 80877103 asks for TLS, 196608 starts without */
};

static void *listen_once(void *context)
{
    struct listener *listener = context;
    int peer = accept(listener->socket, NULL, NULL);
    uint32_t words[2] = { 0 };
    if (peer >= 0 && recv(peer, words, sizeof words, MSG_WAITALL) == sizeof words)
        listener->first_code = ntohl(words[1]);
    (void)close(peer);
    return NULL;
}

static uint32_t first_code_of_client(const char *parameters)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    struct listener listener = { .socket = socket(AF_INET, SOCK_STREAM, 0) };
    assert_int_equal(bind(listener.socket, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener.socket, 1), 0);
    assert_int_equal(getsockname(listener.socket, (struct sockaddr *)&address, &len), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, listen_once, &listener), 0);

    char uri[256];
    struct err err = ERR_INIT;
    struct pg_conn *conn = NULL;
    (void)snprintf(uri, sizeof uri, "postgres://u@127.0.0.1:%u/x?gssencmode=disable%s", ntohs(address.sin_port), parameters);
    assert_int_equal(pg_connect(uri, &conn, &err), LF_CONNECT);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(listener.socket);
    return listener.first_code;
}

enum { CODE_TLS = 80877103, CODE_PLAIN = 196608 };

static void pgssl_asks_for_tls(void **state)
{
    (void)state;
    /* With `allow`, libpq tries without TLS first; `prefer`, its own default, cannot be told from `require` by the first word. */
    assert_int_equal(first_code_of_client("&sslmode=allow"), CODE_PLAIN);
    assert_int_equal(setenv("PGSSLMODE", "disable", 1), 0);
    assert_int_equal(setenv("PGSSL", "true", 1), 0);
    assert_int_equal(first_code_of_client(""), CODE_PLAIN);
    assert_int_equal(unsetenv("PGSSLMODE"), 0);
    assert_int_equal(first_code_of_client(""), CODE_TLS);
    assert_int_equal(first_code_of_client("&sslmode=disable"), CODE_PLAIN);
    assert_int_equal(unsetenv("PGSSL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_is_set_up),
        cmocka_unit_test(options_of_the_caller_stay_but_do_not_win),
        cmocka_unit_test(another_connection_goes_to_the_same_place),
        cmocka_unit_test(statements_and_their_errors),
        cmocka_unit_test(transaction_state),
        cmocka_unit_test(parameters),
        cmocka_unit_test(parameters_that_postgresql_cannot_hold),
        cmocka_unit_test(affected_rows),
        cmocka_unit_test(a_lost_connection_is_told_apart),
        cmocka_unit_test(other_encodings_are_refused),
        cmocka_unit_test(passwords_stay_out_of_messages),
        cmocka_unit_test(what_may_pass_is_told_apart_from_wrong_settings),
        cmocka_unit_test(pgssl_asks_for_tls),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
