/* Verification and repair on a real target: each kind of difference is made by SQL, seen, named, recorded and repaired. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "court.h"
#include "move/verify.h"
#include "move/verify_record.h"

enum { DETAILS_MAX = 10, RESULT_ARENA_BYTES = 64 * 1024 * 1024 };

static struct arena arena;
static const char *uri;
static struct pg_conn *conn;
static struct source source;

static void begin(const char *database)
{
    uri = court_new_database(database);
    conn = harness_connect(uri);
    court_open_source(&source);
    arena_init(&arena, RESULT_ARENA_BYTES);
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    source_close(&source);
    pg_close(conn);
    return 0;
}

static bool go_on(void *context, uint64_t items_read, uint64_t items_total)
{
    (void)context;
    assert_true(items_read <= items_total);
    return false;
}

static struct verify_result verify_with(struct verify_options options)
{
    struct err err = ERR_INIT;
    struct verify_result result = { 0 };
    options.postgres = uri;
    options.jobs = 2;
    options.details_max = DETAILS_MAX;
    harness_check(verify_run(court_map(), &source, &options, go_on, NULL, &arena, &result, &err), &err);
    assert_int_equal(result.compared, COURT_ITEMS);
    return result;
}

static struct verify_result verify(void)
{
    return verify_with((struct verify_options){ 0 });
}

static void expect_counts(const struct verify_result *result, uint64_t different, uint64_t missing, uint64_t extra)
{
    assert_int_equal(result->different, different);
    assert_int_equal(result->missing, missing);
    assert_int_equal(result->extra, extra);
}

static void expect_equal(void)
{
    struct verify_result result = verify();
    expect_counts(&result, 0, 0, 0);
    assert_int_equal(result.segments_equal, result.segments);
    assert_int_equal(result.detail_count, 0);
}

/* Repairs, and sees with a comparison of its own that nothing is left. */
static void repair(uint64_t expected)
{
    struct verify_result result = verify_with((struct verify_options){ .repair = true });
    assert_int_equal(result.repaired, expected);
    expect_equal();
}

/* The only detail: its kind, key and differing attribute (NULL: none). */
static void expect_detail(const struct verify_result *result, enum verify_kind kind, const char *key, const char *attribute)
{
    assert_int_equal(result->detail_count, 1);
    const struct verify_difference *detail = &result->details[0];
    assert_int_equal(detail->kind, kind);
    assert_true(span_equal(detail->key, span_from_cstr(key)));
    assert_int_equal(detail->attribute_count, attribute ? 1 : 0);
    if (attribute)
        assert_true(span_equal(detail->attributes[0], span_from_cstr(attribute)));
    assert_int_equal(detail->source_json.len > 0, kind != VERIFY_EXTRA);
    assert_int_equal(detail->target_json.len > 0, kind != VERIFY_MISSING);
}

static void test_equal(void **state)
{
    (void)state;
    begin("equal");
    struct verify_result result = verify();
    assert_false(result.source_reread);
    expect_counts(&result, 0, 0, 0);
    assert_int_equal(result.segments, 2 * PARITY_SEGMENTS);
    result = verify_with((struct verify_options){ .reread = true });
    assert_true(result.source_reread);
    expect_counts(&result, 0, 0, 0);
    assert_int_equal(harness_int64(conn,
                                   "SELECT count(*) FROM landfall.parity_run WHERE finished_at IS NOT NULL AND compared > 0 "
                                   "AND different + missing + extra = 0"),
                     2);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.parity_run WHERE cardinality(tables) = 2"), 2);
}

static void test_column_changed(void **state)
{
    (void)state;
    begin("column_changed");
    harness_exec(conn, "UPDATE court.message SET subject = 'changed' WHERE message_id = 'm3-4'");
    struct verify_result result = verify();
    expect_counts(&result, 1, 0, 0);
    assert_int_equal(result.segments_equal, result.segments - 1);
    expect_detail(&result, VERIFY_DIFFERENT, "pk=\"case|3-26\", sk=\"message|m3-4\"", "subject");
    assert_int_equal(harness_int64(conn,
                                   "SELECT count(*) FROM landfall.parity_diff WHERE table_name = 'efcms' AND kind = 'different' "
                                   "AND key = 'pk=\"case|3-26\", sk=\"message|m3-4\"' AND attributes = '{subject}'"),
                     1);
    repair(1);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.message WHERE message_id = 'm3-4' AND subject = 're: 4'"),
                     1);
}

