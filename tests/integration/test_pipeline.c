#include "harness.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "pg/pipeline.h"

enum { ANSWERS_MAX = 2048, PATIENCE_MS = 20000 };

/* What the callbacks of a test were told, in their order. */
struct answer {
    int tag;
    enum lf_code code;
    struct err err;
    int32_t value; /* first field of the first row, as a binary int4; -1 when it is none */
    struct pg_result *result;
};

static struct {
    struct answer list[ANSWERS_MAX];
    size_t count;
} answers;

static void forget_answers(void)
{
    for (size_t i = 0; i < answers.count; i++)
        pg_result_free(answers.list[i].result);
    answers.count = 0;
}

static int reset(void **state)
{
    (void)state;
    forget_answers();
    return 0;
}

static int32_t first_int32(const struct pg_result *result)
{
    struct err err = ERR_INIT;
    int32_t value = -1;
    if (result && pg_result_rows(result) > 0) {
        struct pg_field field = pg_result_get(result, 0, 0);
        if (pg_read_int32(span_of(field.data, field.len), &value, &err) != LF_OK)
            value = -1;
    }
    return value;
}

static void note(void *context, struct pg_result *result, const struct err *err)
{
    assert_true(answers.count < ANSWERS_MAX);
    assert_true((result != NULL) == (err == NULL));
    struct answer *answer = &answers.list[answers.count++];
    *answer = (struct answer){ .tag = (int)(intptr_t)context, .result = result, .value = first_int32(result) };
    if (err) {
        answer->err = *err;
        answer->code = err->code;
    }
}

static struct pg_pipeline *open_pipeline(const char *settings)
{
    struct err err = ERR_INIT;
    struct pg_pipeline *pipeline = NULL;
    struct pg_pipeline_options options = { .uri = harness_uri(), .settings = settings };
    harness_check(pg_pipeline_open(&options, &pipeline, &err), &err);
    assert_true(pg_pipeline_is_open(pipeline));
    return pipeline;
}

/* Parameters that are all int4. */
static void send_ints(struct pg_pipeline *pipeline, const struct pg_statement *statement, const int32_t *values, size_t count,
                      bool holds, int tag)
{
    struct err err = ERR_INIT;
    struct buf bytes;
    buf_init(&bytes, 64);
    struct pg_field fields[4];
    bool binary[] = { true, true, true, true };
    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++)
        pg_put_int32(&bytes, values[i]);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct pg_field){ bytes.data + i * 4, 4 };
    struct pg_params params = { fields, binary, count };
    struct pg_send_options options = { .binary_result = true, .holds = holds };
    harness_check(pg_pipeline_send(pipeline, statement, &params, options, note, (void *)(intptr_t)tag, &err), &err);
    /* The parameters need not outlive the call. */
    if (bytes.data)
        memset(bytes.data, 0xFF, bytes.len);
    buf_done(&bytes);
}

static void send_int(struct pg_pipeline *pipeline, const struct pg_statement *statement, int32_t value, int tag)
{
    send_ints(pipeline, statement, &value, 1, false, tag);
}

static void wait_ready(struct pg_pipeline *pipeline)
{
    short events = POLLIN | (pg_pipeline_wants_write(pipeline) ? POLLOUT : 0);
    struct pollfd descriptor = { .fd = pg_pipeline_fd(pipeline), .events = events };
    if (poll(&descriptor, 1, PATIENCE_MS) != 1)
        fail_msg("nothing came from PostgreSQL for %d ms", PATIENCE_MS);
}

/* Pumps until so many answers have come. */
static void await(struct pg_pipeline *pipeline, size_t count)
{
    struct err err = ERR_INIT;
    for (;;) {
        harness_check(pg_pipeline_pump(pipeline, &err), &err);
        if (answers.count >= count)
            break;
        wait_ready(pipeline);
    }
    assert_int_equal(answers.count, count);
}

