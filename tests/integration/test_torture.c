/*
 * Every fallible call on the way of a load and a verification fails in turn, once in each way it can (faults.h). Each time the
 * run ends with an error that says something, leaves no file or memory behind, and the next run without a fault completes it:
 * nothing twice, nothing missing.
 *
 * TORTURE=all goes through every single call; without it the long ways are gone through in steps of a random width. An argument
 * is a pattern of the tests to run.
 */
#include "court.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "faults.h"
#include "move/backfill.h"
#include "move/verify.h"

enum {
    ARENA_BYTES = 64 * 1024 * 1024,
    RUNS_MAX = 6,
    UNNOTICED_MAX = 16,     /* allocations, in all: a few in each way */
    LEASE_TEST_SECONDS = 1, /* that the next run waits for one that did not sign off */
};

static const char *const kind_names[FAULT_KINDS] = { "refused", "cut", "lost", "lasting" };

/* Something that a command does, on the database `uri`. */
typedef enum lf_code torture_way(const char *uri, struct err *err);

struct torture {
    const char *name;
    const char *before; /* database that each run begins with a copy of */
    torture_way *way;
    enum fault_set set;
    enum fault_kind kind;
};

static bool goes_through_all;

static unsigned random_below(unsigned bound)
{
    return (unsigned)rand() % bound;
}

/* --- the ways --- */

static bool go_on(void *context, const struct backfill_progress *progress)
{
    (void)context, (void)progress;
    return false;
}

static bool go_on_verifying(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
    return false;
}

static enum lf_code load(const char *uri, struct source *source, struct arena *arena, struct err *err)
{
    struct backfill_result result;
    struct backfill_options options = { .postgres = uri,
                                        .migrations = court_migrations_path(),
                                        .map_yaml = court_map_yaml(),
                                        .jobs = 1,
                                        .lease_seconds = LEASE_TEST_SECONDS };
    TRY(backfill_run(court_map(), source, &options, go_on, NULL, arena, &result, err));
    return result.totals.items == COURT_ITEMS ? LF_OK : ERR(err, LF_DIFFERENCES, "%d items loaded", (int)result.totals.items);
}

static enum lf_code compare(const char *uri, struct source *source, bool repair, struct arena *arena, struct err *err)
{
    struct verify_result result;
    const struct verify_options options = {
        .postgres = uri, .jobs = 1, .lease_seconds = LEASE_TEST_SECONDS, .reread = true, .repair = repair, .details_max = 20
    };
    TRY(verify_run(court_map(), source, &options, go_on_verifying, NULL, arena, &result, err));
    if (result.compared != COURT_ITEMS || result.different + result.missing + result.extra != result.repaired)
        return ERR(err, LF_DIFFERENCES, "%d compared, %d different, %d missing, %d extra, %d repaired", (int)result.compared,
                   (int)result.different, (int)result.missing, (int)result.extra, (int)result.repaired);
    return LF_OK;
}

static enum lf_code load_and_compare(const char *uri, struct source *source, struct arena *arena, struct err *err)
{
    TRY(load(uri, source, arena, err));
    return compare(uri, source, false, arena, err);
}

static enum lf_code with_source(const char *uri, bool repair, struct err *err)
{
    struct source source;
    struct arena arena;
    TRY(source_open(court_source_path(), &(struct source_options){ 0 }, &source, err));
    arena_init(&arena, ARENA_BYTES);
    enum lf_code code = repair ? compare(uri, &source, true, &arena, err) : load_and_compare(uri, &source, &arena, err);
    arena_done(&arena);
    source_close(&source);
    return code;
}

static enum lf_code way_of_load(const char *uri, struct err *err)
{
    return with_source(uri, false, err);
}

static enum lf_code way_of_repair(const char *uri, struct err *err)
{
    return with_source(uri, true, err);
}

/* --- databases --- */

static void drop_database(const char *name)
{
    struct err err = ERR_INIT;
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_uri());
    harness_check(pg_execf(conn, &err, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name), &err);
}

static void prepare_empty(void)
{
    struct pg_conn *conn = harness_connect(harness_new_database("empty"));
    court_migrate(conn);
    pg_close(conn);
}

/* A row that the source has otherwise: it has to be tried alone. */
static void prepare_strict(void)
{
    struct pg_conn *conn = harness_connect(harness_new_database("strict"));
    court_migrate(conn);
    harness_exec(conn, "ALTER TABLE court.device ADD CHECK (id <> 3000)");
    pg_close(conn);
}

static void prepare_damaged(void)
{
    struct pg_conn *conn = harness_connect(court_new_database("damaged"));
    harness_exec(conn, "DELETE FROM court.message WHERE docket_number = (SELECT min(docket_number) FROM court.case_file);"
                       "UPDATE court.message SET subject = 'changed' WHERE docket_number = (SELECT max(docket_number) FROM "
                       "court.case_file); DELETE FROM landfall.item;"
                       "INSERT INTO court.device (id) VALUES (-1); DELETE FROM court.party WHERE age IS NULL");
    pg_close(conn);
}

/* --- what holds after each run --- */

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

/* What a broken connection had sent before is still read, an error that is known already needs no further result, and a worker
 * that does not sign off, for want of memory too, is taken for dead in time (lease.h). A way compares everything at its end. */
