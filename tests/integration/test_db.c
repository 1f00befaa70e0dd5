#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/gateway.h"
#include "gateway/store/store.h"

enum { FIBERS_MAX = 128, PATIENCE_MS = 20000 };

static struct loop *loop;
static struct db *db;

/* --- a loop with fibers per test --- */

static void expire(void *context)
{
    (void)context;
    fail_msg("the fibers have not ended for %d ms", PATIENCE_MS);
}

static void stop_when_all_ended(void *context)
{
    struct loop_timer *timer = context;
    if (fiber_pool_count(loop_fibers(loop)) == 0)
        loop_stop(loop);
    else
        loop_timer_set(loop, timer, 1);
}

/* Starts `count` fibers, each with the address of its number, and runs the loop until all have ended. */
static void run_fibers(fiber_main *body, size_t count)
{
    static int numbers[FIBERS_MAX];
    struct err err = ERR_INIT;
    struct loop_timer patience = { .fire = expire };
    struct loop_timer ended = { .fire = stop_when_all_ended };
    ended.context = &ended;
    assert_true(count <= FIBERS_MAX);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (int)i;
        harness_check(fiber_start(loop_fibers(loop), body, &numbers[i], &err), &err);
    }
    loop_timer_set(loop, &patience, PATIENCE_MS);
    loop_timer_set(loop, &ended, 1);
    harness_check(loop_run(loop, 0, &err), &err);
    loop_timer_cancel(loop, &patience);
    loop_timer_cancel(loop, &ended);
}

static void open_db(const char *uri, unsigned reads, unsigned writes, int64_t statement_timeout_ms)
{
    struct err err = ERR_INIT;
    struct db_options options = {
        .postgres = uri, .read_connections = reads, .write_connections = writes, .statement_timeout_ms = statement_timeout_ms
    };
    harness_check(loop_new(FIBERS_MAX, &loop, &err), &err);
    harness_check(db_new(loop, &options, &db, &err), &err);
    assert_ptr_equal(db_loop(db), loop);
    assert_true(db_is_connected(db));
}

static int close_db(void **state)
{
    (void)state;
    db_free(db);
    loop_free(loop);
    db = NULL;
    loop = NULL;
    return 0;
}

/* --- statements of fibers --- */

typedef enum lf_code run_statement(struct db *of, const struct pg_statement *statement, const struct pg_params *params,
                                   struct pg_result **ret_result, struct err *err);

static int32_t int_of(struct pg_result *result)
{
    struct err err = ERR_INIT;
    int32_t value = -1;
    if (pg_result_rows(result) > 0) {
        struct pg_field field = pg_result_get(result, 0, 0);
        harness_check(pg_read_int32(span_of(field.data, field.len), &value, &err), &err);
    }
    pg_result_free(result);
    return value;
}

static struct pg_params int_params(struct buf *bytes, struct pg_field *field, int32_t value)
{
    static const bool binary[] = { true };
    buf_init(bytes, 16);
    pg_put_int32(bytes, value);
    *field = (struct pg_field){ bytes->data, bytes->len };
    return (struct pg_params){ field, binary, 1 };
}

static enum lf_code run_int(run_statement *run, const struct pg_statement *statement, int32_t value, int32_t *ret_value,
                            struct err *err)
{
    struct buf bytes;
    struct pg_field field;
    struct pg_result *result = NULL;
    struct pg_params params = int_params(&bytes, &field, value);
    enum lf_code code = run(db, statement, &params, &result, err);
    buf_done(&bytes);
    if (code == LF_OK)
        *ret_value = int_of(result);
    return code;
}

static enum lf_code tx_int(struct db_transaction *transaction, const struct pg_statement *statement, int32_t value,
                           struct err *err)
{
    struct buf bytes;
    struct pg_field field;
    struct pg_result *result = NULL;
    struct pg_params params = int_params(&bytes, &field, value);
    enum lf_code code = db_tx_query(transaction, statement, &params, &result, err);
    buf_done(&bytes);
    pg_result_free(result);
    return code;
}

static int32_t ask(run_statement *run, const char *sql)
{
    struct err err = ERR_INIT;
    const struct pg_statement *statement;
    struct pg_result *result = NULL;
    harness_check(db_statement(db, span_from_cstr(sql), &statement, &err), &err);
    harness_check(run(db, statement, NULL, &result, &err), &err);
    return int_of(result);
}

