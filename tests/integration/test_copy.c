#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WAIT_MS_MAX = 20 * 1000 };

static struct pg_conn *connect_with_table(void)
{
    struct pg_conn *conn = harness_connect(harness_uri());
    harness_exec(conn, "DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (id integer PRIMARY KEY, name text)");
    return conn;
}

static void put_row(struct buf *buf, int32_t id, const char *name)
{
    unsigned char bytes[4] = { (unsigned char)(id >> 24), (unsigned char)(id >> 16), (unsigned char)(id >> 8),
                               (unsigned char)id };
    struct pg_field fields[] = { { (const char *)bytes, 4 }, name ? (struct pg_field){ name, strlen(name) } : PG_NULL };
    pg_put_copy_row(buf, fields, 2);
}

static void binary_rows_come_back(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    pg_put_copy_header(&buf);
    put_row(&buf, 7, "seven");
    put_row(&buf, -8, NULL);
    pg_put_copy_trailer(&buf);
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN (FORMAT binary)", &err), &err);
    /* Messages need not end where rows do. */
    for (size_t at = 0; at < buf.len; at++)
        harness_check(pg_copy_in_put(conn, span_of(buf.data + at, 1), &err), &err);
    int64_t rows = 0;
    harness_check(pg_copy_in_end(conn, &rows, &err), &err);
    assert_int_equal(rows, 2);

    buf_reset(&buf);
    harness_check(pg_copy_out_begin(conn, "COPY (SELECT * FROM public.t ORDER BY id DESC) TO STDOUT (FORMAT binary)", &err),
                  &err);
    struct span message;
    bool end = false;
    for (;;) {
        harness_check(pg_copy_out_next(conn, &message, &end, &err), &err);
        if (end)
            break;
        buf_put_span(&buf, message);
    }
    struct buf wanted;
    buf_init(&wanted, 1 << 20);
    pg_put_copy_header(&wanted);
    put_row(&wanted, 7, "seven");
    put_row(&wanted, -8, NULL);
    pg_put_copy_trailer(&wanted);
    assert_true(span_equal(buf_span(&buf), buf_span(&wanted)));
    buf_done(&wanted);
    buf_done(&buf);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM public.t"), 2);
}

/* Larger than one message and than all buffers on the way. */
static void much_at_once(void **state)
{
    (void)state;
    enum { BYTES = 8 * 1024 * 1024 };
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    char *text = malloc(BYTES);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    memcpy(text, "1\t", 2);
    text[BYTES - 1] = '\n';
    int64_t rows = 0;
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    harness_check(pg_copy_in_put(conn, span_of(text, BYTES), &err), &err);
    harness_check(pg_copy_in_end(conn, &rows, &err), &err);
    free(text);
    assert_int_equal(rows, 1);
    assert_int_equal(harness_int64(conn, "SELECT length(name) FROM public.t"), BYTES - 3);
}