static bool may_go_unnoticed(const struct torture *torture, const char *function)
{
    static unsigned unnoticed;
    if (torture->set == FAULTS_MEMORY)
        return ++unnoticed <= UNNOTICED_MAX;
    return torture->kind == FAULT_CUT || torture->kind == FAULT_LOST || strcmp(function, "PQgetResult") == 0 ||
           strstr(function, "landfall.worker");
}

static void check_failure(const struct torture *torture, unsigned n, const char *function, enum lf_code code,
                          const struct err *err)
{
    if (code == LF_OK && may_go_unnoticed(torture, function))
        return;
    if (code == LF_OK)
        fail_msg("%s: call %u, %s, %s: nobody noticed", torture->name, n, function, kind_names[torture->kind]);
    assert_int_equal(err->code, code);
    assert_true(err->message[0]);
    for (const char *at = err->message; *at; at++)
        if ((unsigned char)*at < ' ')
            fail_msg("%s: call %u, %s: no clean message: %s", torture->name, n, function, err->message);
}

/* Twice: what is complete stays so. */
static void check_next_run(const struct torture *torture, const char *uri, unsigned n, const char *function)
{
    for (int i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        if (torture->way(uri, &err) != LF_OK)
            fail_msg("%s: call %u, %s, %s: the next run: %s", torture->name, n, function, kind_names[torture->kind], err.message);
    }
}

/* Whether there was an n-th call. */
static bool fail_call(const struct torture *torture, unsigned n)
{
    struct err err = ERR_INIT;
    char uri[8192];
    drop_database("tortured");
    (void)snprintf(uri, sizeof uri, "%s", harness_copy_database("tortured", torture->before));
    unsigned files = open_files();
    faults_arm(torture->set, torture->kind, n);
    enum lf_code code = torture->way(uri, &err);
    const char *function = faults_disarm();
    assert_int_equal(open_files(), files);
    if (function) {
        check_failure(torture, n, function, code, &err);
        check_next_run(torture, uri, n, function);
    } else if (code != LF_OK) {
        fail_msg("%s: without a fault: %s", torture->name, err.message);
    }
    return function != NULL;
}

/* The first calls one by one, the others in steps so that there are about RUNS_MAX. */
static unsigned next_call(unsigned n, unsigned calls)
{
    unsigned width = calls / RUNS_MAX;
    return goes_through_all || width < 2 ? n + 1 : n + 1 + random_below(2 * width - 1);
}

static unsigned count_calls(const struct torture *torture)
{
    (void)fail_call(torture, 0);
    return faults_counted();
}

static void torture(const struct torture *torture)
{
    unsigned calls = count_calls(torture), failed = 0;
    assert_true(calls > 0);
    for (unsigned n = 1; fail_call(torture, n); n = next_call(n, calls))
        failed++;
    printf("%s, %s: %u of %u calls\n", torture->name, kind_names[torture->kind], failed, calls);
    (void)fflush(stdout);
    assert_true(failed > 0);
}

/* --- tests --- */

static void a_load_whose_libpq_fails(void **state)
{
    (void)state;
    for (enum fault_kind kind = FAULT_REFUSED; kind <= FAULT_LOST; kind++)
        torture(&(struct torture){ "load", "empty", way_of_load, FAULTS_LIBPQ, kind });
}

static void a_careful_load_whose_libpq_fails(void **state)
{
    (void)state;
    for (enum fault_kind kind = FAULT_REFUSED; kind <= FAULT_LOST; kind++)
        torture(&(struct torture){ "careful load", "strict", way_of_load, FAULTS_LIBPQ, kind });
}

static void a_repair_whose_libpq_fails(void **state)
{
    (void)state;
    for (enum fault_kind kind = FAULT_REFUSED; kind <= FAULT_LOST; kind++)
        torture(&(struct torture){ "repair", "damaged", way_of_repair, FAULTS_LIBPQ, kind });
}

static void a_load_short_of_memory(void **state)
{
    (void)state;
    torture(&(struct torture){ "load, memory", "empty", way_of_load, FAULTS_MEMORY, FAULT_REFUSED });
    torture(&(struct torture){ "load, memory", "empty", way_of_load, FAULTS_MEMORY, FAULT_LASTING });
}

static void a_repair_short_of_memory(void **state)
{
    (void)state;
    torture(&(struct torture){ "repair, memory", "damaged", way_of_repair, FAULTS_MEMORY, FAULT_REFUSED });
    torture(&(struct torture){ "repair, memory", "damaged", way_of_repair, FAULTS_MEMORY, FAULT_LASTING });
}

static int start(void **state)
{
    const char *extent = getenv("TORTURE"), *given = getenv("LANDFALL_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    goes_through_all = extent && strcmp(extent, "all") == 0;
    if (court_start(state) != 0)
        return -1;
    prepare_empty();
    prepare_strict();
    prepare_damaged();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_whose_libpq_fails),   cmocka_unit_test(a_careful_load_whose_libpq_fails),
        cmocka_unit_test(a_repair_whose_libpq_fails), cmocka_unit_test(a_load_short_of_memory),
        cmocka_unit_test(a_repair_short_of_memory),
    };
    return cmocka_run_group_tests(tests, start, court_stop);
}