static struct db_transaction *begin(void)
{
    struct err err = ERR_INIT;
    struct db_transaction *transaction = NULL;
    harness_check(db_begin(db, &transaction, &err), &err);
    return transaction;
}

static int32_t ask_in(struct db_transaction *transaction, const char *sql)
{
    struct err err = ERR_INIT;
    const struct pg_statement *statement;
    struct pg_result *result = NULL;
    harness_check(db_statement(db, span_from_cstr(sql), &statement, &err), &err);
    harness_check(db_tx_query(transaction, statement, NULL, &result, &err), &err);
    return int_of(result);
}

static void commit(struct db_transaction *transaction)
{
    struct err err = ERR_INIT;
    bool is_certain = false;
    harness_check(db_commit(transaction, &is_certain, &err), &err);
    assert_true(is_certain);
}

static void exec(const char *sql)
{
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    harness_exec(conn, sql);
}

static int64_t count_rows(const char *sql)
{
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    return harness_int64(conn, sql);
}

static const struct pg_statement twice = { .sql = "SELECT $1::int4 * 2" };
static const struct pg_statement divide = { .sql = "SELECT 1000 / $1::int4" };
static const struct pg_statement insert = { .sql = "INSERT INTO public.t VALUES ($1::int4) RETURNING a" };

static void empty_table(void)
{
    exec("DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (a integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
}

/* --- reads --- */

static void read_many(void *context)
{
    int number = *(int *)context;
    struct err err = ERR_INIT;
    int32_t value = 0;
    for (int32_t i = 0; i < 50; i++) {
        harness_check(run_int(db_query, &twice, number * 100 + i, &value, &err), &err);
        assert_int_equal(value, 2 * (number * 100 + i));
        enum lf_code code = run_int(db_query, &divide, (number + i) % 5, &value, &err);
        assert_int_equal(code, (number + i) % 5 ? LF_OK : LF_SQL);
        if (code != LF_OK)
            assert_string_equal(err.sqlstate, "22012");
        else
            assert_int_equal(value, 1000 / ((number + i) % 5));
    }
}

static void fibers_share_the_read_connections(void **state)
{
    (void)state;
    open_db(harness_uri(), 2, 1, 10000);
    run_fibers(read_many, 64);
}

static void check_session(void *context)
{
    (void)context;
    static const char *const wanted[] = {
        "SELECT (current_setting('plan_cache_mode') = 'force_generic_plan' AND current_setting('jit') = 'off')::int4",
        "SELECT (current_setting('enable_seqscan') = 'off' AND current_setting('enable_hashjoin') = 'off' "
        "AND current_setting('enable_mergejoin') = 'off')::int4",
        "SELECT (current_setting('statement_timeout') = '2s')::int4",
        "SELECT (current_setting('idle_in_transaction_session_timeout') = '2s')::int4",
        "SELECT (current_setting('transaction_isolation') = 'read committed')::int4",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(ask(db_query, wanted[i]), 1);
        assert_int_equal(ask(db_write, wanted[i]), 1);
    }
}

static void run_too_long(void *context)
{
    (void)context;
    static const struct pg_statement slow = { .sql = "SELECT pg_sleep(60)" };
    struct err err = ERR_INIT;
    struct pg_result *result = NULL;
    assert_int_equal(db_query(db, &slow, NULL, &result, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "57014");
    assert_int_equal(ask(db_query, "SELECT 7"), 7);
}

static void sessions_have_their_settings(void **state)
{
    (void)state;
    exec("ALTER ROLE landfall SET default_transaction_isolation = 'serializable'");
    open_db(harness_uri(), 1, 1, 2000);
    exec("ALTER ROLE landfall RESET default_transaction_isolation");
    run_fibers(check_session, 1);
    run_fibers(run_too_long, 1);
}

static void same_text_same_statement(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    const struct pg_statement *first[COUNT], *again;
    struct err err = ERR_INIT;
    char sql[32];
    open_db(harness_uri(), 1, 1, 10000);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            /* Not terminated where it ends. */
            (void)snprintf(sql, sizeof sql, "SELECT %d;;;", i);
            harness_check(db_statement(db, span_of(sql, strlen(sql) - 3), &again, &err), &err);
            if (round == 0)
                first[i] = again;
            assert_ptr_equal(again, first[i]);
            assert_int_equal(strtol(again->sql + strlen("SELECT "), NULL, 10), i);
            assert_null(strchr(again->sql, ';'));
        }
    }
}

