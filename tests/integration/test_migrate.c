#include "harness.h"
#include "move/migrate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS_MAX = 20 * 1000, ARENA_BYTES = 16 * 1024 * 1024 };

/* A database and a folder of migrations for one test. */
struct fixture {
    char dir[256];
    struct pg_conn *conn;
};

static int fixture_start(void **state)
{
    static int count;
    char name[32];
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)snprintf(name, sizeof name, "m%d", count++);
    (void)snprintf(fixture->dir, sizeof fixture->dir, "%s/%s", harness_dir(), name);
    assert_int_equal(mkdir(fixture->dir, 0755), 0);
    fixture->conn = harness_connect(harness_new_database(name));
    *state = fixture;
    return 0;
}

static int fixture_stop(void **state)
{
    struct fixture *fixture = *state;
    pg_close(fixture->conn);
    free(fixture);
    return 0;
}

static void write_file(const struct fixture *fixture, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const struct fixture *fixture, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    assert_int_equal(unlink(path), 0);
}

static const char tables_file[] = "-- migrate:up\nCREATE TABLE public.t (id integer, name text);\n"
                                  "-- migrate:down\nDROP TABLE public.t;\n";
static const char indexes_file[] =
    "-- migrate:up\nCREATE INDEX t_id ON public.t (id);\n-- migrate:down\nDROP INDEX public.t_id;\n";
static const char constraints_file[] = "-- migrate:up\nALTER TABLE public.t ADD CONSTRAINT t_key PRIMARY KEY (id);\n"
                                       "-- migrate:down\nALTER TABLE public.t DROP CONSTRAINT t_key;\n";
static const char contract_file[] = "-- migrate:up\nDROP SCHEMA IF EXISTS landfall CASCADE;\n-- migrate:down\n";

static void write_four(const struct fixture *fixture)
{
    write_file(fixture, "10_expand_tables.sql", tables_file);
    write_file(fixture, "11_expand_indexes.sql", indexes_file);
    write_file(fixture, "12_expand_constraints.sql", constraints_file);
    write_file(fixture, "13_contract_shadow.sql", contract_file);
}

/* Names of what was applied, in order, separated by blanks. */
static void note_name(void *context, const struct migration *migration, double seconds)
{
    char *log = context;
    assert_true(seconds >= 0);
    (void)snprintf(log + strlen(log), 256 - strlen(log), "%s%.*s", log[0] ? " " : "", SPAN_ARG(migration->name));
}

static void up(const struct fixture *fixture, enum migration_step last, const char *expected)
{
    char log[256] = "";
    struct err err = ERR_INIT;
    harness_check(migrate_up(fixture->conn,
                             &(struct migrate_up_options){
                                 .dir = fixture->dir, .last = last, .jobs = 4, .progress = note_name, .context = log },
                             &err),
                  &err);
    assert_string_equal(log, expected);
}

static void down(const struct fixture *fixture, const char *expected)
{
    char log[256] = "";
    struct err err = ERR_INIT;
    harness_check(migrate_down(fixture->conn, fixture->dir, note_name, log, &err), &err);
    assert_string_equal(log, expected);
}

static void up_fails(const struct fixture *fixture, enum lf_code code, const char *words)
{
    struct err err = ERR_INIT;
    assert_int_equal(
        migrate_up(fixture->conn, &(struct migrate_up_options){ .dir = fixture->dir, .last = MIGRATION_CONTRACT }, &err), code);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
    assert_false(pg_in_transaction(fixture->conn));
}

static int64_t number(const struct fixture *fixture, const char *sql)
{
    return harness_int64(fixture->conn, sql);
}