static void await_loss(struct pg_pipeline *pipeline, struct err *err)
{
    while (pg_pipeline_pump(pipeline, err) == LF_OK)
        wait_ready(pipeline);
    assert_int_equal(err->code, LF_CONNECT);
    assert_false(pg_pipeline_is_open(pipeline));
    assert_int_equal(pg_pipeline_depth(pipeline), 0);
}

/* The one value of a statement without parameters, sent alone. */
static int32_t ask(struct pg_pipeline *pipeline, const struct pg_statement *statement)
{
    forget_answers();
    send_ints(pipeline, statement, NULL, 0, false, 0);
    await(pipeline, 1);
    if (answers.list[0].code != LF_OK)
        fail_msg("%s: %s", statement->sql, answers.list[0].err.message);
    return answers.list[0].value;
}

static const struct pg_statement twice = { .sql = "SELECT $1::int4 * 2" };
static const struct pg_statement divide = { .sql = "SELECT 1000 / $1::int4" };
static const struct pg_statement sleep_long = { .sql = "SELECT pg_sleep(60)" };
static const struct pg_statement prepared_count = { .sql = "SELECT count(*)::int4 FROM pg_prepared_statements WHERE "
                                                           "statement NOT LIKE '%pg_prepared%'" };

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

/* --- many at once --- */

static void many_statements_are_under_way_and_answered_in_order(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < COUNT; i++)
        send_int(pipeline, &twice, i, i);
    assert_int_equal(pg_pipeline_depth(pipeline), COUNT);
    assert_int_equal(answers.count, 0);
    await(pipeline, COUNT);
    assert_int_equal(pg_pipeline_depth(pipeline), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(answers.list[i].tag, i);
        assert_int_equal(answers.list[i].value, 2 * i);
    }
    pg_pipeline_close(pipeline);
}

static void an_error_stays_with_its_statement(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < COUNT; i++)
        send_int(pipeline, &divide, i % 7, i);
    await(pipeline, COUNT);
    for (int i = 0; i < COUNT; i++) {
        const struct answer *answer = &answers.list[i];
        assert_int_equal(answer->code, i % 7 ? LF_OK : LF_SQL);
        if (i % 7)
            assert_int_equal(answer->value, 1000 / (i % 7));
        else
            assert_string_equal(answer->err.sqlstate, "22012");
    }
    pg_pipeline_close(pipeline);
}

static struct pg_pipeline *chained;
static int links;

static void send_next(void *context, struct pg_result *result, const struct err *err)
{
    note(context, result, err);
    struct err send_err = ERR_INIT;
    if (++links < 100)
        harness_check(pg_pipeline_send(chained, context, NULL, (struct pg_send_options){ .binary_result = true }, send_next,
                                       context, &send_err),
                      &send_err);
}

static void callbacks_may_send(void **state)
{
    (void)state;
    static const struct pg_statement one = { .sql = "SELECT 1" };
    links = 0;
    chained = open_pipeline(NULL);
    struct err err = ERR_INIT;
    harness_check(pg_pipeline_send(chained, &one, NULL, (struct pg_send_options){ .binary_result = true }, send_next,
                                   (void *)(uintptr_t)&one, &err),
                  &err);
    await(chained, 100);
    pg_pipeline_close(chained);
}

static void results_are_text_unless_asked_for_in_binary(void **state)
{
    (void)state;
    static const struct pg_statement number = { .sql = "SELECT 258::int4" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    harness_check(pg_pipeline_send(pipeline, &number, NULL, (struct pg_send_options){ 0 }, note, NULL, &err), &err);
    await(pipeline, 1);
    assert_string_equal(pg_result_text(answers.list[0].result, 0, 0), "258");
    assert_int_equal(ask(pipeline, &number), 258);
    pg_pipeline_close(pipeline);
}

static void parameters_take_the_types_that_are_declared(void **state)
{
    (void)state;
    static const uint32_t types[] = { PG_OID_INT4 };
    static const struct pg_statement typed = { "SELECT $1 * 3", types, 1 };
    static const struct pg_statement partly = { "SELECT $1 + $2::int4", types, 1 };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < 3; i++) {
        send_int(pipeline, &typed, i, i);
        send_ints(pipeline, &partly, (int32_t[]){ i, 100 }, 2, false, i);
    }
    await(pipeline, 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answers.list[2 * i].value, 3 * i);
        assert_int_equal(answers.list[2 * i + 1].value, 100 + i);
    }
    pg_pipeline_close(pipeline);
}

