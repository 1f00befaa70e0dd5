/* Leases between two workers: who gets a part, who keeps it, and when one that is dead or hangs loses it. */
#include <stdio.h>
#include <time.h>

#include "harness.h"
#include "move/lease.h"
#include "pg/sql_gen.h"

enum { SECONDS = 10, SECONDS_SHORT = 4, PARTS = 5, WAIT_MS_MAX = 60000 };

static const char *uri;
static struct pg_conn *conn;
static struct lease *first, *second;

static struct lease *join(const char *work, unsigned seconds)
{
    struct err err = ERR_INIT;
    struct lease *lease;
    harness_check(lease_join(uri, work, seconds, &lease, &err), &err);
    return lease;
}

static void begin_short(const char *database, unsigned seconds)
{
    uri = harness_new_database(database);
    conn = harness_connect(uri);
    harness_exec(conn, sql_control);
    first = join("load 1", seconds);
    second = join("load 1", seconds);
    assert_true(lease_worker(first) != lease_worker(second));
}

static void begin(const char *database)
{
    begin_short(database, SECONDS);
}

static int end(void **state)
{
    (void)state;
    lease_leave(first);
    lease_leave(second);
    pg_close(conn);
    return 0;
}

static bool take(struct lease *lease, uint64_t part)
{
    struct err err = ERR_INIT;
    bool taken;
    harness_check(lease_take(lease, part, &taken, &err), &err);
    return taken;
}

static bool take_next(struct lease *lease, uint64_t *ret_part)
{
    struct err err = ERR_INIT;
    bool taken;
    harness_check(lease_take_next(lease, 1, PARTS, ret_part, &taken, &err), &err);
    return taken;
}

static void finish(struct lease *lease, uint64_t part, struct span result)
{
    struct err err = ERR_INIT;
    harness_check(lease_finish(lease, part, result, &err), &err);
}

static void expect_left(struct lease *lease, uint64_t want_left, uint64_t want_free)
{
    struct err err = ERR_INIT;
    uint64_t left, free;
    harness_check(lease_count_left(lease, PARTS, &left, &free, &err), &err);
    assert_int_equal(left, want_left);
    assert_int_equal(free, want_free);
}

/* Waits until the query gives so much. */
static void wait_for(const char *sql, int64_t least)
{
    const struct timespec pause = { .tv_nsec = 20 * 1000000 };
    for (int waited_ms = 0; harness_int64(conn, sql) < least; waited_ms += 20) {
        assert_true(waited_ms < WAIT_MS_MAX);
        (void)nanosleep(&pause, NULL);
    }
}

static void test_one_holder(void **state)
{
    (void)state;
    begin("one_holder");
    struct lease *other = join("load 2", SECONDS);
    assert_true(take(first, 7));
    assert_true(take(first, 7));
    assert_false(take(second, 7));
    assert_true(take(second, 8));
    assert_true(take(other, 7)); /* another work */
    assert_false(take(second, 7));
    lease_leave(other);
}

static void test_next(void **state)
{
    (void)state;
    begin("next");
    struct err err = ERR_INIT;
    uint64_t part;
    for (unsigned again = 0; again < 2; again++)
        harness_check(lease_offer(first, PARTS, &err), &err);
    expect_left(first, PARTS, PARTS);
    for (uint64_t want = 1; want < PARTS; want++) {
        assert_true(take_next(want % 2 ? first : second, &part));
        assert_int_equal(part, want);
    }
    assert_false(take_next(first, &part));
    expect_left(second, PARTS, 1);
    harness_exec(conn, "UPDATE landfall.lease SET holder = NULL WHERE part = 2");
    finish(first, 1, SPAN("one"));
    finish(second, 1, SPAN("another"));
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.lease WHERE part = 1 AND result = 'one'"), 1);
    expect_left(second, PARTS - 1, 2);
    assert_true(take_next(first, &part));
    assert_int_equal(part, 2);
    assert_false(take(second, 1)); /* it is done */
    harness_check(lease_clear(first, &err), &err);
    expect_left(second, 0, 0);
}

static void test_leaving(void **state)
{
    (void)state;
    begin("leaving");
    assert_true(take(first, 1));
    lease_leave(first);
    first = NULL;
    assert_true(take(second, 1));
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.worker"), 1);
}

/* The lease lives as long as its holder says so: when it would be over but for that, it is as good as new. */
static void test_renewal(void **state)
{
    (void)state;
    static const char expires_ms[] = "SELECT (extract(epoch FROM min(expires_at)) * 1000)::bigint FROM landfall.worker";
    begin_short("renewal", SECONDS_SHORT);
    assert_true(take(first, 1));
    wait_for(expires_ms, harness_int64(conn, expires_ms) + SECONDS_SHORT * 1000);
    assert_false(take(second, 1));
}

static void end_sessions(const char *condition)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(backend, 60000) FROM landfall.worker WHERE %s", condition);
    harness_exec(conn, sql);
}

static void test_session_gone(void **state)
{
    (void)state;
    begin("session_gone");
    assert_true(take(first, 1));
    end_sessions("id = (SELECT holder FROM landfall.lease)");
    assert_true(take(second, 1));
    struct err err = ERR_INIT;
    bool taken;
    assert_int_equal(lease_take(first, 1, &taken, &err), LF_CONNECT);
}

/* Part 1 to the second, because the first is taken for dead, unless it has just renewed its lease. */
static void let_first_expire(void)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "UPDATE landfall.worker SET expires_at = now() - interval '1 second' WHERE id = %lld",
                   (long long)lease_worker(first));
    for (int tries = 1;; tries++) {
        harness_exec(conn, sql);
        if (take(second, 1))
            return;
        assert_true(tries < 10);
    }
}

/* A worker that was only slow comes back, without what it held. Its sessions are ended, those of others are not. */
static void test_expired(void **state)
{
    (void)state;
    begin("expired");
    struct err err = ERR_INIT;
    struct pg_conn *busy = harness_connect(uri);
    harness_check(lease_session(first, busy, &err), &err);
    harness_check(lease_session(second, conn, &err), &err);
    assert_true(take(first, 1));
    let_first_expire();
    assert_false(take(first, 1));
    assert_int_equal(pg_exec(busy, "SELECT 1", &err), LF_CONNECT);
    wait_for("SELECT count(*) FROM landfall.worker", 2);
    assert_true(take(first, 2));
    assert_false(take(second, 2));
    pg_close(busy);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_holder), TEST(test_next),         TEST(test_leaving),
        TEST(test_renewal),    TEST(test_session_gone), TEST(test_expired),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