static void steps_are_applied_up_to_the_last(void **state)
{
    const struct fixture *fixture = *state;
    write_four(fixture);
    up(fixture, MIGRATION_TABLES, "expand_tables");
    up(fixture, MIGRATION_TABLES, "");
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations WHERE version = '10'"), 1);
    assert_int_equal(number(fixture, "SELECT count(*) FROM landfall.migration WHERE version = '10' AND name = 'expand_tables'"),
                     1);
    up(fixture, MIGRATION_CONSTRAINTS, "expand_indexes expand_constraints");
    assert_int_equal(number(fixture, "SELECT count(*) FROM landfall.event WHERE what = 'migrate up'"), 3);
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 3);
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_indexes WHERE tablename = 't'"), 2);
}

static void checksums_are_of_the_file(void **state)
{
    const struct fixture *fixture = *state;
    /* printf -- '-- migrate:up\n-- migrate:down\n' | sha256sum */
    write_file(fixture, "1_nothing.sql", "-- migrate:up\n-- migrate:down\n");
    up(fixture, MIGRATION_TABLES, "nothing");
    assert_int_equal(number(fixture, "SELECT count(*) FROM landfall.migration WHERE checksum = pg_catalog.encode("
                                     "pg_catalog.sha256('-- migrate:up\n-- migrate:down\n'), 'hex')"),
                     1);
}

static void down_takes_back_the_newest(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    write_four(fixture);
    up(fixture, MIGRATION_INDEXES, "expand_tables expand_indexes");
    down(fixture, "expand_indexes");
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 1);
    assert_int_equal(number(fixture, "SELECT count(*) FROM landfall.migration"), 1);
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    down(fixture, "expand_indexes");
    down(fixture, "expand_tables");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname = 't'"), 0);
    assert_int_equal(migrate_down(fixture->conn, fixture->dir, NULL, NULL, &err), LF_PRECONDITION);
}

static void bookkeeping_survives_the_contract(void **state)
{
    const struct fixture *fixture = *state;
    write_four(fixture);
    up(fixture, MIGRATION_CONTRACT, "expand_tables expand_indexes expand_constraints contract_shadow");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_namespace WHERE nspname = 'landfall'"), 0);
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 4);
    up(fixture, MIGRATION_CONTRACT, "");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_namespace WHERE nspname = 'landfall'"), 0);
    /* Migrations of people's own go on. */
    write_file(fixture, "14_later.sql", "-- migrate:up\nALTER TABLE public.t ADD COLUMN later text;\n-- migrate:down\n");
    up(fixture, MIGRATION_CONTRACT, "later");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_namespace WHERE nspname = 'landfall'"), 0);
    down(fixture, "later");
    down(fixture, "contract_shadow");
}

static void files_of_people_go_with_the_step_before(void **state)
{
    const struct fixture *fixture = *state;
    write_four(fixture);
    write_file(fixture, "09_before.sql", "-- migrate:up\nCREATE SCHEMA extra;\n-- migrate:down\nDROP SCHEMA extra;\n");
    write_file(fixture, "101_after_tables.sql",
               "-- migrate:up\nCREATE VIEW extra.v AS SELECT id FROM public.t;\n-- migrate:down\n");
    write_file(fixture, "diagram.mmd", "erDiagram");
    up(fixture, MIGRATION_TABLES, "before expand_tables after_tables");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
}

static void edited_missing_and_late_files_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    write_four(fixture);
    up(fixture, MIGRATION_INDEXES, "expand_tables expand_indexes");

    write_file(fixture, "10_expand_tables.sql", "-- migrate:up\nCREATE TABLE public.t (id bigint);\n-- migrate:down\n");
    up_fails(fixture, LF_MIGRATION, "10_expand_tables.sql was edited");
    struct err err = ERR_INIT;
    assert_int_equal(migrate_down(fixture->conn, fixture->dir, NULL, NULL, &err), LF_MIGRATION);

    remove_file(fixture, "10_expand_tables.sql");
    up_fails(fixture, LF_MIGRATION, "10_expand_tables.sql was applied and is missing");

    write_file(fixture, "10_expand_tables.sql", tables_file);
    write_file(fixture, "101_late.sql", "-- migrate:up\n-- migrate:down\n");
    up_fails(fixture, LF_MIGRATION, "101_late.sql comes before");
    remove_file(fixture, "101_late.sql");
    write_file(fixture, "12_twice.sql", "-- migrate:up\n-- migrate:down\n");
    up_fails(fixture, LF_MIGRATION, "the same version");
    remove_file(fixture, "12_twice.sql");
    write_file(fixture, "14_bad.sql", "CREATE TABLE x ();");
    up_fails(fixture, LF_MIGRATION, "14_bad.sql");
    remove_file(fixture, "14_bad.sql");
    up(fixture, MIGRATION_CONSTRAINTS, "expand_constraints");
}