static void a_text_that_postgresql_cannot_hold_is_not_sent(void **state)
{
    (void)state;
    static const struct pg_statement text = { .sql = "SELECT $1::text" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct pg_field nul = { "a\0b", 3 };
    struct err err = ERR_INIT;
    assert_int_equal(
        pg_pipeline_send(pipeline, &text, &(struct pg_params){ &nul, NULL, 1 }, (struct pg_send_options){ 0 }, note, NULL, &err),
        LF_SQL);
    assert_string_equal(err.sqlstate, "22021");
    assert_int_equal(pg_pipeline_depth(pipeline), 0);
    send_int(pipeline, &twice, 21, 0);
    await(pipeline, 1);
    assert_int_equal(answers.list[0].value, 42);
    pg_pipeline_close(pipeline);
}

static void settings_complete_those_of_every_session(void **state)
{
    (void)state;
    static const struct pg_statement wanted = {
        .sql = "SELECT (current_setting('plan_cache_mode') = 'force_generic_plan' AND current_setting('jit') = 'off' "
               "AND current_setting('search_path') = '' AND current_setting('statement_timeout') = '1234ms')::int4"
    };
    struct pg_pipeline *pipeline = open_pipeline("-c plan_cache_mode=force_generic_plan -c jit=off -c statement_timeout=1234");
    assert_int_equal(ask(pipeline, &wanted), 1);
    pg_pipeline_close(pipeline);
}

/* --- units --- */

static const struct pg_statement insert_unit = { .sql = "INSERT INTO public.unit VALUES ($1::int4) RETURNING a" };

static void what_holds_is_answered_with_the_end_of_its_unit(void **state)
{
    (void)state;
    exec("CREATE TABLE public.unit (a integer PRIMARY KEY)");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    send_ints(pipeline, &insert_unit, (int32_t[]){ 1 }, 1, true, 1);
    for (int i = 0; i < 10; i++)
        harness_check(pg_pipeline_pump(pipeline, &err), &err);
    assert_int_equal(answers.count, 0);
    send_int(pipeline, &insert_unit, 2, 2);
    send_int(pipeline, &insert_unit, 3, 3);
    await(pipeline, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answers.list[i].tag, i + 1);
        assert_int_equal(answers.list[i].value, i + 1);
    }
    pg_pipeline_close(pipeline);
}

static void a_unit_fails_as_a_whole(void **state)
{
    (void)state;
    exec("TRUNCATE public.unit");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    const int32_t values[] = { 1, 2, 2, 3 };
    for (int i = 0; i < 4; i++)
        send_ints(pipeline, &insert_unit, &values[i], 1, i < 3, i);
    send_int(pipeline, &insert_unit, 7, 4);
    await(pipeline, 5);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(answers.list[i].tag, i);
        assert_int_equal(answers.list[i].code, LF_SQL);
        assert_string_equal(answers.list[i].err.sqlstate, "23505");
    }
    assert_int_equal(answers.list[4].value, 7);
    assert_int_equal(count_rows("SELECT sum(a) FROM public.unit"), 7);
    pg_pipeline_close(pipeline);
}