static void test_leftover_changed(void **state)
{
    (void)state;
    begin("leftover_changed");
    harness_exec(conn, "UPDATE court.case_file SET ddb_extra = ddb_extra - 'odd' WHERE docket_number = '5-26'");
    struct verify_result result = verify();
    expect_counts(&result, 1, 0, 0);
    expect_detail(&result, VERIFY_DIFFERENT, "pk=\"case|5-26\", sk=\"case|5-26\"", "odd");
    repair(1); /* its messages refer to the row: it is changed in place */
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.message WHERE docket_number = '5-26'"), MESSAGES);
}

static void test_child_row_changed(void **state)
{
    (void)state;
    begin("child_changed");
    harness_exec(conn, "DELETE FROM court.party WHERE docket_number = '6-26' AND position = 1;"
                       "UPDATE court.party SET age = 99 WHERE docket_number = '7-26' AND position = 0");
    struct verify_result result = verify();
    expect_counts(&result, 2, 0, 0);
    assert_int_equal(result.detail_count, 2);
    assert_true(span_equal(result.details[0].attributes[0], SPAN("parties")));
    repair(2);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.party"), 2 * CASES);
}

static void test_row_deleted(void **state)
{
    (void)state;
    begin("row_deleted");
    harness_exec(conn, "DELETE FROM court.message WHERE message_id = 'm0-0'");
    struct verify_result result = verify();
    expect_counts(&result, 0, 1, 0);
    expect_detail(&result, VERIFY_MISSING, "pk=\"case|0-26\", sk=\"message|m0-0\"", NULL);
    repair(1);
}

static void test_row_inserted(void **state)
{
    (void)state;
    begin("row_inserted");
    harness_exec(conn, "INSERT INTO court.message (message_id, docket_number) VALUES ('new', '1-26')");
    struct verify_result result = verify();
    expect_counts(&result, 0, 0, 1);
    expect_detail(&result, VERIFY_EXTRA, "pk=\"case|1-26\", sk=\"message|new\"", NULL);
    repair(1);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.message"), CASES * MESSAGES);
}

/* Messages refer to their case by an enforced foreign key: whatever the order, all go. */
static void test_rows_that_refer_to_each_other(void **state)
{
    (void)state;
    begin("referring");
    harness_exec(conn, "INSERT INTO court.case_file (docket_number) SELECT 'x' || n FROM generate_series(1, 5) n;"
                       "INSERT INTO court.message (message_id, docket_number)"
                       " SELECT 'y' || n, 'x' || (n % 5 + 1) FROM generate_series(1, 20) n");
    struct verify_result result = verify();
    expect_counts(&result, 0, 0, 25);
    repair(25);
}

/* A table of somebody else's that refers to a row: it is not ours to delete, and the error says why the extra row stays. */
static void test_row_that_cannot_go(void **state)
{
    (void)state;
    begin("cannot_go");
    struct err err = ERR_INIT;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 1, .repair = true };
    harness_exec(conn, "INSERT INTO court.device (id) VALUES (-1); CREATE TABLE public.note (id bigint REFERENCES court.device);"
                       "INSERT INTO public.note VALUES (-1)");
    assert_int_equal(verify_run(court_map(), &source, &options, go_on, NULL, &arena, &result, &err), LF_SQL);
    assert_string_equal(err.sqlstate, "23503");
    harness_exec(conn, "DELETE FROM public.note");
    repair(1);
}

/* The item under its key changes hands: one is missing, another is extra. */
static void test_key_changed(void **state)
{
    (void)state;
    begin("key_changed");
    harness_exec(conn, "UPDATE court.message SET message_id = 'other' WHERE message_id = 'm2-2'");
    struct verify_result result = verify();
    expect_counts(&result, 0, 1, 1);
    repair(2);
}

static void test_number_key(void **state)
{
    (void)state;
    begin("number_key");
    harness_exec(conn, "DELETE FROM court.device WHERE id = 0; UPDATE court.device SET weight = 9 WHERE id = 1000;"
                       "INSERT INTO court.device (id) VALUES (-5)");
    struct verify_result result = verify();
    expect_counts(&result, 1, 1, 1);
    assert_int_equal(result.segments_equal, result.segments - 3);
    repair(3);
}

static void test_unclaimed_items(void **state)
{
    (void)state;
    begin("unclaimed_items");
    harness_exec(conn,
                 "DELETE FROM landfall.item WHERE pk = 'odd|0';"
                 "UPDATE landfall.item SET item = '{\"pk\":{\"S\":\"odd|1\"},\"sk\":{\"S\":\"\\u0000\"}}' WHERE pk = 'odd|1';"
                 "INSERT INTO landfall.item (table_name, h, sk, pk, item, reason) VALUES ('efcms', '\\x00', 'a', 'x',"
                 " '{\"pk\":{\"S\":\"x\"},\"sk\":{\"S\":\"a\"}}', 'by hand')");
    struct verify_result result = verify();
    expect_counts(&result, 1, 1, 1);
    repair(3);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.item"), ODDITIES);
}