/* dbmate keeps versions and no checksums, and takes back without telling Landfall. */
static void dbmate_may_take_over(void **state)
{
    const struct fixture *fixture = *state;
    harness_exec(fixture->conn, "CREATE TABLE public.schema_migrations (version varchar(128) PRIMARY KEY);"
                                "INSERT INTO public.schema_migrations VALUES ('10'), ('5');" /* 5 is of another folder */
                                "CREATE TABLE public.t (id integer)");
    write_four(fixture);
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    harness_exec(fixture->conn, "DROP INDEX public.t_id; DELETE FROM public.schema_migrations WHERE version = '11'");
    write_file(fixture, "11_expand_indexes.sql", "-- migrate:up\nCREATE INDEX t_other ON public.t (id);\n-- migrate:down\n");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    up(fixture, MIGRATION_INDEXES, "");
}

static void nothing_to_migrate(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    up_fails(fixture, LF_PRECONDITION, "landfall plan");
    assert_int_equal(
        migrate_up(fixture->conn, &(struct migrate_up_options){ .dir = "/nowhere/at/all", .last = MIGRATION_TABLES }, &err),
        LF_PRECONDITION);
}

static void a_failure_leaves_nothing_of_its_file(void **state)
{
    const struct fixture *fixture = *state;
    write_file(fixture, "10_expand_tables.sql",
               "-- migrate:up\nCREATE TABLE public.a ();\n\nCREATE TABLE public.b (x nonsense);\n"
               "-- migrate:down\n");
    up_fails(fixture, LF_SQL, "10_expand_tables.sql:4");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname = 'a'"), 0);
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 0);
    write_file(fixture, "10_expand_tables.sql", tables_file);
    up(fixture, MIGRATION_TABLES, "expand_tables");
}

static void a_file_may_not_end_its_transaction(void **state)
{
    const struct fixture *fixture = *state;
    write_file(fixture, "1_a.sql", "-- migrate:up\nCREATE TABLE public.a (); COMMIT;\n-- migrate:down\n");
    up_fails(fixture, LF_MIGRATION, "transaction:false");
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 0);
    write_file(fixture, "1_a.sql", "-- migrate:up transaction:false\nBEGIN; CREATE TABLE public.b ();\n-- migrate:down\n");
    up_fails(fixture, LF_MIGRATION, "does not end it");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname = 'b'"), 0);
}

static void statements_outside_of_transactions(void **state)
{
    const struct fixture *fixture = *state;
    write_file(fixture, "1_a.sql",
               "-- migrate:up transaction:false\nCREATE TABLE public.a (x integer, y text DEFAULT ';'); -- ;\n"
               "CREATE INDEX CONCURRENTLY a_x ON public.a (x);\nDO $$ BEGIN PERFORM 1; END $$;\n"
               "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY public.a_x; DROP TABLE public.a;\n");
    up(fixture, MIGRATION_TABLES, "a");
    assert_int_equal(
        number(fixture, "SELECT count(*) FROM pg_index i WHERE i.indexrelid = 'public.a_x'::regclass AND indisvalid"), 1);
    down(fixture, "a");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname IN ('a', 'a_x')"), 0);

    write_file(fixture, "1_a.sql",
               "-- migrate:up transaction:false\nCREATE TABLE public.a ();\n\nSELECT 1,\n  nonsense;\n-- migrate:down\n");
    up_fails(fixture, LF_SQL, "1_a.sql:5");
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 0);
}

