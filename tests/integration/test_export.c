/* An export of the target reads back as a source that the target equals, and tools/compare_items.py finds no difference. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "court.h"
#include "move/export.h"
#include "move/verify.h"

enum { PATH_BYTES = 1024, ARENA_BYTES = 64 * 1024 * 1024 };

static bool go_on(void *context, uint64_t items_written, uint64_t items_total)
{
    (void)context, (void)items_written, (void)items_total;
    return false;
}

static const char *new_path(const char *name)
{
    static char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", harness_dir(), name);
    return path;
}

static struct export_result export_to(const char *uri, const char *dir, unsigned jobs)
{
    struct err err = ERR_INIT;
    struct export_result result = { 0 };
    struct export_options options = { .postgres = uri, .dir = dir, .jobs = jobs };
    harness_check(export_run(court_map(), &options, go_on, NULL, &result, &err), &err);
    return result;
}

static int compare_items(const char *dir)
{
    char command[4 * PATH_BYTES];
    (void)snprintf(command, sizeof command, "python3 '%s' '%s' '%s' >&2", COMPARE_ITEMS, court_source_path(), dir);
    return system(command);
}

static void test_equals_the_source(void **state)
{
    (void)state;
    const char *uri = court_new_database("equals");
    const char *dir = new_path("equals");
    struct export_result result = export_to(uri, dir, 2);
    assert_int_equal(result.items, COURT_ITEMS);
    assert_true(result.files >= 2);
    assert_true(result.bytes > 0);
    assert_int_equal(compare_items(dir), 0);
}

static void test_checker_sees_a_change(void **state)
{
    (void)state;
    const char *uri = court_new_database("change");
    struct pg_conn *conn = harness_connect(uri);
    harness_exec(conn, "UPDATE court.message SET is_read = NOT is_read WHERE message_id = 'm1-1'");
    pg_close(conn);
    const char *dir = new_path("change");
    (void)export_to(uri, dir, 1);
    assert_int_not_equal(compare_items(dir), 0);
}

/* Landfall's own reader takes it too: names, counts, MD5s, keys. */
static void test_is_a_source(void **state)
{
    (void)state;
    const char *uri = court_new_database("source");
    const char *dir = new_path("source-again");
    struct err err = ERR_INIT;
    struct arena arena;
    struct source source;
    struct verify_result result;
    struct verify_options options = { .postgres = uri, .jobs = 2, .reread = true };
    (void)export_to(uri, dir, 2);
    arena_init(&arena, ARENA_BYTES);
    harness_check(source_open(dir, &(struct source_options){ 0 }, &source, &err), &err);
    assert_int_equal(source.table_count, 2);
    assert_int_equal(source.item_count, COURT_ITEMS);
    harness_check(verify_run(court_map(), &source, &options, go_on, NULL, &arena, &result, &err), &err);
    assert_int_equal(result.compared, COURT_ITEMS);
    assert_int_equal(result.different + result.missing + result.extra, 0);
    source_close(&source);
    arena_done(&arena);
}

static void test_empty_table(void **state)
{
    (void)state;
    const char *uri = court_new_database("empty");
    struct pg_conn *conn = harness_connect(uri);
    harness_exec(conn, "TRUNCATE court.device");
    pg_close(conn);
    const char *dir = new_path("empty");
    struct export_result result = export_to(uri, dir, 1);
    assert_int_equal(result.items, COURT_ITEMS - DEVICES);
    struct err err = ERR_INIT;
    struct source source;
    harness_check(source_open(dir, &(struct source_options){ 0 }, &source, &err), &err);
    assert_int_equal(source.table_count, 2);
    assert_int_equal(source.item_count, COURT_ITEMS - DEVICES);
    source_close(&source);
}

static void test_folder_must_be_empty(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_result result;
    const char *uri = court_new_database("folder");
    struct export_options options = { .postgres = uri, .dir = new_path("folder"), .jobs = 1 };
    assert_int_equal(mkdir(options.dir, 0755), 0);
    harness_check(export_run(court_map(), &options, go_on, NULL, &result, &err), &err);
    assert_int_equal(export_run(court_map(), &options, go_on, NULL, &result, &err), LF_PRECONDITION);
    options.dir = "/nowhere/at/all";
    assert_int_equal(export_run(court_map(), &options, go_on, NULL, &result, &err), LF_IO);
}

static bool stop(void *context, uint64_t items_written, uint64_t items_total)
{
    (void)context, (void)items_written, (void)items_total;
    return true;
}

/* What was interrupted is not an export. */
static void test_interrupted(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_result result;
    struct source source;
    const char *uri = court_new_database("stopped");
    struct export_options options = { .postgres = uri, .dir = new_path("stopped"), .jobs = 2 };
    assert_int_equal(export_run(court_map(), &options, stop, NULL, &result, &err), LF_INTERRUPTED);
    assert_int_not_equal(source_open(options.dir, &(struct source_options){ 0 }, &source, &err), LF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_source),    cmocka_unit_test(test_checker_sees_a_change),
        cmocka_unit_test(test_is_a_source),          cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_folder_must_be_empty), cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, court_start, court_stop);
}
