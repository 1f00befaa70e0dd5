#include "harness.h"
#include "pg/retry.h"

static const struct pg_retry_policy policy = { .attempts_max = 3, .lock_timeout_ms = 20, .delay_ms_min = 1, .delay_ms_max = 5 };

/* Work that counts its attempts, and what it runs. */
struct work {
    const char *sql;
    unsigned attempts;
    struct pg_conn *holder; /* gives its lock up before attempt `free_at`; NULL for none */
    unsigned free_at;
};

static enum lf_code do_work(void *context, struct pg_conn *conn, struct err *err)
{
    struct work *work = context;
    assert_true(pg_in_transaction(conn));
    if (++work->attempts == work->free_at)
        harness_exec(work->holder, "ROLLBACK");
    return pg_exec(conn, work->sql, err);
}

static struct pg_conn *hold_table(void)
{
    struct pg_conn *holder = harness_connect(harness_uri());
    harness_exec(holder, "DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (a integer)");
    harness_exec(holder, "BEGIN; SELECT * FROM public.t");
    return holder;
}

static void gives_up_after_the_last_attempt(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *holder = hold_table();
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct work work = { .sql = "ALTER TABLE public.t ADD COLUMN b integer" };
    struct err err = ERR_INIT;
    assert_int_equal(pg_retry_transaction(conn, &policy, do_work, &work, &err), LF_SQL);
    assert_int_equal(work.attempts, policy.attempts_max);
    assert_string_equal(err.sqlstate, "55P03");
    assert_non_null(strstr(err.message, "attempt 3"));
    assert_false(pg_in_transaction(conn));
}

static void goes_through_when_the_lock_is_free(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *holder = hold_table();
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct work work = { .sql = "ALTER TABLE public.t ADD COLUMN b integer", .holder = holder, .free_at = 3 };
    struct err err = ERR_INIT;
    harness_check(pg_retry_transaction(conn, &policy, do_work, &work, &err), &err);
    assert_int_equal(work.attempts, 3);
    assert_false(pg_in_transaction(conn));
    assert_int_equal(harness_int64(holder, "SELECT count(b) FROM public.t"), 0);
}

static void other_failures_are_final(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct work work = { .sql = "CREATE TABLE public.gone (); SELECT 1 / 0" };
    struct err err = ERR_INIT;
    assert_int_equal(pg_retry_transaction(conn, &policy, do_work, &work, &err), LF_SQL);
    assert_int_equal(work.attempts, 1);
    assert_string_equal(err.sqlstate, "22012");
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM pg_class WHERE relname = 'gone'"), 0);
}

static void a_lost_connection_is_final(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct work work = { .sql = "SELECT pg_terminate_backend(pg_backend_pid())" };
    struct err err = ERR_INIT;
    assert_int_equal(pg_retry_transaction(conn, &policy, do_work, &work, &err), LF_CONNECT);
    assert_int_equal(work.attempts, 1);
}

static void what_may_pass(void **state)
{
    (void)state;
    static const struct {
        struct err err;
        bool may_pass;
    } cases[] = {
        { { .code = LF_CONNECT }, true },
        { { .code = LF_SETTINGS }, false },
        { { .code = LF_NETWORK }, false },
        { { .code = LF_SQL }, true },
        { { .code = LF_SQL, .sqlstate = "40001" }, true },
        { { .code = LF_SQL, .sqlstate = "53200" }, true },
        { { .code = LF_SQL, .sqlstate = "55P03" }, true },
        { { .code = LF_SQL, .sqlstate = "57P01" }, true },
        { { .code = LF_SQL, .sqlstate = "42501" }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(pg_error_may_pass(&cases[i].err), cases[i].may_pass);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_up_after_the_last_attempt),
        cmocka_unit_test(goes_through_when_the_lock_is_free),
        cmocka_unit_test(other_failures_are_final),
        cmocka_unit_test(a_lost_connection_is_final),
        cmocka_unit_test(what_may_pass),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