/* A unique index over doubles fails and leaves an invalid index, which IF NOT EXISTS would pass by. */
static void invalid_indexes_are_made_again(void **state)
{
    const struct fixture *fixture = *state;
    static const char sql[] = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"A x\" ON public.a (x)";
    struct err err = ERR_INIT;
    char file[256];
    (void)snprintf(file, sizeof file, "-- migrate:up transaction:false\n%s;\n-- migrate:down\n", sql);
    harness_exec(fixture->conn, "CREATE TABLE public.a (x integer); INSERT INTO public.a VALUES (1), (1)");
    write_file(fixture, "1_a.sql", file);
    up_fails(fixture, LF_SQL, "23505");
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname = 'A x'"), 0);

    assert_int_equal(pg_exec(fixture->conn, sql, &err), LF_SQL); /* as a process that was killed leaves it */
    harness_exec(fixture->conn, "DELETE FROM public.a");
    assert_int_equal(
        number(fixture, "SELECT count(*) FROM pg_index WHERE indexrelid = 'public.\"A x\"'::regclass AND NOT indisvalid"), 1);
    up(fixture, MIGRATION_TABLES, "a");
    assert_int_equal(
        number(fixture, "SELECT count(*) FROM pg_index WHERE indexrelid = 'public.\"A x\"'::regclass AND indisvalid"), 1);
}

/* Waits until the query gives `wanted`. */
static void wait_for(struct pg_conn *conn, const char *sql, int64_t wanted)
{
    struct timespec pause = { .tv_nsec = 10000000 };
    for (int waited_ms = 0; harness_int64(conn, sql) != wanted; waited_ms += 10) {
        assert_true(waited_ms < WAIT_MS_MAX);
        (void)nanosleep(&pause, NULL);
    }
}

/* One migrate_up in a thread, with a connection of its own. */
struct runner {
    const char *dir;
    struct pg_conn *conn;
    enum lf_code code;
    struct err err;
    int applied;
};

static void count_applied(void *context, const struct migration *migration, double seconds)
{
    (void)migration, (void)seconds;
    ((struct runner *)context)->applied++;
}

static void *run(void *context)
{
    struct runner *runner = context;
    runner->code = migrate_up(
        runner->conn,
        &(struct migrate_up_options){
            .dir = runner->dir, .last = MIGRATION_CONSTRAINTS, .jobs = 4, .progress = count_applied, .context = runner },
        &runner->err);
    return NULL;
}

static struct pg_conn *connect_too(const struct fixture *fixture)
{
    struct pg_conn *conn = NULL;
    struct err err = ERR_INIT;
    harness_check(pg_connect_again(fixture->conn, &conn, &err), &err);
    return conn;
}

/* The migration gives way after lock_timeout, so that what queued behind it goes on, and comes back. */
static void locks_are_waited_for_briefly_and_again(void **state)
{
    const struct fixture *fixture = *state;
    write_four(fixture);
    up(fixture, MIGRATION_TABLES, "expand_tables");
    struct runner runner = { .dir = fixture->dir, .conn = connect_too(fixture) };
    PG_CONN_CLEANUP struct pg_conn *reader = connect_too(fixture);
    static const char waiting[] = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.t'::regclass";
    harness_exec(reader, "BEGIN; SELECT * FROM public.t; INSERT INTO public.t VALUES (1, 'x')");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, &runner), 0);
    wait_for(fixture->conn, waiting, 1);
    wait_for(fixture->conn, waiting, 0);
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 1);
    harness_exec(reader, "COMMIT");
    assert_int_equal(pthread_join(thread, NULL), 0);
    harness_check(runner.code, &runner.err);
    assert_int_equal(runner.applied, 2);
    pg_close(runner.conn);
}