static void read_changing(void *context)
{
    (void)context;
    assert_int_equal(ask(db_query, "SELECT * FROM public.changing"), 5);
    assert_int_equal(ask(db_write, "DELETE FROM public.changing WHERE a = 6 RETURNING *"), -1);
    exec("ALTER TABLE public.changing ADD b integer; INSERT INTO public.changing VALUES (6)");
    assert_int_equal(ask(db_write, "DELETE FROM public.changing WHERE a = 6 RETURNING *"), 6);
    assert_int_equal(ask(db_query, "SELECT * FROM public.changing"), 5);
}

static void tables_may_change_under_statements(void **state)
{
    (void)state;
    exec("CREATE TABLE public.changing AS SELECT 5 AS a");
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(read_changing, 1);
}

/* --- writes --- */

static void write_many(void *context)
{
    int number = *(int *)context;
    struct err err = ERR_INIT;
    int32_t value = 0;
    for (int32_t i = 0; i < 10; i++) {
        harness_check(run_int(db_write, &insert, number * 100 + i, &value, &err), &err);
        assert_int_equal(value, number * 100 + i);
        /* The constraint is checked at the commit. */
        assert_int_equal(run_int(db_write, &insert, number * 100 + i, &value, &err), LF_SQL);
        assert_string_equal(err.sqlstate, "23505");
    }
}

static void writes_are_transactions_of_their_own(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 3, 10000);
    run_fibers(write_many, 20);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t"), 200);
}

/* Two inserts sent at once. */
static enum lf_code insert_both(int32_t one, int32_t other, int32_t *ret_values, struct err *err)
{
    struct buf bytes[2];
    struct pg_field fields[2];
    struct db_step steps[2] = { { .statement = &insert, .params = int_params(&bytes[0], &fields[0], one) },
                                { .statement = &insert, .params = int_params(&bytes[1], &fields[1], other) } };
    enum lf_code code = db_write_all(db, steps, 2, err);
    for (size_t i = 0; i < 2; i++) {
        buf_done(&bytes[i]);
        if (code == LF_OK)
            ret_values[i] = int_of(steps[i].result);
        else
            assert_null(steps[i].result);
    }
    return code;
}

/* Among single writes on the same connection. */
static void write_pairs(void *context)
{
    int32_t base = *(int *)context * 1000, values[2] = { 0 }, value = 0;
    struct err err = ERR_INIT;
    for (int32_t i = 0; i < 10; i++) {
        harness_check(insert_both(base + i, base + 100 + i, values, &err), &err);
        assert_int_equal(values[0], base + i);
        assert_int_equal(values[1], base + 100 + i);
        assert_int_equal(insert_both(base + 200 + i, base + i, values, &err), LF_SQL); /* at the commit */
        assert_string_equal(err.sqlstate, "23505");
        harness_check(run_int(db_write, &insert, base + 300 + i, &value, &err), &err);
    }
}

static void steps_are_one_transaction(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 2, 10000);
    run_fibers(write_pairs, 20);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t"), 20 * 30);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t WHERE a % 1000 BETWEEN 200 AND 299"), 0);
}

/* Transactions and single writes at the same time on few connections: each fiber's transaction has two rows or none. */
static void mix(void *context)
{
    int number = *(int *)context;
    struct err err = ERR_INIT;
    int32_t value = 0;
    for (int32_t i = 0; i < 10; i++) {
        int32_t base = number * 1000 + i * 10;
        struct db_transaction *transaction = begin();
        harness_check(tx_int(transaction, &insert, base, &err), &err);
        harness_check(tx_int(transaction, &insert, base + 1, &err), &err);
        if (i % 3 == 0)
            db_rollback(transaction);
        else
            commit(transaction);
        harness_check(run_int(db_write, &insert, base + 2, &value, &err), &err);
    }
}

static void transactions_are_alone_on_their_connection(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 2, 10000);
    run_fibers(mix, 40);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t WHERE a % 10 = 0"), 40 * 6);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t WHERE a % 10 = 1"), 40 * 6);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t WHERE a % 10 = 2"), 40 * 10);
    assert_int_equal(count_rows("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"), 0);
}

static int order[FIBERS_MAX], order_count;