static void test_item_twice(void **state)
{
    (void)state;
    begin("item_twice");
    harness_exec(conn, "INSERT INTO landfall.item (table_name, h, sk, pk, item, reason) VALUES ('efcms', '\\x01', 'message|m1-1',"
                       " 'case|1-26', '{\"pk\":{\"S\":\"case|1-26\"},\"sk\":{\"S\":\"message|m1-1\"}}', 'by hand')");
    struct verify_result result = verify();
    expect_counts(&result, 0, 0, 1);
    repair(1);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.message WHERE message_id = 'm1-1'"), 1);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.item"), ODDITIES);
}

/* Somebody keeps the table from holding the item: it goes where it is served from all the same. */
static void test_repair_against_a_constraint(void **state)
{
    (void)state;
    begin("broken_constraint");
    harness_exec(conn, "DELETE FROM court.device WHERE id IN (2000, 3000);"
                       "ALTER TABLE court.device ADD CONSTRAINT not_3000 CHECK (id <> 3000)");
    repair(2);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM court.device"), DEVICES - 1);
    assert_int_equal(
        harness_int64(conn, "SELECT count(*) FROM landfall.item WHERE table_name = 'devices' AND reason LIKE '%not_3000%'"), 1);
}

/* More differences than one transaction of a repair holds, and than details are kept. */
static void test_everything_missing(void **state)
{
    (void)state;
    begin("everything_missing");
    harness_exec(conn, "TRUNCATE court.case_file, court.message, court.party, court.device, landfall.item");
    struct verify_result result = verify();
    expect_counts(&result, 0, COURT_ITEMS, 0);
    assert_int_equal(result.detail_count, DETAILS_MAX);
    repair(COURT_ITEMS);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.item"), ODDITIES);
}

static void test_without_source(void **state)
{
    (void)state;
    begin("without_source");
    struct err err = ERR_INIT;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 1, .details_max = DETAILS_MAX };
    harness_check(verify_run(court_map(), NULL, &options, go_on, NULL, &arena, &result, &err), &err);
    assert_int_equal(result.compared, COURT_ITEMS);
    expect_counts(&result, 0, 0, 0);
    harness_exec(conn, "UPDATE court.device SET weight = 9 WHERE id = 1000; DELETE FROM court.message WHERE message_id = 'm0-0'");
    harness_check(verify_run(court_map(), NULL, &options, go_on, NULL, &arena, &result, &err), &err);
    expect_counts(&result, 1, 1, 0);
    assert_int_equal(result.detail_count, 0);

    options.repair = true;
    assert_int_equal(verify_run(court_map(), NULL, &options, go_on, NULL, &arena, &result, &err), LF_PRECONDITION);
    options.repair = false;
    harness_exec(conn, "UPDATE landfall.load SET finished_at = NULL");
    assert_int_equal(verify_run(court_map(), NULL, &options, go_on, NULL, &arena, &result, &err), LF_PRECONDITION);
    assert_true(verify().source_reread);
}

static void test_preconditions(void **state)
{
    (void)state;
    begin("preconditions");
    struct err err = ERR_INIT;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 1 };
    harness_exec(conn, "DROP TABLE court.device");
    assert_int_equal(verify_run(court_map(), &source, &options, go_on, NULL, &arena, &result, &err), LF_PRECONDITION);
    assert_non_null(strstr(err.message, "court.device"));
    harness_exec(conn, "DROP SCHEMA landfall CASCADE");
    assert_int_equal(verify_run(court_map(), &source, &options, go_on, NULL, &arena, &result, &err), LF_PRECONDITION);
}

static bool stop(void *context, uint64_t items_read, uint64_t items_total)
{
    (void)context, (void)items_read, (void)items_total;
    return true;
}

static void test_interrupted(void **state)
{
    (void)state;
    begin("interrupted");
    struct err err = ERR_INIT;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 2 };
    assert_int_equal(verify_run(court_map(), &source, &options, stop, NULL, &arena, &result, &err), LF_INTERRUPTED);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM landfall.parity_run WHERE finished_at IS NOT NULL"), 0);
    expect_equal();
}

/* Several processes ------------------------------------------------------------------------------------------------------ */