static void runs_come_one_after_the_other(void **state)
{
    const struct fixture *fixture = *state;
    enum { RUNNERS = 4 };
    struct runner runners[RUNNERS];
    pthread_t threads[RUNNERS];
    write_four(fixture);
    write_file(fixture, "101_slow.sql",
               "-- migrate:up transaction:false\nCREATE TABLE public.slow (id integer);\nSELECT pg_sleep(0.3);\n"
               "CREATE INDEX CONCURRENTLY slow_id ON public.slow (id);\n-- migrate:down\n");
    for (int i = 0; i < RUNNERS; i++) {
        runners[i] = (struct runner){ .dir = fixture->dir, .conn = connect_too(fixture) };
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    int applied = 0;
    for (int i = 0; i < RUNNERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        harness_check(runners[i].code, &runners[i].err);
        applied += runners[i].applied;
        pg_close(runners[i].conn);
    }
    assert_int_equal(applied, 4);
    wait_for(fixture->conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0);
}

static void write_two_tables(const struct fixture *fixture, const char *more_indexes)
{
    char indexes[512];
    (void)snprintf(indexes, sizeof indexes,
                   "-- migrate:up\nCREATE UNIQUE INDEX t_id ON public.t (id);\n%s\n"
                   "CREATE UNIQUE INDEX u_id ON public.u (id);\nCREATE INDEX t_name ON public.t (name);\n-- migrate:down\n"
                   "DROP INDEX public.t_id; DROP INDEX public.u_id;\n",
                   more_indexes);
    write_file(fixture, "10_expand_tables.sql",
               "-- migrate:up\nCREATE TABLE public.t (id integer, name text);\nCREATE TABLE public.u (id integer);\n"
               "-- migrate:down\nDROP TABLE public.t; DROP TABLE public.u;\n");
    write_file(fixture, "11_expand_indexes.sql", indexes);
}

static int64_t done_statements(const struct fixture *fixture)
{
    return number(fixture, "SELECT count(*) FROM landfall.migration_statement");
}

static int64_t indexes_of(const struct fixture *fixture, const char *table)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_indexes WHERE tablename = '%s'", table);
    return number(fixture, sql);
}

/* One table's rows refuse an index: what others have they keep, and it is not begun again. */
static void indexes_are_made_one_by_one(void **state)
{
    const struct fixture *fixture = *state;
    write_two_tables(fixture, "");
    up(fixture, MIGRATION_TABLES, "expand_tables");
    harness_exec(fixture->conn, "INSERT INTO public.t VALUES (1, 'a'); INSERT INTO public.u VALUES (1), (1)");
    struct err err = ERR_INIT;
    const struct migrate_up_options one_by_one = { .dir = fixture->dir, .last = MIGRATION_INDEXES, .jobs = 2 };
    assert_int_equal(migrate_up(fixture->conn, &one_by_one, &err), LF_SQL);
    assert_non_null(strstr(err.message, "11_expand_indexes.sql:4"));
    assert_int_equal(number(fixture, "SELECT count(*) FROM public.schema_migrations"), 1);
    assert_int_equal(indexes_of(fixture, "u"), 0);
    assert_int_equal(indexes_of(fixture, "t"), done_statements(fixture));
    harness_exec(fixture->conn, "DELETE FROM public.u");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    assert_int_equal(indexes_of(fixture, "t"), 2);
    assert_int_equal(indexes_of(fixture, "u"), 1);
    assert_int_equal(done_statements(fixture), 0);
}

/* As if the process had been killed between two statements. */
static void write_record(const struct fixture *fixture, const char *statement)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO landfall.migration_statement SELECT '11', pg_catalog.encode(pg_catalog.sha256('%s'), 'hex'), '%s'",
        statement, statement);
    harness_exec(fixture->conn, sql);
}