static void bad_rows_are_told_at_the_end(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    harness_exec(conn, "BEGIN");
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    harness_check(pg_copy_in_put(conn, SPAN("1\ta\n2\tb\nthree\tc\n"), &err), &err);
    assert_int_equal(pg_copy_in_end(conn, NULL, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "22P02");
    assert_non_null(strstr(err.message, "line 3"));
    harness_exec(conn, "ROLLBACK");
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM public.t"), 0);
}

/* The server gives up on the first line while megabytes are still being sent. */
static void bad_rows_before_much_data(void **state)
{
    (void)state;
    enum { LINES = 200 * 1000 };
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    enum lf_code code = pg_copy_in_put(conn, SPAN("bad\n"), &err);
    for (int i = 0; i < LINES && code == LF_OK; i++)
        code = pg_copy_in_put(conn, SPAN("1\tone line that is as long as many others\n"), &err);
    if (code == LF_OK)
        code = pg_copy_in_end(conn, NULL, &err);
    assert_int_equal(code, LF_SQL);
    assert_string_equal(err.sqlstate, "22P02");
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM public.t"), 0);
}

static void a_copy_can_be_given_up(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    harness_exec(conn, "BEGIN");
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    harness_check(pg_copy_in_put(conn, SPAN("1\ta\n"), &err), &err);
    harness_exec(conn, "ROLLBACK");
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM public.t"), 0);
}

static void statements_that_are_no_copy(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    assert_int_equal(pg_copy_in_begin(conn, "SELECT 1", &err), LF_SQL);
    assert_int_equal(pg_copy_in_begin(conn, "COPY public.t TO STDOUT", &err), LF_SQL);
    assert_int_equal(pg_copy_out_begin(conn, "COPY public.t FROM STDIN", &err), LF_SQL);
    assert_int_equal(pg_copy_in_begin(conn, "COPY public.nothing FROM STDIN", &err), LF_SQL);
    assert_string_equal(err.sqlstate, "42P01");
    assert_int_equal(pg_exec(conn, "COPY (SELECT generate_series(1, 2000000000)) TO STDOUT", &err), LF_SQL);
    assert_int_equal(pg_exec(conn, "COPY public.t FROM STDIN", &err), LF_SQL);
    assert_int_equal(pg_copy_in_put(conn, SPAN("1\ta\n"), &err), LF_SQL);
    assert_int_equal(pg_copy_in_end(conn, NULL, &err), LF_SQL);
    assert_int_equal(harness_int64(conn, "SELECT 1"), 1);
}

static void empty_tables(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    struct span message;
    bool end = false;
    int64_t rows = -1;
    harness_check(pg_copy_out_begin(conn, "COPY public.t TO STDOUT", &err), &err);
    harness_check(pg_copy_out_next(conn, &message, &end, &err), &err);
    assert_true(end);
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    harness_check(pg_copy_in_put(conn, SPAN(""), &err), &err);
    harness_check(pg_copy_in_end(conn, &rows, &err), &err);
    assert_int_equal(rows, 0);
}

static void reading_stops_on_demand(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    struct span message;
    bool end = false;
    /* Without the cancellation this would take minutes. */
    harness_check(pg_copy_out_begin(conn, "COPY (SELECT generate_series(1, 2000000000)) TO STDOUT", &err), &err);
    for (int i = 0; i < 10; i++)
        harness_check(pg_copy_out_next(conn, &message, &end, &err), &err);
    assert_false(end);
    pg_copy_out_abort(conn);
    assert_int_equal(harness_int64(conn, "SELECT 1"), 1);
}

static void errors_amid_reading(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    struct span message;
    bool end = false;
    int rows = 0;
    enum lf_code code = pg_copy_out_begin(conn, "COPY (SELECT 1000 / (5 - i) FROM generate_series(1, 10) AS i) TO STDOUT", &err);
    while (code == LF_OK && !end && (code = pg_copy_out_next(conn, &message, &end, &err)) == LF_OK)
        rows++;
    assert_int_equal(code, LF_SQL);
    assert_string_equal(err.sqlstate, "22012");
    assert_int_equal(rows, 4);
    assert_false(end);
    assert_int_equal(harness_int64(conn, "SELECT 1"), 1);
}

static void kill_backend(int64_t pid)
{
    PG_CONN_CLEANUP struct pg_conn *killer = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    struct timespec pause = { .tv_nsec = 5000000 };
    char sql[128];
    harness_check(pg_execf(killer, &err, "SELECT pg_terminate_backend(%lld)", (long long)pid), &err);
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld", (long long)pid);
    for (int waited_ms = 0; harness_int64(killer, sql) != 0; waited_ms += 5) {
        assert_true(waited_ms < WAIT_MS_MAX);
        (void)nanosleep(&pause, NULL);
    }
}

static void the_server_hangs_up_amid_writing(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    PG_CONN_CLEANUP struct pg_conn *other = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    int64_t pid = harness_int64(conn, "SELECT pg_backend_pid()");
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    harness_check(pg_copy_in_put(conn, SPAN("1\ta\n"), &err), &err);
    kill_backend(pid);
    enum lf_code code = LF_OK;
    for (int i = 0; i < 1000 * 1000 && code == LF_OK; i++)
        code = pg_copy_in_put(conn, SPAN("1\tone line that is as long as many others\n"), &err);
    assert_int_equal(code, LF_CONNECT);
    assert_string_not_equal(err.message, "");
    assert_int_equal(pg_copy_in_end(conn, NULL, &err), LF_CONNECT);
    assert_int_equal(pg_exec(conn, "ROLLBACK", &err), LF_CONNECT);
    assert_int_equal(harness_int64(other, "SELECT count(*) FROM public.t"), 0);
}

static void the_server_hangs_up_before_the_end(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = connect_with_table();
    struct err err = ERR_INIT;
    int64_t pid = harness_int64(conn, "SELECT pg_backend_pid()");
    harness_check(pg_copy_in_begin(conn, "COPY public.t FROM STDIN", &err), &err);
    kill_backend(pid);
    assert_int_equal(pg_copy_in_end(conn, NULL, &err), LF_CONNECT);
    assert_non_null(strstr(err.message, "terminating connection"));
}

static void the_server_hangs_up_amid_reading(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    struct span message;
    bool end = false;
    int64_t pid = harness_int64(conn, "SELECT pg_backend_pid()");
    harness_check(pg_copy_out_begin(conn, "COPY (SELECT generate_series(1, 2000000000)) TO STDOUT", &err), &err);
    harness_check(pg_copy_out_next(conn, &message, &end, &err), &err);
    kill_backend(pid);
    enum lf_code code = LF_OK;
    while (code == LF_OK && !end)
        code = pg_copy_out_next(conn, &message, &end, &err);
    assert_int_equal(code, LF_CONNECT);
    assert_false(end);
    pg_copy_out_abort(conn);
    assert_int_equal(pg_exec(conn, "SELECT 1", &err), LF_CONNECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_rows_come_back),
        cmocka_unit_test(much_at_once),
        cmocka_unit_test(bad_rows_are_told_at_the_end),
        cmocka_unit_test(bad_rows_before_much_data),
        cmocka_unit_test(a_copy_can_be_given_up),
        cmocka_unit_test(statements_that_are_no_copy),
        cmocka_unit_test(empty_tables),
        cmocka_unit_test(reading_stops_on_demand),
        cmocka_unit_test(errors_amid_reading),
        cmocka_unit_test(the_server_hangs_up_amid_writing),
        cmocka_unit_test(the_server_hangs_up_before_the_end),
        cmocka_unit_test(the_server_hangs_up_amid_reading),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
