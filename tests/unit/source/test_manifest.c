#include "export_folder.h"

#include "source/manifest.h"

static const char folder[] = "p/AWSDynamoDB/0170-ab";
static struct arena arena;

static int setup(void **state)
{
    static const char *const texts[] = { "{\"Item\":{}}\n", "{\"Item\":{}}" };
    arena_init(&arena, 16 * 1024 * 1024);
    (void)temp_open(state);
    export_write(folder, "orders", texts, 2, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)temp_close(state);
    arena_done(&arena);
    return 0;
}

static enum lf_code read_it(struct manifest *manifest, struct err *err)
{
    *err = (struct err)ERR_INIT;
    return manifest_read(local_tree(), span_from_cstr(temp_path(folder)), &arena, manifest, err);
}

static void expect_error(enum lf_code code, const char *part)
{
    struct err err;
    struct manifest manifest;
    assert_int_equal(read_it(&manifest, &err), code);
    if (!strstr(err.message, part) || !strstr(err.message, temp.path))
        fail_msg("\"%s\" does not say \"%s\" and where", err.message, part);
}

static void write_files(const char *text)
{
    export_write_manifest(folder, "manifest-files", text);
}

static void reads_a_full_export(void **state)
{
    (void)state;
    struct err err;
    struct manifest manifest;
    assert_int_equal(read_it(&manifest, &err), LF_OK);
    assert_true(span_equal(manifest.table, SPAN("orders")));
    assert_int_equal(manifest.item_count, 2);
    assert_int_equal(manifest.file_count, 2);
    assert_true(span_equal(manifest.files[1].path, SPAN("data/file1.json.gz")));
    assert_int_equal(manifest.files[1].item_count, 1);
    assert_int_equal(manifest.files[1].md5.len, MD5_BASE64_BYTES);
}

static void reads_an_incremental_export(void **state)
{
    (void)state;
    struct err err;
    struct manifest manifest;
    export_write_summary(folder, "orders", 1,
                         ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\",\"exportFromTime\":"
                         "\"2000-01-01T00:00:00Z\",\"exportToTime\":\"2000-01-01T00:00:01.5Z\"");
    write_files("{\"itemCount\":1,\"dataFileS3Key\":\"p/AWSDynamoDB/data/x.ion.gz\"}\n");
    expect_error(LF_SOURCE, "exportToTime");
    export_write_summary(folder, "orders", 1,
                         ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\",\"exportFromTime\":"
                         "\"2000-01-01T00:00:00Z\",\"exportToTime\":\"2000-01-01T00:00:01.500Z\"");
    assert_int_equal(read_it(&manifest, &err), LF_OK);
    assert_true(manifest.is_incremental);
    assert_int_equal(manifest.from_us, 0);
    assert_int_equal(manifest.to_us, 1500000);
    assert_true(span_equal(manifest.files[0].path, SPAN("data/x.ion.gz")));
    export_write_summary(folder, "orders", 1,
                         ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\",\"exportFromTime\":"
                         "\"2000-01-01T00:00:01Z\",\"exportToTime\":\"2000-01-01T00:00:01Z\"");
    expect_error(LF_SOURCE, "is not before");
    export_write_summary(folder, "orders", 1, ",\"outputFormat\":\"ION\",\"exportType\":\"INCREMENTAL_EXPORT\"");
    expect_error(LF_SOURCE, "exportFromTime");
}

static void needs_no_md5_files(void **state)
{
    (void)state;
    struct err err;
    struct manifest manifest;
    assert_int_equal(remove(temp_path("p/AWSDynamoDB/0170-ab/manifest-summary.md5")), 0);
    assert_int_equal(remove(temp_path("p/AWSDynamoDB/0170-ab/manifest-files.md5")), 0);
    assert_int_equal(read_it(&manifest, &err), LF_OK);
}

static void a_changed_manifest_is_noticed(void **state)
{
    (void)state;
    temp_write_text("p/AWSDynamoDB/0170-ab/manifest-files.md5", "AAAAAAAAAAAAAAAAAAAAAA==\n");
    expect_error(LF_CHECKSUM, "manifest-files.json: its MD5 is");
    temp_write_text("p/AWSDynamoDB/0170-ab/manifest-summary.md5", "");
    expect_error(LF_CHECKSUM, "manifest-summary.json: its MD5 is");
}

static void counts_must_add_up(void **state)
{
    (void)state;
    export_write_summary(folder, "orders", 3, EXPORT_JSON);
    expect_error(LF_CHECKSUM, "lists 2 items, manifest-summary.json says 3");
}

static void other_exports_are_refused_by_name(void **state)
{
    (void)state;
    export_write_summary(folder, "orders", 2, ",\"outputFormat\":\"CSV\"");
    expect_error(LF_SOURCE, "outputFormat");
    export_write_summary(folder, "", 2, EXPORT_JSON);
    expect_error(LF_SOURCE, "tableArn");
    export_write_summary(folder, "orders", 2, ",\"outputFormat\":\"DYNAMODB_JSON\",\"exportType\":\"FULL_EXPORT\"");
    struct err err;
    struct manifest manifest;
    assert_int_equal(read_it(&manifest, &err), LF_OK);
}

static void paths_stay_in_the_export(void **state)
{
    (void)state;
    static const char *const keys[] = { "AWSDynamoDB/1/../../etc/passwd",
                                        "AWSDynamoDB/1//etc/passwd",
                                        "AWSDynamoDB/1/",
                                        "AWSDynamoDB/1",
                                        "data/x.json.gz",
                                        "",
                                        "AWSDynamoDB/1/..",
                                        "AWSDynamoDB/1/a\\u0000b" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char line[256];
        snprintf(line, sizeof line, "{\"itemCount\":2,\"dataFileS3Key\":\"%s\"}\n", keys[i]);
        write_files(line);
        expect_error(LF_SOURCE, "reading line 1");
    }
    write_files("{\"itemCount\":2,\"dataFileS3Key\":\"AWSDynamoDB/x/AWSDynamoDB/1/data/..x.gz\"}");
    struct err err;
    struct manifest manifest;
    assert_int_equal(read_it(&manifest, &err), LF_OK);
    assert_true(span_equal(manifest.files[0].path, SPAN("data/..x.gz")));
    assert_int_equal(manifest.files[0].md5.len, 0);
}

static void bad_lines_are_named(void **state)
{
    (void)state;
    write_files("{\"itemCount\":2,\"dataFileS3Key\":\"AWSDynamoDB/1/x\"}\n\n{\"itemCount\":\"2\"}\n");
    expect_error(LF_SOURCE, "itemCount is not a count while reading line 3");
    write_files("{\"itemCount\":-2}\n");
    expect_error(LF_SOURCE, "line 1");
    write_files("{\"itemCount\":99999999999999999999}\n");
    expect_error(LF_SOURCE, "line 1");
    write_files("{\"itemCount\":1}{}\n");
    expect_error(LF_SYNTAX, "line 1");
    assert_int_equal(remove(temp_path("p/AWSDynamoDB/0170-ab/manifest-files.json")), 0);
    expect_error(LF_NOT_FOUND, "manifest-files.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_full_export, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_an_incremental_export, setup, teardown),
        cmocka_unit_test_setup_teardown(needs_no_md5_files, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_manifest_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_must_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(other_exports_are_refused_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_stay_in_the_export, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_lines_are_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