static void a_statement_that_is_done_is_left_alone(void **state)
{
    const struct fixture *fixture = *state;
    write_two_tables(fixture, "");
    up(fixture, MIGRATION_TABLES, "expand_tables");
    write_record(fixture, "CREATE UNIQUE INDEX u_id ON public.u (id)");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    assert_int_equal(indexes_of(fixture, "t"), 2);
    assert_int_equal(indexes_of(fixture, "u"), 0);
}

static void a_file_edited_between_two_statements_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    write_two_tables(fixture, "");
    up(fixture, MIGRATION_TABLES, "expand_tables");
    write_record(fixture, "CREATE INDEX u_id ON public.u (id)");
    struct err err = ERR_INIT;
    const struct migrate_up_options options = { .dir = fixture->dir, .last = MIGRATION_INDEXES, .jobs = 2 };
    assert_int_equal(migrate_up(fixture->conn, &options, &err), LF_MIGRATION);
    assert_non_null(strstr(err.message, "`CREATE INDEX u_id ON public.u (id)`"));
    down(fixture, "expand_tables");
    assert_int_equal(done_statements(fixture), 0);
}

/* The key is added with an index that the file makes before, and another index stands on what the table got behind that. */
static void statements_of_one_table_keep_their_order(void **state)
{
    const struct fixture *fixture = *state;
    write_two_tables(fixture, "ALTER TABLE public.t ADD CONSTRAINT t_key PRIMARY KEY USING INDEX t_id;\n"
                              "ALTER TABLE public.t ADD COLUMN late integer;\nCREATE INDEX t_late ON public.t (late);");
    up(fixture, MIGRATION_TABLES, "expand_tables");
    harness_exec(fixture->conn, "INSERT INTO public.t SELECT i, i FROM generate_series(1, 20000) i");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
    assert_int_equal(indexes_of(fixture, "t"), 3);
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_constraint WHERE conname = 't_key' AND contype = 'p'"), 1);
}

static void what_is_of_several_tables_is_one_transaction(void **state)
{
    const struct fixture *fixture = *state;
    write_two_tables(fixture, "ALTER TABLE public.u ADD FOREIGN KEY (id) REFERENCES public.t (id);");
    up(fixture, MIGRATION_TABLES, "expand_tables");
    harness_exec(fixture->conn, "INSERT INTO public.u VALUES (1)");
    up_fails(fixture, LF_SQL, "11_expand_indexes.sql");
    assert_int_equal(indexes_of(fixture, "t"), 0);
    assert_int_equal(done_statements(fixture), 0);
    harness_exec(fixture->conn, "INSERT INTO public.t VALUES (1, 'a')");
    up(fixture, MIGRATION_INDEXES, "expand_indexes");
}

/* The server ends the session in the middle of a file. */
static void a_lost_connection_leaves_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct err err = ERR_INIT;
    write_file(fixture, "10_expand_tables.sql",
               "-- migrate:up\nCREATE TABLE public.t ();\nSELECT pg_terminate_backend(pg_backend_pid());\n-- migrate:down\n");
    struct pg_conn *conn = connect_too(fixture);
    assert_int_equal(migrate_up(conn, &(struct migrate_up_options){ .dir = fixture->dir, .last = MIGRATION_TABLES }, &err),
                     LF_CONNECT);
    assert_non_null(strstr(err.message, "10_expand_tables.sql"));
    pg_close(conn);
    assert_int_equal(number(fixture, "SELECT count(*) FROM pg_class WHERE relname = 't'"), 0);
    write_file(fixture, "10_expand_tables.sql", tables_file);
    up(fixture, MIGRATION_TABLES, "expand_tables");
}

static void reading_without_a_database(void **state)
{
    const struct fixture *fixture = *state;
    struct arena arena;
    struct migration_list list;
    struct err err = ERR_INIT;
    write_four(fixture);
    arena_init(&arena, ARENA_BYTES);
    harness_check(migrate_read(fixture->dir, NULL, &arena, &list, &err), &err);
    assert_int_equal(list.count, 4);
    for (enum migration_step step = MIGRATION_TABLES; step < MIGRATION_STEPS; step++) {
        assert_int_equal(list.items[step].step, step);
        assert_false(list.items[step].applied);
    }
    arena_reset(&arena);
    up(fixture, MIGRATION_TABLES, "expand_tables");
    harness_check(migrate_read(fixture->dir, fixture->conn, &arena, &list, &err), &err);
    assert_true(list.items[0].applied);
    assert_false(list.items[1].applied);
    arena_done(&arena);
}

