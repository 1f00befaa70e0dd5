/* Which exports of a table lie in a place, and in which order the incremental ones follow each other. */
#include "export_folder.h"

#include "codec/timestamp.h"
#include "source/exports.h"
#include "source/manifest.h"

enum { COUNT_MAX = 8, TIMES = 9, ROUNDS = 20000 };

static struct export_found window(int64_t from, int64_t to)
{
    return (struct export_found){ .is_ours = true, .from_us = from, .to_us = to };
}

static struct export_found full(int64_t at)
{
    return (struct export_found){ .is_ours = true, .is_full = true, .from_us = at, .to_us = at };
}

static void expect_next(const struct export_found *items, size_t count, int64_t position, enum export_next next, size_t index)
{
    size_t found = SIZE_MAX;
    assert_int_equal(exports_next(items, count, position, &found), next);
    if (next != EXPORT_NONE)
        assert_int_equal(found, index);
}

static void windows_follow_each_other(void **state)
{
    (void)state;
    const struct export_found items[] = { window(20, 30), window(0, 10), window(10, 20) };
    expect_next(items, 3, 0, EXPORT_NEXT, 1);
    expect_next(items, 3, 9, EXPORT_NEXT, 1);
    expect_next(items, 3, 10, EXPORT_NEXT, 2);
    expect_next(items, 3, 20, EXPORT_NEXT, 0);
    expect_next(items, 3, 30, EXPORT_NONE, 0);
    expect_next(items, 0, 0, EXPORT_NONE, 0);
}

static void a_gap_is_where_all_begin_later(void **state)
{
    (void)state;
    const struct export_found items[] = { window(21, 30), window(0, 10), window(11, 20) };
    expect_next(items, 3, 10, EXPORT_GAP, 2);
    expect_next(items, 3, 11, EXPORT_NEXT, 2);
    expect_next(items, 3, 20, EXPORT_GAP, 0);
    expect_next(items, 3, -1, EXPORT_GAP, 1);
}

static void of_those_that_overlap_the_furthest_is_taken(void **state)
{
    (void)state;
    const struct export_found items[] = { window(0, 10), window(5, 30), window(7, 9), window(0, 10), window(29, 31) };
    expect_next(items, 5, 0, EXPORT_NEXT, 0);
    expect_next(items, 5, 10, EXPORT_NEXT, 1);
    expect_next(items, 5, 30, EXPORT_NEXT, 4);
    const struct export_found covered[] = { window(20, 25), window(0, 30) };
    expect_next(covered, 2, 0, EXPORT_NEXT, 1);
    expect_next(covered, 2, 30, EXPORT_NONE, 0);
}

static void full_ones_and_other_tables_do_not_count(void **state)
{
    (void)state;
    struct export_found others = window(0, 50);
    others.is_ours = false;
    const struct export_found items[] = { full(20), others, window(15, 40) };
    expect_next(items, 3, 15, EXPORT_NEXT, 2);
    expect_next(items, 3, 0, EXPORT_GAP, 2);
    expect_next(items, 2, 0, EXPORT_NONE, 0);
}

/* Taking what follows until nothing does passes each instant that a window without a gap before it holds, whatever their order.
 */
static void chains_end_where_their_windows_do(void **state)
{
    (void)state;
    unsigned random = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct export_found items[COUNT_MAX];
        bool is_held[TIMES] = { false };
        int64_t position = 0, end = 0;
        for (size_t i = 0; i < COUNT_MAX; i++) {
            random = random * 1103515245u + 12345u;
            int64_t from = random >> 16 & 7, to = from + 1 + (random >> 20) % (TIMES - 1 - (unsigned)from);
            items[i] = window(from, to);
            for (int64_t at = from; at < to; at++)
                is_held[at] = true;
        }
        while (is_held[end])
            end++;
        size_t index, steps = 0;
        while (exports_next(items, COUNT_MAX, position, &index) == EXPORT_NEXT) {
            assert_true(items[index].from_us <= position && items[index].to_us > position && ++steps <= COUNT_MAX);
            position = items[index].to_us;
        }
        assert_int_equal(position, end);
    }
}