static void a_commit_that_fails_is_the_statements_failure(void **state)
{
    (void)state;
    static const struct pg_statement orphan = { .sql = "INSERT INTO public.child VALUES ($1::int4)" };
    exec("CREATE TABLE public.parent (a integer PRIMARY KEY);"
         "CREATE TABLE public.child (a integer REFERENCES public.parent DEFERRABLE INITIALLY DEFERRED)");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < 3; i++) {
        send_int(pipeline, &orphan, 1, i);
        send_int(pipeline, &twice, i, i);
    }
    await(pipeline, 6);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(answers.list[2 * i].err.sqlstate, "23503");
        assert_int_equal(answers.list[2 * i + 1].value, 2 * i);
    }
    assert_int_equal(count_rows("SELECT count(*) FROM public.child"), 0);
    pg_pipeline_close(pipeline);
}

static void transactions_over_several_units(void **state)
{
    (void)state;
    static const struct pg_statement begin = { .sql = "BEGIN" }, commit = { .sql = "COMMIT" }, rollback = { .sql = "ROLLBACK" };
    exec("TRUNCATE public.unit");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int32_t round = 0; round < 3; round++) {
        forget_answers();
        send_ints(pipeline, &begin, NULL, 0, true, 0);
        send_int(pipeline, &insert_unit, round, 1);
        send_int(pipeline, &insert_unit, round == 1 ? round : round + 10, 2);
        send_int(pipeline, &insert_unit, round + 20, 3);
        send_ints(pipeline, round == 2 ? &rollback : &commit, NULL, 0, false, 4);
        await(pipeline, 5);
        assert_string_equal(answers.list[2].err.sqlstate, round == 1 ? "23505" : "");
        assert_string_equal(answers.list[3].err.sqlstate, round == 1 ? "25P02" : "");
        assert_int_equal(answers.list[4].code, LF_OK);
    }
    assert_int_equal(count_rows("SELECT sum(a) FROM public.unit"), 0 + 10 + 20);
    pg_pipeline_close(pipeline);
}

/* --- preparation --- */

static void statements_are_prepared_once(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    assert_int_equal(ask(pipeline, &prepared_count), 0);
    forget_answers();
    for (int i = 0; i < 50; i++) {
        send_int(pipeline, &twice, i, i);
        send_int(pipeline, &divide, i + 1, i);
    }
    await(pipeline, 100);
    assert_int_equal(ask(pipeline, &prepared_count), 2);
    pg_pipeline_close(pipeline);
}

static void the_first_use_may_fail(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < 10; i++)
        send_int(pipeline, &divide, i, i);
    await(pipeline, 10);
    assert_string_equal(answers.list[0].err.sqlstate, "22012");
    for (int i = 1; i < 10; i++)
        assert_int_equal(answers.list[i].value, 1000 / i);
    assert_int_equal(ask(pipeline, &prepared_count), 1);
    pg_pipeline_close(pipeline);
}

static void a_preparation_that_was_skipped_is_made_up_for(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    send_ints(pipeline, &divide, (int32_t[]){ 0 }, 1, true, 0);
    send_int(pipeline, &twice, 1, 1); /* its preparation is skipped with the unit */
    for (int i = 2; i < 10; i++)
        send_int(pipeline, &twice, i, i);
    await(pipeline, 10);
    for (int i = 0; i < 2; i++)
        assert_string_equal(answers.list[i].err.sqlstate, "22012");
    for (int i = 2; i < 10; i++)
        assert_int_equal(answers.list[i].value, 2 * i);
    assert_int_equal(ask(pipeline, &prepared_count), 1);
    forget_answers();
    send_int(pipeline, &twice, 4, 0);
    await(pipeline, 1);
    assert_int_equal(answers.list[0].value, 8);
    assert_int_equal(ask(pipeline, &prepared_count), 2);
    pg_pipeline_close(pipeline);
}

