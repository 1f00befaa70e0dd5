#include "export_folder.h"

#include <pthread.h>

#include "source/source.h"

static const char export_id[] = "AWSDynamoDB/01700000000000-0a1b2c3d";
static const char *const export_texts[] = { "{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n", "{\"Item\":{\"pk\":{\"S\":\"b\"}}}" };
static const struct source_options no_options = { 0 };

static struct source open_with(const char *name, const struct source_options *options)
{
    struct err err = ERR_INIT;
    struct source source;
    if (source_open(temp_path(name), options, &source, &err) != LF_OK)
        fail_msg("%s", err.message);
    return source;
}

static void expect_error(const char *name, const struct source_options *options, enum lf_code code, const char *part)
{
    struct err err = ERR_INIT;
    struct source source;
    assert_int_equal(source_open(temp_path(name), options, &source, &err), code);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

/* "file → table" of all files, in order. */
static void expect_files(const struct source *source, const char *want)
{
    struct buf have;
    buf_init(&have, 65536);
    for (size_t i = 0; i < source->file_count; i++)
        buf_printf(&have, "%.*s:%.*s ", SPAN_ARG(source->files[i].name), SPAN_ARG(source->tables[source->files[i].table].name));
    assert_string_equal(buf_cstr(&have), want);
    buf_done(&have);
}

static void expect_layout(const char *name, const struct source_options *options, const char *want)
{
    struct source source = open_with(name, options);
    expect_files(&source, want);
    source_close(&source);
}

static void a_bare_folder_is_a_table(void **state)
{
    (void)state;
    temp_write_table("shop/table.json", "orders", true);
    temp_write_gzip("shop/b.json.gz", SPAN("{}\n"));
    temp_write_text("shop/a.jsonl", "{}\n");
    temp_write_text("shop/c.ddb.json", "{}\n");
    temp_write_text("shop/stats.json", "{\"count\": 1}\n");
    temp_write_text("shop/NOTES.md", "notes\n");
    temp_write_text("shop/.hidden.jsonl", "{}\n");
    struct source source = open_with("shop", &no_options);
    expect_files(&source, "a.jsonl:orders b.json.gz:orders c.ddb.json:orders ");
    assert_int_equal(source.item_count, -1);
    assert_true(span_equal(source.tables[0].key.sort.name, SPAN("sk")));
    assert_int_equal(source.notice.len, 0);
    source_close(&source);
}

static void ion_is_data(void **state)
{
    (void)state;
    temp_write_table("shop/table.json", "orders", true);
    temp_write_text("shop/a.ion", "$ion_1_0 {Item:{}}\n");
    temp_write_gzip("shop/b.ion.gz", SPAN("$ion_1_0 {Item:{}}\n"));
    temp_write_text("shop/c.jsonl", "{}\n");
    struct source source = open_with("shop", &no_options);
    expect_files(&source, "a.ion:orders b.ion.gz:orders c.jsonl:orders ");
    assert_int_equal(source.files[0].format, EXPORT_ION_TEXT);
    assert_int_equal(source.files[1].format, EXPORT_ION_TEXT);
    assert_int_equal(source.files[2].format, EXPORT_DYNAMODB_JSON);
    source_close(&source);
}

static void plain_json_is_data_when_it_begins_like_lines(void **state)
{
    (void)state;
    temp_write_table("table.json", "orders", true);
    temp_write_text("1.json", "\n {\"Item\":{}}\n");
    temp_write_text("2.json", "{\n  \"count\": 1\n}\n");
    temp_write_text("3.json", "[{\"Item\":{}}]\n");
    temp_write_text("4.json", "{ \"pk\":{\"S\":\"a\"}}");
    temp_write_text("5.json", "");
    expect_layout("", &no_options, "1.json:orders 4.json:orders 5.json:orders ");
}

static void a_file_is_a_table(void **state)
{
    (void)state;
    temp_write_text("in/orders.ddb.json", "{}\n");
    expect_error("in/orders.ddb.json", &no_options, LF_SOURCE, "say --key pk:S,sk:S");
    expect_layout("in/orders.ddb.json", &(struct source_options){ .key = "id:N" }, "orders.ddb.json:orders ");
    expect_layout("in/orders.ddb.json", &(struct source_options){ .key = "id:N", .table = "t" }, "orders.ddb.json:t ");
    temp_write_table("in/table.orders.json", "told", false);
    expect_layout("in/orders.ddb.json", &(struct source_options){ .key = "id:N", .table = "t" }, "orders.ddb.json:told ");
}

static void key_option_says_what_table_json_does_not(void **state)
{
    (void)state;
    temp_write_text("orders/a.jsonl", "{}\n");
    expect_error("orders", &no_options, LF_SOURCE, "say --key pk:S,sk:S");
    expect_error("orders", &(struct source_options){ .key = "pk" }, LF_USAGE, "");
    struct source source = open_with("orders", &(struct source_options){ .key = "id:N,at:B" });
    expect_files(&source, "a.jsonl:orders ");
    assert_true(span_equal(source.tables[0].key.partition.name, SPAN("id")));
    assert_int_equal(source.tables[0].key.partition.type, VALUE_N);
    assert_int_equal(source.tables[0].key.sort.type, VALUE_B);
    source_close(&source);
}

static void sub_folders_are_tables(void **state)
{
    (void)state;
    temp_write_table("table.json", "top", true);
    temp_write_text("a.jsonl", "{}\n");
    temp_write_table("keys/table.json", "other", false);
    temp_write_text("keys/a.jsonl", "{}\n");
    temp_write_text("more/a.jsonl", "{}\n");
    temp_write_table("table.third.json", "third-table", false);
    temp_write_text("third/deep/a.jsonl", "{}\n");
    expect_layout("", &no_options, "a.jsonl:top keys/a.jsonl:other more/a.jsonl:top third/deep/a.jsonl:third-table ");
}

static void folders_without_a_key_are_left_out_beside_others(void **state)
{
    (void)state;
    temp_write_table("a/table.json", "a", true);
    temp_write_text("a/a.jsonl", "{}\n");
    temp_write_text("b/b.jsonl", "{}\n");
    temp_write_table("c/table.json", "c", true);
    temp_write_text("rows/x.json", "[\n{}]\n");
    struct source source = open_with("", &no_options);
    expect_files(&source, "a/a.jsonl:a ");
    assert_true(span_find(source.notice, SPAN("/b: left out, it has no table.json\n")) < source.notice.len);
    assert_true(span_find(source.notice, SPAN("/c: left out, it has a table.json but no data\n")) < source.notice.len);
    assert_true(span_find(source.notice, SPAN("rows")) == source.notice.len);
    source_close(&source);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    expect_error("absent", &no_options, LF_NOT_FOUND, "absent");
    expect_error("", &no_options, LF_SOURCE, "has no data");
    temp_write_table("a/table.json", "t", true);
    temp_write_text("a/a.jsonl", "{}\n");
    temp_write_table("b/table.json", "t", true);
    temp_write_text("b/a.jsonl", "{}\n");
    expect_error("", &no_options, LF_SOURCE, "both hold table t");
    temp_write_text("a/table.json", "{");
    expect_error("a", &no_options, LF_SYNTAX, "a/table.json");
    temp_write_text("c/\xff.jsonl", "{}\n");
    expect_error("c", &(struct source_options){ .key = "pk:S" }, LF_SOURCE, "not UTF-8");

    struct err err = ERR_INIT;
    struct source source;
    assert_int_equal(source_open("dynamodb://", &no_options, &source, &err), LF_USAGE);
    assert_non_null(strstr(err.message, "names no table"));
}

static void depth_has_its_limit(void **state)
{
    (void)state;
    char name[256] = "";
    for (unsigned depth = 1; depth <= 16; depth++) {
        strcat(name, "d/");
        if (depth < 15)
            continue;
        strcpy(name + strlen(name), "a.jsonl");
        temp_write_text(name, "{}\n");
        *strrchr(name, 'a') = '\0';
        const struct source_options options = { .key = "pk:S", .table = NULL };
        if (depth == 15)
            expect_layout("", &options, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/a.jsonl:d ");
        else
            expect_error("", &options, LF_LIMIT, "more than 16 folders");
    }
}

static void exports_are_found_wherever_they_lie(void **state)
{
    (void)state;
    char folder[TEMP_PATH_BYTES];
    snprintf(folder, sizeof folder, "bucket/prefix/%s", export_id);
    export_write(folder, "orders", export_texts, 2, 1);
    temp_write_text("bucket/prefix/AWSDynamoDB/data/of-incremental.json.gz", "x");
    expect_error("bucket", &no_options, LF_SOURCE, "say --key");

    temp_write_table("bucket/prefix/table.json", "orders-of-before", true);
    const char *levels[] = { "bucket", "bucket/prefix", "bucket/prefix/AWSDynamoDB", folder };
    for (size_t i = 0; i < 4; i++) {
        struct source source = open_with(levels[i], &no_options);
        assert_int_equal(source.file_count, 2);
        assert_int_equal(source.item_count, 2);
        assert_int_equal(source.files[1].item_count, 1);
        assert_true(span_equal(source.tables[0].name, SPAN("orders")));
        assert_true(span_ends_with(source.files[0].name, SPAN("data/file0.json.gz")));
        source_close(&source);
    }
}

static void two_exports_of_a_table_are_refused(void **state)
{
    (void)state;
    export_write("a/AWSDynamoDB/1", "orders", export_texts, 2, 1);
    export_write("a/AWSDynamoDB/2", "orders", export_texts, 2, 1);
    expect_error("", &(struct source_options){ .key = "pk:S" }, LF_SOURCE, "both hold table orders");
    expect_layout("a/AWSDynamoDB/2", &(struct source_options){ .key = "pk:S" },
                  "data/file0.json.gz:orders data/file1.json.gz:orders ");
}

static void unfinished_or_damaged_exports_are_refused(void **state)
{
    (void)state;
    const struct source_options options = { .key = "pk:S" };
    export_write(export_id, "orders", export_texts, 2, 1);
    temp_write_text("AWSDynamoDB/2/_started", "");
    expect_error("", &options, LF_SOURCE, "the export is not complete");
    assert_int_equal(remove(temp_path("AWSDynamoDB/01700000000000-0a1b2c3d/data/file1.json.gz")), 0);
    expect_error(export_id, &options, LF_NOT_FOUND, "file1.json.gz");
}

/* Window `id` of table orders from one second to another, with an empty data file of its own. */
static void write_window(const char *id, int from, int to)
{
    char folder[64], more[256], file[64], files[160];
    snprintf(folder, sizeof folder, "AWSDynamoDB/%s", id);
    snprintf(more, sizeof more,
             ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\",\"exportFromTime\":\"2026-01-01T00:00:%02dZ\","
             "\"exportToTime\":\"2026-01-01T00:00:%02dZ\"",
             from, to);
    snprintf(file, sizeof file, "AWSDynamoDB/data/%s.ion.gz", id);
    snprintf(files, sizeof files, "{\"itemCount\":0,\"dataFileS3Key\":\"%s\"}\n", file);
    temp_write_gzip(file, SPAN(""));
    export_write_manifest(folder, "manifest-files", files);
    export_write_summary(folder, "orders", 0, more);
}

static void expect_windows(const struct source *source, const char *expected)
{
    char text[256] = "";
    for (size_t i = 0; i < source->window_count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%.*s ", SPAN_ARG(source->windows[i].name));
    }
    assert_string_equal(text, expected);
}

static void windows_follow_the_full_export_in_order(void **state)
{
    (void)state;
    const struct source_options options = { .key = "id:N" };
    export_write(export_id, "orders", export_texts, 2, 1);
    export_write_summary(export_id, "orders", 2,
                         ",\"outputFormat\":\"DYNAMODB_JSON\",\"exportTime\":\"2026-01-01T00:00:10.000Z\"");
    write_window("0-before", 5, 10);
    write_window("1-last", 30, 40);
    write_window("2-first", 8, 20);
    write_window("3-middle", 20, 30);
    struct source source = open_with("", &options);
    assert_int_equal(source.file_count, 2);
    assert_int_equal(source.table_count, 1);
    expect_windows(&source, "AWSDynamoDB/2-first AWSDynamoDB/3-middle AWSDynamoDB/1-last ");
    assert_int_equal(source.windows[0].changes->file_count, 1);
    assert_int_equal(source.windows[0].changes->files[0].format, EXPORT_ION_TEXT);
    assert_true(span_find(source.notice, SPAN("0-before: left out")) < source.notice.len);
    source_close(&source);
}

static void a_gap_between_windows_is_refused(void **state)
{
    (void)state;
    const struct source_options options = { .key = "id:N" };
    write_window("1", 10, 20);
    write_window("2", 21, 30);
    expect_error("", &options, LF_SOURCE, "2 begins at 2026-01-01T00:00:21.000Z");
    expect_error("", &options, LF_SOURCE, "only up to 2026-01-01T00:00:20.000Z");
    write_window("2", 20, 30);
    struct source source = open_with("", &options);
    struct err err = ERR_INIT;
    expect_windows(&source, "AWSDynamoDB/1 AWSDynamoDB/2 ");
    assert_int_equal(source_require_items(&source, &err), LF_SOURCE);
    source_close(&source);

    export_write(export_id, "orders", export_texts, 2, 1);
    export_write_summary(export_id, "orders", 2, ",\"outputFormat\":\"DYNAMODB_JSON\",\"exportTime\":\"2026-01-01T00:00:09Z\"");
    expect_error("", &options, LF_SOURCE, "only up to 2026-01-01T00:00:09.000Z");
}

static void a_changed_data_file_is_noticed_while_reading(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end = false;
    export_write(export_id, "orders", export_texts, 2, 1);
    temp_write_gzip("AWSDynamoDB/01700000000000-0a1b2c3d/data/file0.json.gz", SPAN("{\"Item\":{}}\n"));
    struct source source = open_with("", &(struct source_options){ .key = "pk:S" });
    source_chunk_init(&chunk);
    assert_int_equal(source_next(&source, &chunk, &end, &err), LF_CHECKSUM);
    assert_int_equal(source_next(&source, &chunk, &end, &err), LF_CHECKSUM); /* it does not go away */
    assert_non_null(strstr(err.message, "file0.json.gz: its MD5 is"));
    source_chunk_done(&chunk);
    source_close(&source);
}

/* Reading with several threads ------------------------------------------------------------------------------------------------
 */

enum { THREADS = 4, FILES = 9, LINES = 40000, LINE_BYTES = 500 };

struct reader {
    pthread_t thread;
    struct source *source;
    uint64_t line_sum, lines, chunks;
};

/* Each line begins with its number in the file; what a thread gets must be where the chunk says. */
static void *read_chunks(void *context)
{
    struct reader *reader = context;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end = false;
    source_chunk_init(&chunk);
    while (source_next(reader->source, &chunk, &end, &err) == LF_OK && !end) {
        struct span rest = buf_span(&chunk.data), line;
        uint64_t number = chunk.first_line;
        reader->chunks++;
        while (source_next_line(&rest, &line)) {
            uint64_t written = strtoull(line.ptr, NULL, 10);
            reader->line_sum += written == number ? written : UINT32_MAX;
            reader->lines++;
            number++;
        }
    }
    assert_true(end);
    source_chunk_done(&chunk);
    return NULL;
}

static void expect_read_by_threads(struct source *source, uint64_t files)
{
    struct reader readers[THREADS] = { 0 }, sum = { 0 };
    for (size_t i = 0; i < THREADS; i++) {
        readers[i].source = source;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_chunks, &readers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        sum.lines += readers[i].lines;
        sum.line_sum += readers[i].line_sum;
        sum.chunks += readers[i].chunks;
    }
    assert_int_equal(sum.lines, files * LINES);
    assert_int_equal(sum.line_sum, files * LINES * (uint64_t)(LINES + 1) / 2);
    assert_int_equal(sum.chunks, files * (1 + (uint64_t)LINES * LINE_BYTES / SOURCE_CHUNK_BYTES));
}

static void threads_share_the_files(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, TEMP_DATA_BYTES_MAX);
    for (unsigned i = 1; i <= LINES; i++)
        buf_printf(&text, "%0*u\n", LINE_BYTES - 1, i);
    for (unsigned i = 0; i < FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%u.json.gz", i);
        temp_write_gzip(name, buf_span(&text));
    }
    buf_done(&text);
    struct source source = open_with("", &(struct source_options){ .key = "pk:S" });
    expect_read_by_threads(&source, FILES);
    assert_int_equal(source_bytes_read(&source), source.size_bytes);

    source_rewind(&source);
    assert_int_equal(source_bytes_read(&source), 0);
    for (size_t i = 1; i < FILES; i++)
        source_skip(&source, i);
    expect_read_by_threads(&source, 1);
    assert_int_equal(source_bytes_read(&source), source.size_bytes);
    source_close(&source);
}

static void lines_are_cut_with_and_without_a_last_newline(void **state)
{
    (void)state;
    struct span rest = SPAN("a\n\nb"), line;
    assert_true(source_next_line(&rest, &line) && span_equal(line, SPAN("a")));
    assert_true(source_next_line(&rest, &line) && span_equal(line, SPAN("")));
    assert_true(source_next_line(&rest, &line) && span_equal(line, SPAN("b")));
    assert_false(source_next_line(&rest, &line));
    rest = SPAN("a\n");
    assert_true(source_next_line(&rest, &line) && span_equal(line, SPAN("a")));
    assert_false(source_next_line(&rest, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bare_folder_is_a_table, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(ion_is_data, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(plain_json_is_data_when_it_begins_like_lines, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_file_is_a_table, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(key_option_says_what_table_json_does_not, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(sub_folders_are_tables, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(folders_without_a_key_are_left_out_beside_others, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_named, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(depth_has_its_limit, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(exports_are_found_wherever_they_lie, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(two_exports_of_a_table_are_refused, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(unfinished_or_damaged_exports_are_refused, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(windows_follow_the_full_export_in_order, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_gap_between_windows_is_refused, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_changed_data_file_is_noticed_while_reading, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(threads_share_the_files, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(lines_are_cut_with_and_without_a_last_newline, temp_open, temp_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