static void a_chain_begins_at_the_last_full_export(void **state)
{
    (void)state;
    int64_t at = 0;
    const struct export_found items[] = { window(15, 40), full(20), full(10), window(5, 15) };
    assert_true(exports_begin(items, 4, &at) && at == 20);
    assert_true(exports_begin(items, 1, &at) && at == 15);
    const struct export_found windows[] = { window(15, 40), window(5, 15), full(MANIFEST_TIME_UNKNOWN) };
    assert_true(exports_begin(windows, 3, &at) && at == 5);
    assert_false(exports_begin(&windows[2], 1, &at));
    assert_false(exports_begin(NULL, 0, &at));
}

/* A place ---------------------------------------------------------------------------------------------------------------- */

static struct exports exports;

static int setup(void **state)
{
    exports_init(&exports);
    return temp_open(state);
}

static int teardown(void **state)
{
    exports_done(&exports);
    return temp_close(state);
}

static void lay_files(const char *folder)
{
    export_write_manifest(folder, "manifest-files", "");
}

static void lay_window(const char *folder, const char *table)
{
    lay_files(folder);
    export_write_summary(
        folder, table, 0,
        ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\",\"exportFromTime\":\"2026-01-01T00:00:00.000Z\","
        "\"exportToTime\":\"2026-01-01T00:15:00.000Z\"");
}

static enum lf_code look(struct err *err)
{
    *err = (struct err)ERR_INIT;
    return exports_look(&exports, temp.path, SPAN("T"), err);
}

static void what_comes_is_added_and_what_was_seen_is_not_read_again(void **state)
{
    (void)state;
    struct err err;
    int64_t begin;
    lay_window("p/AWSDynamoDB/2", "T");
    temp_write_text("p/AWSDynamoDB/data/x.json.gz", "");
    assert_int_equal(look(&err), LF_OK);
    assert_int_equal(exports.count, 1);
    assert_true(timestamp_parse(SPAN("2026-01-01T00:00:00Z"), TIMESTAMP_ISO8601, &begin));
    assert_true(exports.items[0].is_ours && exports.items[0].from_us == begin && exports.items[0].to_us == begin + 900000000);
    temp_write_text("p/AWSDynamoDB/2/manifest-summary.json", "damaged since");
    lay_window("p/AWSDynamoDB/1", "other");
    export_write_summary("AWSDynamoDB/0", "T", 0, ",\"outputFormat\":\"ION\",\"exportTime\":\"2026-01-01T00:00:00.000Z\"");
    lay_files("AWSDynamoDB/0");
    assert_int_equal(look(&err), LF_OK);
    assert_int_equal(exports.count, 3);
    assert_true(span_equal(exports.items[0].name, SPAN("AWSDynamoDB/0")) && exports.items[0].is_full);
    assert_false(exports.items[1].is_ours);
    assert_int_equal(look(&err), LF_OK);
    assert_int_equal(exports.count, 3);
}

static void an_export_is_there_when_both_manifests_are(void **state)
{
    (void)state;
    struct err err;
    temp_write_text("AWSDynamoDB/1/_started", "");
    assert_int_equal(look(&err), LF_OK);
    assert_true(exports.has_unfinished && exports.count == 0);
    lay_files("AWSDynamoDB/1");
    assert_int_equal(look(&err), LF_OK);
    assert_true(exports.has_unfinished && exports.count == 0);
    lay_window("AWSDynamoDB/1", "T");
    assert_int_equal(look(&err), LF_OK);
    assert_true(!exports.has_unfinished && exports.count == 1);
    temp_write_text("AWSDynamoDB/2/manifest-summary.json", "{}");
    assert_int_equal(look(&err), LF_OK);
    assert_true(exports.has_unfinished && exports.count == 1);
    lay_files("AWSDynamoDB/2");
    assert_int_equal(look(&err), LF_SOURCE);
    assert_non_null(strstr(err.message, "AWSDynamoDB/2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_follow_each_other),
        cmocka_unit_test(a_gap_is_where_all_begin_later),
        cmocka_unit_test(of_those_that_overlap_the_furthest_is_taken),
        cmocka_unit_test(full_ones_and_other_tables_do_not_count),
        cmocka_unit_test(chains_end_where_their_windows_do),
        cmocka_unit_test(a_chain_begins_at_the_last_full_export),
        cmocka_unit_test_setup_teardown(what_comes_is_added_and_what_was_seen_is_not_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_export_is_there_when_both_manifests_are, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