/* A map without tables is enough for four files. */
static size_t plan(const char *dir, bool replace, const char *schema, uint64_t version_base)
{
    struct map map = { .schema = span_from_cstr(schema) };
    struct err err = ERR_INIT;
    size_t written = 0;
    harness_check(migrate_plan(&map, &(struct migrate_plan_options){ dir, version_base, replace }, &written, &err), &err);
    return written;
}

static void plans_are_written_once(void **state)
{
    const struct fixture *fixture = *state;
    char dir[256];
    struct arena arena;
    struct migration_list list;
    struct err err = ERR_INIT;
    (void)snprintf(dir, sizeof dir, "%.200s/a/b/", fixture->dir);
    assert_int_equal(plan(dir, false, "court", 20261121090000), 4);
    assert_int_equal(plan(dir, false, "court", 20271121090000), 0);

    arena_init(&arena, ARENA_BYTES);
    harness_check(migrate_read(dir, NULL, &arena, &list, &err), &err);
    assert_int_equal(list.count, 4);
    assert_true(span_equal(list.items[0].version, SPAN("20261121090000")));
    assert_true(span_equal(list.items[3].version, SPAN("20261121090003")));
    assert_int_equal(list.items[3].step, MIGRATION_CONTRACT);

    struct map other = { .schema = SPAN("other") };
    size_t written = 99;
    struct migrate_plan_options options = { dir, 20271121090000, false };
    assert_int_equal(migrate_plan(&other, &options, &written, &err), LF_PRECONDITION);
    assert_non_null(strstr(err.message, "another plan"));
    assert_int_equal(written, 99);
    assert_int_equal(plan(dir, false, "court", 1), 0);
    assert_true(plan(dir, true, "other", 20271121090000) > 0);
    harness_check(migrate_read(dir, NULL, &arena, &list, &err), &err);
    assert_int_equal(list.count, 4);
    assert_true(span_equal(list.items[0].version, SPAN("20261121090000")));
    arena_done(&arena);

    struct fixture planned = *fixture;
    (void)snprintf(planned.dir, sizeof planned.dir, "%s", dir);
    up(&planned, MIGRATION_CONTRACT, "expand_tables expand_indexes expand_constraints contract_shadow");
    for (int i = 0; i < 4; i++)
        harness_check(migrate_down(planned.conn, dir, NULL, NULL, &err), &err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_start, fixture_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steps_are_applied_up_to_the_last),
        TEST(checksums_are_of_the_file),
        TEST(down_takes_back_the_newest),
        TEST(bookkeeping_survives_the_contract),
        TEST(files_of_people_go_with_the_step_before),
        TEST(edited_missing_and_late_files_are_refused),
        TEST(dbmate_may_take_over),
        TEST(nothing_to_migrate),
        TEST(a_failure_leaves_nothing_of_its_file),
        TEST(a_file_may_not_end_its_transaction),
        TEST(statements_outside_of_transactions),
        TEST(invalid_indexes_are_made_again),
        TEST(locks_are_waited_for_briefly_and_again),
        TEST(runs_come_one_after_the_other),
        TEST(indexes_are_made_one_by_one),
        TEST(a_statement_that_is_done_is_left_alone),
        TEST(a_file_edited_between_two_statements_is_refused),
        TEST(statements_of_one_table_keep_their_order),
        TEST(what_is_of_several_tables_is_one_transaction),
        TEST(a_lost_connection_leaves_nothing),
        TEST(reading_without_a_database),
        TEST(plans_are_written_once),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
