/* A data file: what it holds, what its entry says, and that a file that was not finished is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "move/export_file.h"

static char folder[] = "/tmp/landfall-export-file-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

/* Fails when the folder is not empty: each test removes what it made. */
static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct export_file *new_file(void)
{
    struct err err = ERR_INIT;
    struct export_file *file = NULL;
    assert_int_equal(export_file_new(span_from_cstr(folder), &file, &err), LF_OK);
    return file;
}

static void put(struct export_file *file, struct span text)
{
    struct err err = ERR_INIT;
    struct attribute attribute = { .name = SPAN("pk"), .value = value_string(text) };
    struct item item = { &attribute, 1 };
    assert_int_equal(export_file_put(file, &item, &err), LF_OK);
}

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Reads the file as stored and inflated, checks both against the entry, and removes it. */
static void expect_content(const struct export_entry *entry, const char *expected)
{
    static char stored[64 * 1024], out[64 * 1024];
    char md5[MD5_BASE64_BYTES + 1];
    struct err err = ERR_INIT;
    FILE *file = fopen(path_of(entry->name), "rb");
    assert_non_null(file);
    size_t len = fread(stored, 1, sizeof stored, file);
    fclose(file);
    assert_int_equal(len, entry->bytes);
    assert_int_equal(md5_of(span_of(stored, len), md5, &err), LF_OK);
    assert_string_equal(md5, entry->md5);

    gzFile gz = gzopen(path_of(entry->name), "rb");
    int read = gzread(gz, out, sizeof out - 1);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_true(read >= 0);
    out[read] = '\0';
    assert_string_equal(out, expected);
    assert_int_equal(unlink(path_of(entry->name)), 0);
}

static void test_lines(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_entry entry;
    struct export_file *file = new_file();
    put(file, SPAN("a"));
    put(file, SPAN("b\"\n"));
    assert_int_equal(export_file_finish(file, &entry, &err), LF_OK);
    export_file_free(file);
    assert_int_equal(entry.items, 2);
    assert_int_equal(strlen(entry.name), 26 + strlen(".json.gz"));
    assert_int_equal(strspn(entry.name, "abcdefghijklmnopqrstuvwxyz234567"), 26);
    expect_content(&entry, "{\"Item\":{\"pk\":{\"S\":\"a\"}}}\n{\"Item\":{\"pk\":{\"S\":\"b\\\"\\u000a\"}}}\n");
}

static void test_empty(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_entry entry;
    struct export_file *file = new_file();
    assert_int_equal(export_file_finish(file, &entry, &err), LF_OK);
    export_file_free(file);
    assert_int_equal(entry.items, 0);
    expect_content(&entry, "");
}

/* The folder's removal in teardown shows that nothing is left. */
static void test_abandoned(void **state)
{
    (void)state;
    struct export_file *file = new_file();
    put(file, SPAN("a"));
    export_file_free(file);
    export_file_free(NULL);
}

static void test_folder_that_is_not_there(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_file *file = NULL;
    assert_int_equal(export_file_new(SPAN("/nowhere/at/all"), &file, &err), LF_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(file);
}

/* Writes lines until `left` bytes are missing to EXPORT_FILE_BYTES, and asks whether the file is full. */
static bool is_full_but_for(size_t left)
{
    enum { AROUND = sizeof "{\"Item\":{\"pk\":{\"S\":\"\"}}}\n" - 1, STEP = 64 * 1024, LINES = EXPORT_FILE_BYTES / STEP };
    static char text[STEP];
    memset(text, 'x', sizeof text);
    struct export_file *file = new_file();
    for (int i = 0; i < LINES - 1; i++)
        put(file, span_of(text, STEP - AROUND));
    assert_false(export_file_is_full(file));
    put(file, span_of(text, STEP - AROUND - left));
    bool full = export_file_is_full(file);
    export_file_free(file);
    return full;
}

static void test_full(void **state)
{
    (void)state;
    assert_false(is_full_but_for(1));
    assert_true(is_full_but_for(0));
}

static void test_write_whole(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char content[16] = "";
    assert_int_equal(export_write_whole(path_of("manifest.json"), SPAN("text"), &err), LF_OK);
    FILE *file = fopen(path_of("manifest.json"), "rb");
    assert_non_null(file);
    assert_int_equal(fread(content, 1, sizeof content, file), 4);
    fclose(file);
    assert_string_equal(content, "text");
    assert_int_equal(unlink(path_of("manifest.json")), 0);
    assert_int_equal(export_write_whole("/nowhere/at/all", SPAN("text"), &err), LF_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_abandoned), cmocka_unit_test(test_folder_that_is_not_there),
        cmocka_unit_test(test_full),      cmocka_unit_test(test_write_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