/* Until the sessions that are closed are gone, and with them their counts of changed rows have come in. */
static void wait_for_sessions(int64_t others)
{
    struct pg_conn *looks = harness_connect(uri);
    const struct timespec pause = { .tv_nsec = 2000000 };
    unsigned looked = 0;
    while (harness_int64(looks, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()") > others &&
           looked++ < 50000)
        (void)nanosleep(&pause, NULL);
    pg_close(looks);
    assert_true(looked < 50000);
}

static void exec_apart(const char *sql)
{
    struct pg_conn *apart = harness_connect(uri);
    harness_exec(apart, sql);
    pg_close(apart);
    wait_for_sessions(0);
}

static int64_t int64_apart(const char *sql)
{
    struct pg_conn *apart = harness_connect(uri);
    int64_t number = harness_int64(apart, sql);
    pg_close(apart);
    return number;
}

/* Nobody is connected any more. */
static void begin_at_rest(const char *database)
{
    begin(database);
    pg_close(conn);
    conn = NULL;
    wait_for_sessions(0);
}

static void interrupt_verify(void)
{
    struct err err = ERR_INIT;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 2 };
    assert_int_equal(verify_run(court_map(), &source, &options, stop, NULL, &arena, &result, &err), LF_INTERRUPTED);
    wait_for_sessions(0);
}

/* What was recorded counts: here it is not what the target holds. */
static void test_goes_on(void **state)
{
    (void)state;
    begin_at_rest("goes_on");
    interrupt_verify();
    exec_apart("UPDATE landfall.lease SET result = ''");
    struct verify_result result = verify();
    assert_int_equal(result.segments_equal,
                     PARITY_SEGMENTS * 2 - int64_apart("SELECT segments - segments_equal FROM landfall.parity_run"));
    assert_true(result.segments_equal < result.segments);
    expect_counts(&result, 0, 0, 0); /* the keys are always read */
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run"), 1);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.lease"), 0);
    expect_equal();
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run WHERE finished_at IS NOT NULL"), 2);
}

/* An interrupted run whose parts are all recorded, as equal, before the target changes: it must not be believed. */
static void expect_begins_anew(const char *database, const char *change, bool stays)
{
    begin_at_rest(database);
    interrupt_verify();
    exec_apart("UPDATE landfall.lease SET result = ''");
    struct pg_conn *other = harness_connect(uri);
    harness_exec(other, change);
    if (!stays) {
        pg_close(other);
        wait_for_sessions(0);
    }
    struct verify_result result = verify();
    expect_counts(&result, 1, 0, 0);
    assert_int_equal(result.segments_equal, result.segments - 1);
    if (stays)
        pg_close(other);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run WHERE subject IS NULL"), 1);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.lease"), 0);
}

static void test_changed_meanwhile(void **state)
{
    (void)state;
    expect_begins_anew("changed_meanwhile", "UPDATE court.message SET subject = 'changed' WHERE message_id = 'm3-4'", false);
}

static void test_changed_by_a_session_that_stays(void **state)
{
    (void)state;
    expect_begins_anew("changed_by_one_that_stays", "UPDATE court.message SET subject = 'changed' WHERE message_id = 'm3-4'",
                       true);
}

static void test_child_table_changed_meanwhile(void **state)
{
    (void)state;
    expect_begins_anew("child_changed_meanwhile", "DELETE FROM court.party WHERE docket_number = '6-26' AND position = 1", false);
}

/* Whatever it reads differs from another map's reading. */
static void test_another_map_is_another_run(void **state)
{
    (void)state;
    begin_at_rest("another_map");
    interrupt_verify();
    exec_apart("UPDATE landfall.lease SET result = ''");
    struct verify_result result = verify_with((struct verify_options){ .map_yaml = SPAN("another") });
    assert_int_equal(result.segments_equal, result.segments);
    result = verify_with((struct verify_options){ .reread = true });
    assert_int_equal(result.segments_equal, result.segments);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run"), 3);
}

static bool halt_once(void *context, uint64_t items_read, uint64_t items_total)
{
    bool *was_halted = context;
    (void)items_read, (void)items_total;
    if (!*was_halted)
        (void)raise(SIGSTOP);
    *was_halted = true;
    return false;
}

/* A process that halts while it verifies; its exit status says whether it found everything equal. */
static pid_t start_halting(unsigned lease_seconds)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct verify_result result;
        struct verify_options options = { .postgres = uri, .jobs = 2, .reread = true, .lease_seconds = lease_seconds };
        bool was_halted = false;
        enum lf_code code = verify_run(court_map(), &source, &options, halt_once, &was_halted, &arena, &result, &err);
        _exit(code == LF_OK && result.compared == COURT_ITEMS && result.segments_equal == result.segments ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    return pid;
}