static void sql_that_is_wrong_is_wrong_each_time(void **state)
{
    (void)state;
    static const struct pg_statement wrong = { .sql = "SELECT 'ä' FROMM x" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (size_t i = 1; i <= 6; i++) {
        send_ints(pipeline, &wrong, NULL, 0, false, 0);
        if (i % 2 == 0)
            await(pipeline, i);
    }
    for (int i = 0; i < 6; i++) {
        assert_string_equal(answers.list[i].err.sqlstate, "42601");
        assert_int_equal(answers.list[i].err.offset, strlen("SELECT 'ä' FROMM "));
    }
    assert_int_equal(ask(pipeline, &prepared_count), 0);
    pg_pipeline_close(pipeline);
}

static void a_table_that_changed_is_planned_anew(void **state)
{
    (void)state;
    static const struct pg_statement all = { .sql = "SELECT * FROM public.changing" };
    exec("CREATE TABLE public.changing AS SELECT 5 AS a");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    assert_int_equal(ask(pipeline, &all), 5);
    exec("ALTER TABLE public.changing ADD b integer");
    forget_answers();
    send_ints(pipeline, &all, NULL, 0, false, 0);
    await(pipeline, 1);
    assert_string_equal(answers.list[0].err.sqlstate, "0A000");
    assert_int_equal(ask(pipeline, &all), 5);
    assert_int_equal(ask(pipeline, &all), 5);
    pg_pipeline_close(pipeline);
}

static void what_a_pooler_deallocated_is_prepared_again(void **state)
{
    (void)state;
    static const struct pg_statement one = { .sql = "SELECT 1" }, forget = { .sql = "DEALLOCATE ALL" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    assert_int_equal(ask(pipeline, &one), 1);
    (void)ask(pipeline, &forget);
    forget_answers();
    send_ints(pipeline, &one, NULL, 0, false, 0);
    await(pipeline, 1);
    assert_string_equal(answers.list[0].err.sqlstate, "26000");
    assert_int_equal(ask(pipeline, &one), 1);
    pg_pipeline_close(pipeline);
}

static void a_statement_that_always_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    static const struct pg_statement unsupported = { .sql = "SELECT public.unsupported()" };
    exec("CREATE FUNCTION public.unsupported() RETURNS int LANGUAGE plpgsql AS "
         "$$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '0A000'; END$$");
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (size_t i = 1; i <= 20; i++) {
        send_ints(pipeline, &unsupported, NULL, 0, false, 0);
        await(pipeline, i);
    }
    assert_int_equal(ask(pipeline, &prepared_count), 1);
    pg_pipeline_close(pipeline);
}

static void statements_can_travel_with_their_text(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct pg_pipeline *pipeline = NULL;
    struct pg_pipeline_options options = { .uri = harness_uri(), .unprepared = true };
    harness_check(pg_pipeline_open(&options, &pipeline, &err), &err);
    for (int i = 0; i < 50; i++)
        send_int(pipeline, i % 2 ? &twice : &divide, i, i);
    await(pipeline, 50);
    for (int i = 1; i < 50; i++)
        assert_int_equal(answers.list[i].value, i % 2 ? 2 * i : 1000 / i);
    assert_int_equal(ask(pipeline, &prepared_count), 0);
    pg_pipeline_close(pipeline);
}

/* The table of names grows; of tables that come and go for ever the server forgets the oldest statements. */
static void as_many_statements_as_there_are_tables(void **state)
{
    (void)state;
    enum { BATCH = 500, COUNT = 5 * BATCH, KEPT_MAX = 1000 + BATCH };
    static struct pg_statement statements[COUNT];
    static char texts[COUNT][32];
    static const int batches[] = { 0, 0, 1, 2, 3, 4 };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (size_t round = 0; round < sizeof batches / sizeof *batches; round++) {
        forget_answers();
        for (int i = BATCH * batches[round]; i < BATCH * (batches[round] + 1); i++) {
            (void)snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
            statements[i].sql = texts[i];
            send_ints(pipeline, &statements[i], NULL, 0, false, i);
        }
        await(pipeline, BATCH);
        for (int i = 0; i < BATCH; i++)
            assert_int_equal(answers.list[i].value, BATCH * batches[round] + i);
        if (batches[round] == 0)
            assert_int_equal(ask(pipeline, &prepared_count), BATCH);
    }
    assert_in_range(ask(pipeline, &prepared_count), 1, KEPT_MAX);
    pg_pipeline_close(pipeline);
}

/* --- the end of a connection --- */

static const struct pg_statement backend = { .sql = "SELECT pg_backend_pid()" };

static void terminate(int32_t pid)
{
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    struct err err = ERR_INIT;
    harness_check(pg_execf(conn, &err, "SELECT pg_terminate_backend(%d)", pid), &err);
}

static void all_who_wait_are_told_that_the_connection_is_gone(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    int32_t pid = ask(pipeline, &backend);
    forget_answers();
    send_ints(pipeline, &sleep_long, NULL, 0, false, 0);
    for (int i = 1; i < 20; i++)
        send_ints(pipeline, &twice, &i, 1, i % 2, i);
    terminate(pid);
    await_loss(pipeline, &err);
    assert_non_null(strstr(err.message, "57P01"));
    assert_int_equal(answers.count, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(answers.list[i].tag, i);
        assert_int_equal(answers.list[i].code, LF_CONNECT);
    }
    assert_int_equal(pg_pipeline_send(pipeline, &twice, NULL, (struct pg_send_options){ 0 }, note, NULL, &err), LF_CONNECT);
    assert_int_equal(pg_pipeline_pump(pipeline, &err), LF_CONNECT);
    assert_int_equal(answers.count, 20);
    pg_pipeline_close(pipeline);
}

static void what_was_answered_before_the_end_counts(void **state)
{
    (void)state;
    static const struct pg_statement suicide = { .sql = "SELECT pg_terminate_backend(pg_backend_pid())" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    for (int i = 0; i < 10; i++)
        send_int(pipeline, &twice, i, i);
    send_ints(pipeline, &suicide, NULL, 0, false, 10);
    send_int(pipeline, &twice, 11, 11);
    await_loss(pipeline, &err);
    assert_int_equal(answers.count, 12);
    for (int i = 0; i < 12; i++)
        assert_int_equal(answers.list[i].code, i < 10 ? LF_OK : LF_CONNECT);
    pg_pipeline_close(pipeline);
}

static void an_idle_connection_that_ends_is_noticed(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    int32_t pid = ask(pipeline, &backend);
    terminate(pid);
    await_loss(pipeline, &err);
    pg_pipeline_close(pipeline);
}

static void closing_calls_back(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    send_ints(pipeline, &sleep_long, NULL, 0, false, 0);
    send_int(pipeline, &twice, 1, 1);
    pg_pipeline_close(pipeline);
    assert_int_equal(answers.count, 2);
    assert_int_equal(answers.list[0].code, LF_CONNECT);
    assert_int_equal(answers.list[1].code, LF_CONNECT);
    pg_pipeline_close(NULL);
}

static void a_copy_does_not_wait_for_ever(void **state)
{
    (void)state;
    static const struct pg_statement copies[] = { { .sql = "COPY public.unit FROM STDIN" },
                                                  { .sql = "COPY public.unit TO STDOUT" } };
    for (size_t i = 0; i < 2; i++) {
        forget_answers();
        struct pg_pipeline *pipeline = open_pipeline(NULL);
        struct err err = ERR_INIT;
        send_ints(pipeline, &copies[i], NULL, 0, false, 0);
        send_int(pipeline, &twice, 1, 1);
        await_loss(pipeline, &err);
        assert_int_equal(answers.count, 2);
        assert_int_equal(answers.list[1].code, LF_CONNECT);
        pg_pipeline_close(pipeline);
    }
}

/* --- much at once --- */

static void large_results(void **state)
{
    (void)state;
    enum { BYTES = 16 * 1024 * 1024, COUNT = 4 };
    static const struct pg_statement fill = { .sql = "SELECT repeat('x', $1::int4), g FROM generate_series(1, 2) g" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    for (int i = 0; i < COUNT; i++)
        send_int(pipeline, &fill, BYTES + i, i);
    await(pipeline, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(pg_result_rows(answers.list[i].result), 2);
        assert_int_equal(pg_result_get(answers.list[i].result, 1, 0).len, BYTES + i);
    }
    pg_pipeline_close(pipeline);
}

/* More than the socket takes at once, while the server itself is busy sending: neither may wait for the other. */
static void large_parameters_are_written_bit_by_bit(void **state)
{
    (void)state;
    enum { BYTES = 4 * 1024 * 1024, COUNT = 8 };
    static const struct pg_statement echo = { .sql = "SELECT $1::bytea" };
    struct pg_pipeline *pipeline = open_pipeline(NULL);
    struct err err = ERR_INIT;
    char *bytes = malloc(BYTES);
    assert_non_null(bytes);
    bool waited = false;
    for (int i = 0; i < COUNT; i++) {
        memset(bytes, 'a' + i, BYTES);
        struct pg_field field = { bytes, BYTES };
        bool binary = true;
        struct pg_params params = { &field, &binary, 1 };
        struct pg_send_options options = { .binary_result = true };
        harness_check(pg_pipeline_send(pipeline, &echo, &params, options, note, NULL, &err), &err);
        waited |= pg_pipeline_wants_write(pipeline);
    }
    assert_true(waited);
    await(pipeline, COUNT);
    for (int i = 0; i < COUNT; i++) {
        memset(bytes, 'a' + i, BYTES);
        struct pg_field field = pg_result_get(answers.list[i].result, 0, 0);
        assert_int_equal(field.len, BYTES);
        assert_memory_equal(field.data, bytes, BYTES);
    }
    assert_false(pg_pipeline_wants_write(pipeline));
    free(bytes);
    pg_pipeline_close(pipeline);
}

/* --- connecting --- */

static enum lf_code start_and_wait(const char *uri, struct pg_pipeline **ret_pipeline, struct err *err)
{
    struct pg_pipeline_options options = { .uri = uri };
    TRY(pg_pipeline_start(&options, ret_pipeline, err));
    while (!pg_pipeline_is_open(*ret_pipeline)) {
        TRY(pg_pipeline_pump(*ret_pipeline, err));
        if (pg_pipeline_is_open(*ret_pipeline))
            break;
        short events = pg_pipeline_wants_write(*ret_pipeline) ? POLLOUT : POLLIN;
        struct pollfd descriptor = { .fd = pg_pipeline_fd(*ret_pipeline), .events = events };
        assert_int_equal(poll(&descriptor, 1, PATIENCE_MS), 1);
    }
    return LF_OK;
}

static void connecting_step_by_step(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = NULL;
    struct err err = ERR_INIT;
    struct pg_pipeline_options options = { .uri = harness_uri() };
    harness_check(pg_pipeline_start(&options, &pipeline, &err), &err);
    assert_false(pg_pipeline_is_open(pipeline));
    assert_int_equal(pg_pipeline_send(pipeline, &twice, NULL, (struct pg_send_options){ 0 }, note, NULL, &err), LF_CONNECT);
    pg_pipeline_close(pipeline); /* halfway */

    harness_check(start_and_wait(harness_uri(), &pipeline, &err), &err);
    send_int(pipeline, &twice, 4, 0);
    await(pipeline, 1);
    assert_int_equal(answers.list[0].value, 8);
    pg_pipeline_close(pipeline);
}

static void who_cannot_be_reached_is_told(void **state)
{
    (void)state;
    struct pg_pipeline *pipeline = NULL;
    struct err err = ERR_INIT;
    static const char *const nowhere[] = { "host=/nonexistent", "host=127.0.0.1 port=1 password=secret" };
    for (size_t i = 0; i < 2; i++) {
        struct pg_pipeline_options options = { .uri = nowhere[i] };
        assert_int_equal(pg_pipeline_open(&options, &pipeline, &err), LF_CONNECT);
        assert_null(pipeline);
        assert_int_equal(start_and_wait(nowhere[i], &pipeline, &err), LF_CONNECT);
        assert_null(strstr(err.message, "secret"));
        assert_int_equal(pg_pipeline_pump(pipeline, &err), LF_CONNECT);
        pg_pipeline_close(pipeline);
        pipeline = NULL;
    }
    assert_int_equal(start_and_wait("postgres://[", &pipeline, &err), LF_USAGE);
    assert_null(pipeline);
}

static void databases_in_other_encodings_are_refused(void **state)
{
    (void)state;
    exec("CREATE DATABASE latin WITH ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    struct pg_pipeline *pipeline = NULL;
    struct err err = ERR_INIT;
    char uri[8192];
    static const char before[] = "postgresql://landfall@/landfall?";
    assert_memory_equal(harness_uri(), before, sizeof before - 1);
    (void)snprintf(uri, sizeof uri, "postgresql://landfall@/latin?%s", harness_uri() + sizeof before - 1);
    assert_int_equal(start_and_wait(uri, &pipeline, &err), LF_PRECONDITION);
    assert_false(pg_pipeline_is_open(pipeline));
    pg_pipeline_close(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(many_statements_are_under_way_and_answered_in_order, reset),
        cmocka_unit_test_teardown(an_error_stays_with_its_statement, reset),
        cmocka_unit_test_teardown(callbacks_may_send, reset),
        cmocka_unit_test_teardown(results_are_text_unless_asked_for_in_binary, reset),
        cmocka_unit_test_teardown(parameters_take_the_types_that_are_declared, reset),
        cmocka_unit_test_teardown(a_text_that_postgresql_cannot_hold_is_not_sent, reset),
        cmocka_unit_test_teardown(settings_complete_those_of_every_session, reset),
        cmocka_unit_test_teardown(what_holds_is_answered_with_the_end_of_its_unit, reset),
        cmocka_unit_test_teardown(a_unit_fails_as_a_whole, reset),
        cmocka_unit_test_teardown(a_commit_that_fails_is_the_statements_failure, reset),
        cmocka_unit_test_teardown(transactions_over_several_units, reset),
        cmocka_unit_test_teardown(statements_are_prepared_once, reset),
        cmocka_unit_test_teardown(the_first_use_may_fail, reset),
        cmocka_unit_test_teardown(a_preparation_that_was_skipped_is_made_up_for, reset),
        cmocka_unit_test_teardown(sql_that_is_wrong_is_wrong_each_time, reset),
        cmocka_unit_test_teardown(a_table_that_changed_is_planned_anew, reset),
        cmocka_unit_test_teardown(what_a_pooler_deallocated_is_prepared_again, reset),
        cmocka_unit_test_teardown(a_statement_that_always_fails_leaves_nothing_behind, reset),
        cmocka_unit_test_teardown(statements_can_travel_with_their_text, reset),
        cmocka_unit_test_teardown(as_many_statements_as_there_are_tables, reset),
        cmocka_unit_test_teardown(all_who_wait_are_told_that_the_connection_is_gone, reset),
        cmocka_unit_test_teardown(what_was_answered_before_the_end_counts, reset),
        cmocka_unit_test_teardown(an_idle_connection_that_ends_is_noticed, reset),
        cmocka_unit_test_teardown(closing_calls_back, reset),
        cmocka_unit_test_teardown(a_copy_does_not_wait_for_ever, reset),
        cmocka_unit_test_teardown(large_results, reset),
        cmocka_unit_test_teardown(large_parameters_are_written_bit_by_bit, reset),
        cmocka_unit_test_teardown(connecting_step_by_step, reset),
        cmocka_unit_test_teardown(who_cannot_be_reached_is_told, reset),
        cmocka_unit_test_teardown(databases_in_other_encodings_are_refused, reset),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