static void take_turn(void *context)
{
    int number = *(int *)context;
    struct err err = ERR_INIT;
    int32_t value = 0;
    if (number % 2) {
        harness_check(run_int(db_write, &twice, number, &value, &err), &err);
        order[order_count++] = number;
        return;
    }
    struct db_transaction *transaction = begin();
    order[order_count++] = number;
    harness_check(tx_int(transaction, &twice, number, &err), &err);
    fiber_sleep(loop, 2);
    commit(transaction);
}

static void who_waits_gets_its_turn(void **state)
{
    (void)state;
    open_db(harness_uri(), 1, 1, 10000);
    order_count = 0;
    run_fibers(take_turn, 20);
    assert_int_equal(order_count, 20);
    /* A write is done when it is answered, which is before the transaction behind it ends. */
    for (int i = 0; i < 20; i += 2) {
        int at = 0;
        while (order[at] != i)
            at++;
        for (int later = 0; later < at; later++)
            assert_true(order[later] <= i + 1);
    }
}

static void fail_in_transaction(void *context)
{
    (void)context;
    struct err err = ERR_INIT;
    bool is_certain = false;
    struct db_transaction *transaction = begin();
    harness_check(tx_int(transaction, &insert, 1, &err), &err);
    assert_int_equal(tx_int(transaction, &divide, 0, &err), LF_SQL);
    assert_int_equal(tx_int(transaction, &insert, 2, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "25P02");
    assert_int_equal(db_commit(transaction, &is_certain, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "25P02");
    assert_true(is_certain);

    /* The first statement fails, together with BEGIN. */
    transaction = begin();
    assert_int_equal(tx_int(transaction, &divide, 0, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "22012");
    db_rollback(transaction);

    /* The commit fails. */
    transaction = begin();
    harness_check(tx_int(transaction, &insert, 3, &err), &err);
    harness_check(tx_int(transaction, &insert, 3, &err), &err);
    is_certain = false;
    assert_int_equal(db_commit(transaction, &is_certain, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "23505");
    assert_true(is_certain);

    /* Nothing is asked of it. */
    commit(begin());
    db_rollback(begin());
    db_rollback(NULL);

    int32_t value = 0;
    harness_check(run_int(db_write, &insert, 4, &value, &err), &err);
}

static void transactions_fail_as_a_whole(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(fail_in_transaction, 1);
    assert_int_equal(count_rows("SELECT sum(a) FROM public.t"), 4);
}

static void send_what_cannot_be_sent(void *context)
{
    (void)context;
    static const struct pg_statement text = { .sql = "SELECT length($1::text)" };
    struct err err = ERR_INIT;
    struct pg_result *result = NULL;
    struct pg_field nul = { "a\0b", 3 };
    struct pg_params params = { &nul, NULL, 1 };
    struct db_transaction *transaction = begin();
    assert_int_equal(db_tx_query(transaction, &text, &params, &result, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "22021");
    db_rollback(transaction);
    assert_int_equal(db_query(db, &text, &params, &result, &err), LF_SQL);
    assert_int_equal(db_write(db, &text, &params, &result, &err), LF_SQL);
    assert_int_equal(ask(db_write, "SELECT 7"), 7);
}

/* What was sent before it goes with the connection; whoever waits behind is served by the next one. */
static void send_a_step_that_cannot_be_sent(void *context)
{
    static const struct pg_statement text = { .sql = "SELECT length($1::text)" },
                                     one = { .sql = "INSERT INTO public.t VALUES (1)" };
    struct err err = ERR_INIT;
    struct pg_field nul = { "a\0b", 3 };
    if (*(int *)context == 0) {
        struct db_transaction *transaction = begin();
        assert_int_equal(ask_in(transaction, "SELECT 5"), 5);
        commit(transaction);
        return;
    }
    struct db_step steps[] = { { .statement = &one }, { .statement = &text, .params = { &nul, NULL, 1 } } };
    assert_int_equal(db_write_all(db, steps, 2, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "22021");
}

static void a_step_that_is_wrong_leaves_nothing(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(send_a_step_that_cannot_be_sent, 2);
    assert_int_equal(count_rows("SELECT count(*) FROM public.t"), 0);
    assert_int_equal(count_rows("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"), 0);
}

static void a_parameter_that_is_wrong_leaves_the_connection_right(void **state)
{
    (void)state;
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(send_what_cannot_be_sent, 1);
    assert_int_equal(count_rows("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"), 0);
}

/* --- connections that are lost --- */

/* Returns when they are gone. */
static void terminate_all(void)
{
    assert_true(count_rows("SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity "
                           "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'") > 0);
}

static void await_connection(void)
{
    while (!db_is_connected(db))
        fiber_sleep(loop, 5);
}

static void lose_connections(void *context)
{
    (void)context;
    struct err err = ERR_INIT;
    bool is_certain = false;
    int32_t value = 0;
    await_connection();
    struct db_transaction *transaction = begin();
    harness_check(tx_int(transaction, &insert, 1, &err), &err);
    terminate_all();
    assert_int_equal(run_int(db_query, &twice, 1, &value, &err), LF_CONNECT);
    assert_int_equal(tx_int(transaction, &insert, 2, &err), LF_CONNECT);
    /* A new session stands where the transaction's was: it must not go on there. */
    await_connection();
    assert_int_equal(tx_int(transaction, &insert, 3, &err), LF_CONNECT);
    assert_int_equal(db_commit(transaction, &is_certain, &err), LF_CONNECT);
    assert_true(is_certain);

    harness_check(run_int(db_query, &twice, 4, &value, &err), &err);
    assert_int_equal(value, 8);
    harness_check(run_int(db_write, &insert, 5, &value, &err), &err);
    transaction = begin();
    harness_check(tx_int(transaction, &insert, 6, &err), &err);
    commit(transaction);
}

static void what_is_lost_is_connected_again(void **state)
{
    (void)state;
    empty_table();
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(lose_connections, 1);
    assert_int_equal(count_rows("SELECT sum(a) FROM public.t"), 11);
}

static void commit_and_die(void *context)
{
    (void)context;
    static const struct pg_statement doom = { .sql = "INSERT INTO public.doomed VALUES ($1::int4)" };
    struct err err = ERR_INIT;
    bool is_certain = true;
    struct db_transaction *transaction = begin();
    harness_check(tx_int(transaction, &doom, 1, &err), &err);
    assert_int_equal(db_commit(transaction, &is_certain, &err), LF_CONNECT);
    assert_false(is_certain);
}

static void a_lost_answer_to_commit_leaves_it_open(void **state)
{
    (void)state;
    exec("CREATE TABLE public.doomed (a integer);"
         "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS "
         "$$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$;"
         "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON public.doomed DEFERRABLE INITIALLY DEFERRED "
         "FOR EACH ROW EXECUTE FUNCTION public.die()");
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(commit_and_die, 1);
}

/* A transaction of which only `id` says what became of it. */
static enum lf_code commit_unheard(struct store_transaction_id id, struct err *err)
{
    static const struct pg_statement doom = { .sql = "INSERT INTO public.doomed VALUES ($1::int4)" };
    struct db_transaction *transaction = begin();
    harness_check(tx_int(transaction, &doom, 1, err), err);
    enum lf_code code = store_commit(transaction, id, err);
    await_connection();
    return code;
}

static struct store_transaction_id commit_heard(void)
{
    struct err err = ERR_INIT;
    const struct table table = { .id = 1 };
    const struct store_lock lock = { .table = &table };
    struct store_transaction_id id = { 0 };
    struct db_transaction *transaction = begin();
    harness_check(store_lock_keys(transaction, &lock, 1, &id, &err), &err);
    harness_check(store_commit(transaction, id, &err), &err);
    return id;
}

static void ask_what_became(void *context)
{
    (void)context;
    struct err err = ERR_INIT;
    struct store_transaction_id id = commit_heard(), of_another_life = id;
    assert_true(id.xid > 0 && id.life > 0);
    harness_check(commit_unheard(id, &err), &err);
    of_another_life.life--;
    assert_int_equal(commit_unheard(of_another_life, &err), LF_CONNECT);

    /* As a crash leaves it: the same number may soon be another transaction's. */
    exec("DELETE FROM landfall.server_life");
    assert_int_equal(commit_unheard(id, &err), LF_CONNECT);
    id = commit_heard();
    assert_int_equal(commit_unheard(id, &err), LF_CONNECT);
    exec("INSERT INTO landfall.server_life DEFAULT VALUES");
    assert_int_equal(commit_unheard(id, &err), LF_CONNECT);
    harness_check(commit_unheard(commit_heard(), &err), &err);
}

/* After a_lost_answer_to_commit_leaves_it_open, which makes the table that ends its writers. */
static void what_became_is_asked_within_one_life_of_the_server(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    harness_check(gateway_prepare_schema(conn, &err), &err);
    open_db(harness_uri(), 1, 1, 10000);
    run_fibers(ask_what_became, 1);
}

static int told;

/* The first has the only connection, the others wait for it. */
static void wait_for_a_turn(void *context)
{
    int number = *(int *)context;
    struct err err = ERR_INIT;
    int32_t value = 0;
    if (number == 0) {
        struct db_transaction *transaction = begin();
        harness_check(tx_int(transaction, &twice, 1, &err), &err);
        fiber_sleep(loop, 20);
        terminate_all();
        while (told < 9)
            fiber_sleep(loop, 1);
        db_rollback(transaction);
        return;
    }
    struct db_transaction *transaction = NULL;
    if (number % 2)
        assert_int_equal(run_int(db_write, &twice, 1, &value, &err), LF_CONNECT);
    else
        assert_int_equal(db_begin(db, &transaction, &err), LF_CONNECT);
    told++;
}

static void who_waits_for_a_lost_connection_is_told(void **state)
{
    (void)state;
    open_db(harness_uri(), 1, 1, 10000);
    told = 0;
    run_fibers(wait_for_a_turn, 10);
}

/* A server that takes the statement and never answers: a proxy would do that; here the backend is stopped. */
static void stop_backend(void *context)
{
    (void)context;
    int32_t pid = ask(db_query, "SELECT pg_backend_pid()");
    struct err err = ERR_INIT;
    int32_t value = 0;
    char command[64];
    (void)snprintf(command, sizeof command, "kill -STOP %d", (int)pid);
    assert_int_equal(system(command), 0);
    assert_int_equal(run_int(db_query, &twice, 1, &value, &err), LF_CONNECT);
    (void)snprintf(command, sizeof command, "kill -CONT %d", (int)pid);
    assert_int_equal(system(command), 0);
    await_connection();
    harness_check(run_int(db_query, &twice, 1, &value, &err), &err);
}

static void a_server_that_falls_silent_is_given_up(void **state)
{
    (void)state;
    open_db(harness_uri(), 1, 1, 2000);
    run_fibers(stop_backend, 1);
}

static void nowhere_to_connect_to(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct db_options options = { .postgres = "host=/nonexistent", .read_connections = 2, .write_connections = 2 };
    harness_check(loop_new(FIBERS_MAX, &loop, &err), &err);
    assert_int_equal(db_new(loop, &options, &db, &err), LF_CONNECT);
    assert_null(db);
    options.postgres = "postgres://[";
    assert_int_equal(db_new(loop, &options, &db, &err), LF_USAGE);
    db_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fibers_share_the_read_connections, close_db),
        cmocka_unit_test_teardown(sessions_have_their_settings, close_db),
        cmocka_unit_test_teardown(same_text_same_statement, close_db),
        cmocka_unit_test_teardown(tables_may_change_under_statements, close_db),
        cmocka_unit_test_teardown(writes_are_transactions_of_their_own, close_db),
        cmocka_unit_test_teardown(steps_are_one_transaction, close_db),
        cmocka_unit_test_teardown(a_step_that_is_wrong_leaves_nothing, close_db),
        cmocka_unit_test_teardown(transactions_are_alone_on_their_connection, close_db),
        cmocka_unit_test_teardown(who_waits_gets_its_turn, close_db),
        cmocka_unit_test_teardown(transactions_fail_as_a_whole, close_db),
        cmocka_unit_test_teardown(a_parameter_that_is_wrong_leaves_the_connection_right, close_db),
        cmocka_unit_test_teardown(what_is_lost_is_connected_again, close_db),
        cmocka_unit_test_teardown(a_lost_answer_to_commit_leaves_it_open, close_db),
        cmocka_unit_test_teardown(what_became_is_asked_within_one_life_of_the_server, close_db),
        cmocka_unit_test_teardown(who_waits_for_a_lost_connection_is_told, close_db),
        cmocka_unit_test_teardown(a_server_that_falls_silent_is_given_up, close_db),
        cmocka_unit_test_teardown(nowhere_to_connect_to, close_db),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
