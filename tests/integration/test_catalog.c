#include "harness.h"
#include "pg/catalog.h"

enum { ARENA_BYTES = 1 << 20 };

static struct catalog_table read_table(struct pg_conn *conn, struct span schema, struct span name, struct arena *arena)
{
    struct catalog_table table = { 0 };
    struct err err = ERR_INIT;
    harness_check(catalog_read_table(conn, schema, name, arena, &table, &err), &err);
    return table;
}

static void columns_with_types_and_not_null(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("columns"));
    harness_exec(
        conn, "CREATE SCHEMA \"Odd \"\"name\"; CREATE TABLE \"Odd \"\"name\".\"T\" (id uuid NOT NULL, gone integer, tags text[],"
              " at timestamptz, length integer GENERATED ALWAYS AS (cardinality(tags)) STORED,"
              " n bigint GENERATED ALWAYS AS IDENTITY); ALTER TABLE \"Odd \"\"name\".\"T\" DROP COLUMN gone");
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    struct catalog_table table = read_table(conn, SPAN("Odd \"name"), SPAN("T"), &arena);
    assert_true(table.exists);
    assert_int_equal(table.column_count, 5);
    assert_true(span_equal(table.columns[0].name, SPAN("id")));
    assert_int_equal(table.columns[0].type_oid, PG_OID_UUID);
    assert_true(table.columns[0].not_null);
    assert_true(span_equal(table.columns[1].type, SPAN("text[]")));
    assert_false(table.columns[1].not_null);
    const struct catalog_column *at = catalog_find_column(&table, SPAN("at"));
    assert_non_null(at);
    assert_true(span_equal(at->type, SPAN("timestamp with time zone")));
    assert_false(at->generated);
    assert_true(catalog_find_column(&table, SPAN("length"))->generated);
    assert_true(catalog_find_column(&table, SPAN("n"))->generated);
    assert_null(catalog_find_column(&table, SPAN("gone")));
    assert_null(catalog_find_column(&table, SPAN("")));
    arena_done(&arena);
}

static void what_is_no_table_does_not_exist(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("absent"));
    harness_exec(conn, "CREATE VIEW public.v AS SELECT 1; CREATE TABLE public.t ()");
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    assert_false(read_table(conn, SPAN("public"), SPAN("v"), &arena).exists);
    assert_false(read_table(conn, SPAN("public"), SPAN("T"), &arena).exists);
    assert_false(read_table(conn, SPAN("other"), SPAN("t"), &arena).exists);
    struct catalog_table empty = read_table(conn, SPAN("public"), SPAN("t"), &arena);
    assert_true(empty.exists);
    assert_int_equal(empty.column_count, 0);
    assert_int_equal(empty.pages, 0);
    assert_int_equal(empty.row_estimate, 0);
    arena_done(&arena);
}

static void sizes_follow_the_rows(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("sizes"));
    harness_exec(conn, "CREATE TABLE public.t (a integer); INSERT INTO public.t SELECT generate_series(1, 10000)");
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    struct catalog_table guessed = read_table(conn, SPAN("public"), SPAN("t"), &arena);
    assert_int_equal(guessed.pages, harness_int64(conn, "SELECT pg_relation_size('public.t') / 8192"));
    assert_true(guessed.row_estimate > 0);
    harness_exec(conn, "ANALYZE public.t");
    assert_int_equal(read_table(conn, SPAN("public"), SPAN("t"), &arena).row_estimate, 10000);
    harness_exec(conn, "INSERT INTO public.t SELECT generate_series(1, 10000)");
    uint64_t scaled = read_table(conn, SPAN("public"), SPAN("t"), &arena).row_estimate;
    assert_in_range(scaled, 19000, 21000);
    arena_done(&arena);
}

static void partitions_are_summed(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("parts"));
    harness_exec(conn, "CREATE TABLE public.p (a integer) PARTITION BY RANGE (a);"
                       "CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (5001);"
                       "CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM (5001) TO (20000);"
                       "INSERT INTO public.p SELECT generate_series(1, 10000); ANALYZE public.p1; ANALYZE public.p2");
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    struct catalog_table table = read_table(conn, SPAN("public"), SPAN("p"), &arena);
    assert_true(table.exists);
    assert_int_equal(table.row_estimate, 10000);
    assert_int_equal(table.pages, read_table(conn, SPAN("public"), SPAN("p1"), &arena).pages +
                                      read_table(conn, SPAN("public"), SPAN("p2"), &arena).pages);
    arena_done(&arena);
}

static void whether_there_are_rows(void **state)
{
    (void)state;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("rows"));
    struct err err = ERR_INIT;
    bool has_rows = true;
    harness_exec(conn, "CREATE TABLE public.\"T\"\"1\" (a integer)");
    harness_check(catalog_has_rows(conn, SPAN("public"), SPAN("T\"1"), &has_rows, &err), &err);
    assert_false(has_rows);
    harness_exec(conn, "INSERT INTO public.\"T\"\"1\" VALUES (NULL)");
    harness_check(catalog_has_rows(conn, SPAN("public"), SPAN("T\"1"), &has_rows, &err), &err);
    assert_true(has_rows);
    assert_int_equal(catalog_has_rows(conn, SPAN("public"), SPAN("nothing"), &has_rows, &err), LF_SQL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_with_types_and_not_null), cmocka_unit_test(what_is_no_table_does_not_exist),
        cmocka_unit_test(sizes_follow_the_rows),           cmocka_unit_test(partitions_are_summed),
        cmocka_unit_test(whether_there_are_rows),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
