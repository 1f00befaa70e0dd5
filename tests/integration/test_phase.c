/* Phases: what is read, what holds changes off, and which gateways a change waits for. */
#include <stdio.h>
#include <time.h>

#include "harness.h"
#include "move/phase.h"

enum { ARENA_BYTES = 1024 * 1024, SHORT_MS = 100 };

static struct pg_conn *conn;
static struct arena arena;

static int begin(void **state)
{
    struct err err = ERR_INIT;
    static unsigned number;
    char name[32];
    (void)state;
    (void)snprintf(name, sizeof name, "phase%u", number++);
    conn = harness_connect(harness_new_database(name));
    arena_init(&arena, ARENA_BYTES);
    harness_check(phase_prepare_schema(conn, &err), &err);
    harness_check(phase_prepare_schema(conn, &err), &err);
    harness_exec(
        conn,
        "INSERT INTO landfall.phase (table_name, phase, region, stream_arn, follows_since) VALUES ('b', 'follow', 'r', 's', "
        "'2026-01-02 03:04:05.000006+00'), ('a', 'dual write', 'r', 's', now())");
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    pg_close(conn);
    return 0;
}

static struct table_phase read_table(struct pg_conn *by, bool for_share)
{
    struct err err = ERR_INIT;
    struct table_phase phase;
    bool found = false;
    harness_check(phase_read(by, SPAN("b"), for_share, &arena, &phase, &found, &err), &err);
    assert_true(found);
    return phase;
}

static void test_a_row_is_read_as_it_is(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct table_phase phase = read_table(conn, false);
    bool found = true;
    assert_int_equal(phase.phase, PHASE_FOLLOW);
    assert_true(phase.follows_since_us == 1767323045000006 && !phase.is_fenced && phase.applies_since_us == 0 &&
                phase.epoch == 1);
    assert_true(phase.endpoint.len == 0 && phase.reads_entities.len == 0);
    harness_exec(conn, "UPDATE landfall.phase SET phase = 'dual write', fence = 'postgres', fence_until = now(), reads_percent = "
                       "7, reads_entities = '{A,B}', endpoint = 'e' "
                       "WHERE table_name = 'b'");
    phase = read_table(conn, false);
    assert_true(phase.is_fenced && phase.fence == PHASE_POSTGRES && phase.reads_percent == 7 &&
                span_equal(phase.reads_entities, SPAN("A\nB")) && span_equal(phase.endpoint, SPAN("e")));
    harness_check(phase_read(conn, SPAN("c"), false, &arena, &phase, &found, &err), &err);
    assert_false(found);
}

static void test_a_shared_read_holds_changes_off(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    PG_CONN_CLEANUP struct pg_conn *other = NULL;
    harness_check(pg_connect_again(conn, &other, &err), &err);
    harness_exec(conn, "BEGIN");
    (void)read_table(conn, true);
    harness_exec(other, "SET lock_timeout = 100");
    assert_int_equal(pg_exec(other, "UPDATE landfall.phase SET epoch = epoch + 1 WHERE table_name = 'b'", &err), LF_SQL);
    assert_string_equal(err.sqlstate, "55P03");
    harness_exec(conn, "COMMIT");
    harness_exec(other, "UPDATE landfall.phase SET epoch = epoch + 1 WHERE table_name = 'b'");
}

static void test_a_change_waits_for_gateways_that_live(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    int64_t version = 0;
    harness_check(phase_begin_change(conn, &version, &err), &err);
    assert_true(version == harness_int64(conn, "SELECT version FROM landfall.catalog"));
    harness_check(phase_wait(conn, version, 0, &err), &err);
    harness_exec(conn, "INSERT INTO landfall.gateway (id, address, catalog_version) VALUES (gen_random_uuid(), 'behind:1', 1), "
                       "(gen_random_uuid(), 'current:1', 1000)");
    assert_int_equal(phase_wait(conn, version, SHORT_MS, &err), LF_PRECONDITION);
    assert_non_null(strstr(err.message, "behind:1"));
    assert_null(strstr(err.message, "current:1"));
    harness_exec(conn, "UPDATE landfall.gateway SET catalog_version = 1000");
    harness_check(phase_wait(conn, version, SHORT_MS, &err), &err);
}

static int64_t seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec;
}

static void test_a_gateway_that_beats_no_more_is_not_waited_for(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    int64_t began = seconds();
    harness_exec(conn, "INSERT INTO landfall.gateway (id, address) VALUES (gen_random_uuid(), 'silent:1')");
    harness_check(phase_wait(conn, 1, 3 * PHASE_GATEWAY_SILENT_MS, &err), &err);
    assert_true(seconds() - began >= PHASE_GATEWAY_SILENT_MS / 1000 - 1);
}

static void test_events_are_kept(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    harness_check(phase_record(conn, "forced", SPAN("{\"table\": \"b\"}"), &err), &err);
    assert_true(harness_int64(conn, "SELECT count(*) FROM landfall.event WHERE what = 'forced' AND detail ->> 'table' = 'b'") ==
                1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_row_is_read_as_it_is, begin, end),
        cmocka_unit_test_setup_teardown(test_a_shared_read_holds_changes_off, begin, end),
        cmocka_unit_test_setup_teardown(test_a_change_waits_for_gateways_that_live, begin, end),
        cmocka_unit_test_setup_teardown(test_a_gateway_that_beats_no_more_is_not_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(test_events_are_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