static void expect_one_run(void)
{
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run"), 1);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.parity_run WHERE finished_at IS NOT NULL"), 1);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.lease"), 0);
    assert_int_equal(int64_apart("SELECT count(*) FROM landfall.worker"), 0);
}

/* The second one joins the first, does its part when its time is up, and both give the same. Rows that were changed after the
 * first began are as they were, for both. */
static void test_shared(void **state)
{
    (void)state;
    enum { LEASE_SECONDS_HERE = 3 }; /* more than a busy machine may take to renew it */
    int status;
    begin("shared");
    pid_t pid = start_halting(LEASE_SECONDS_HERE);
    harness_exec(conn, "UPDATE court.message SET subject = 'changed' WHERE message_id = 'm3-4'");
    struct verify_result result = verify_with((struct verify_options){ .reread = true, .lease_seconds = LEASE_SECONDS_HERE });
    expect_counts(&result, 0, 0, 0);
    assert_int_equal(result.segments_equal, result.segments);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_one_run();
    result = verify();
    expect_counts(&result, 1, 0, 0);
}

/* One that is killed is replaced at once, not when its time is up. */
static void test_killed(void **state)
{
    (void)state;
    enum { NEVER = 3600 };
    int status;
    begin_at_rest("killed");
    pid_t pid = start_halting(NEVER);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    wait_for_sessions(0);
    struct verify_result result = verify_with((struct verify_options){ .reread = true });
    expect_counts(&result, 0, 0, 0);
    expect_one_run();
}

/* What a process that did not end the run itself gives is what the other one found. */
static void test_result_on_record(void **state)
{
    (void)state;
    begin("on_record");
    struct err err = ERR_INIT;
    struct verify_result recorded = { .details = arena_calloc(&arena, DETAILS_MAX, sizeof *recorded.details, &err) };
    bool ended;
    harness_exec(conn, "UPDATE court.message SET subject = 'changed', docket_number = '4-26' WHERE message_id = 'm3-4';"
                       "DELETE FROM court.device WHERE id = 1000; INSERT INTO court.device (id) VALUES (-5)");
    struct verify_result result = verify();
    assert_int_equal(result.detail_count, 4);
    int64_t run = harness_int64(conn, "SELECT max(id) FROM landfall.parity_run");
    harness_check(record_read(conn, run, DETAILS_MAX, &arena, &ended, &recorded, &err), &err);
    assert_true(ended);
    expect_counts(&recorded, result.different, result.missing, result.extra);
    assert_int_equal(recorded.compared, result.compared);
    assert_int_equal(recorded.segments, result.segments);
    assert_int_equal(recorded.segments_equal, result.segments_equal);
    assert_int_equal(recorded.detail_count, result.detail_count);
    for (size_t i = 0; i < result.detail_count; i++) {
        const struct verify_difference *want = NULL, *have = &recorded.details[i];
        for (size_t k = 0; k < result.detail_count; k++)
            if (span_equal(result.details[k].key, have->key) && span_equal(result.details[k].table, have->table))
                want = &result.details[k];
        assert_non_null(want);
        assert_int_equal(have->kind, want->kind);
        assert_true(span_equal(have->source_json, want->source_json));
        assert_true(span_equal(have->target_json, want->target_json));
        assert_int_equal(have->attribute_count, want->attribute_count);
        for (size_t a = 0; a < want->attribute_count; a++)
            assert_true(span_equal(have->attributes[a], want->attributes[a]));
    }
    recorded.detail_count = 0;
    harness_check(record_read(conn, run, 1, &arena, &ended, &recorded, &err), &err);
    assert_int_equal(recorded.detail_count, 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equal),
        TEST(test_column_changed),
        TEST(test_leftover_changed),
        TEST(test_child_row_changed),
        TEST(test_row_deleted),
        TEST(test_row_inserted),
        TEST(test_rows_that_refer_to_each_other),
        TEST(test_row_that_cannot_go),
        TEST(test_key_changed),
        TEST(test_number_key),
        TEST(test_unclaimed_items),
        TEST(test_item_twice),
        TEST(test_repair_against_a_constraint),
        TEST(test_everything_missing),
        TEST(test_without_source),
        TEST(test_preconditions),
        TEST(test_interrupted),
        TEST(test_goes_on),
        TEST(test_changed_meanwhile),
        TEST(test_changed_by_a_session_that_stays),
        TEST(test_child_table_changed_meanwhile),
        TEST(test_another_map_is_another_run),
        TEST(test_shared),
        TEST(test_killed),
        TEST(test_result_on_record),
    };
    return cmocka_run_group_tests(tests, court_start, court_stop);
}
