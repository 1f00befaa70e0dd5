/* Rows on the disk: what was kept is there again, as it was, and nothing else is taken for it. */
#include "../base/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/kept.h"
#include "pg/rows.h"

enum { PATH_BYTES = 128, COLUMNS = 2, ROWS = 3 };

static char folder[PATH_BYTES], path[2 * PATH_BYTES], journal_path[2 * PATH_BYTES];
static struct journal *journal;

static void open_journal(void)
{
    struct err err = ERR_INIT;
    const struct journal_options options = { .folder = folder, .bytes_max = JOURNAL_BYTES_MAX };
    assert_ok(err, journal_open(&options, &journal, &err));
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/landfall-kept-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/gateway.tables", folder);
    (void)snprintf(journal_path, sizeof journal_path, "%s/gateway.journal", folder);
    open_journal();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    journal_close(journal);
    (void)unlink(path);
    return unlink(journal_path) || rmdir(folder);
}

/* A text, one that is NULL, one that is empty, and bytes of all kinds. */
static void put_rows(struct buf *bytes)
{
    buf_init(bytes, 1 << 20);
    pg_put_int32(bytes, COLUMNS);
    pg_put_int32(bytes, ROWS);
    pg_put_element(bytes, SPAN("things"));
    pg_put_int32(bytes, -1);
    pg_put_element(bytes, SPAN(""));
    pg_put_element(bytes, SPAN("a\0b\xFF"));
    pg_put_element(bytes, SPAN("last"));
    pg_put_element(bytes, SPAN("7"));
}

static struct pg_result *make_rows(void)
{
    struct err err = ERR_INIT;
    struct pg_result *rows = NULL;
    BUF_CLEANUP struct buf bytes;
    put_rows(&bytes);
    assert_ok(err, pg_rows_get(buf_span(&bytes), &rows, &err));
    return rows;
}

static void check_rows(const struct pg_result *rows)
{
    BUF_CLEANUP struct buf expected, bytes;
    put_rows(&expected);
    buf_init(&bytes, 1 << 20);
    pg_rows_put(rows, &bytes);
    assert_span(buf_span(&bytes), buf_span(&expected));
}

static void keep(int64_t note)
{
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *rows = make_rows();
    assert_ok(err, kept_write(journal, "tables", note, rows, &err));
}

static enum lf_code read_kept(int64_t *ret_note)
{
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = kept_read(journal, "tables", ret_note, &rows, &err);
    if (!code)
        check_rows(rows);
    return code;
}

static void test_rows(void **state)
{
    (void)state;
    PG_RESULT_CLEANUP struct pg_result *rows = make_rows();
    assert_int_equal(pg_result_rows(rows), ROWS);
    assert_string_equal(pg_result_text(rows, 0, 0), "things");
    assert_null(pg_result_get(rows, 0, 1).data);
    assert_int_equal(pg_result_get(rows, 1, 0).len, 0);
    assert_non_null(pg_result_get(rows, 1, 0).data);
    assert_int_equal(pg_result_int64(rows, 2, 1), 7);
    check_rows(rows);
}

static void test_rows_cut_short(void **state)
{
    (void)state;
    struct err err;
    struct pg_result *rows = NULL;
    BUF_CLEANUP struct buf bytes;
    put_rows(&bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_code(err, LF_ROW, pg_rows_get(span_of(bytes.data, len), &rows, &err));
    buf_put_byte(&bytes, 'x');
    assert_code(err, LF_ROW, pg_rows_get(buf_span(&bytes), &rows, &err));
}

static enum lf_code get_columns(int32_t columns)
{
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    BUF_CLEANUP struct buf bytes;
    buf_init(&bytes, 1 << 10);
    pg_put_int32(&bytes, columns);
    pg_put_int32(&bytes, 0);
    return pg_rows_get(buf_span(&bytes), &rows, &err);
}

static void test_columns(void **state)
{
    (void)state;
    assert_int_equal(get_columns(-1), LF_ROW);
    assert_int_equal(get_columns(0), LF_ROW);
    assert_int_equal(get_columns(1), LF_OK);
    assert_int_equal(get_columns(PG_ROWS_COLUMNS_MAX), LF_OK);
    assert_int_equal(get_columns(PG_ROWS_COLUMNS_MAX + 1), LF_ROW);
}

static void test_kept(void **state)
{
    (void)state;
    int64_t note = 0;
    struct stat status;
    assert_int_equal(read_kept(&note), LF_NOT_FOUND);
    keep(1);
    keep(2);
    assert_int_equal(read_kept(&note), LF_OK);
    assert_int_equal(note, 2);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & (S_IRWXG | S_IRWXO), 0);
    journal_close(journal);
    open_journal();
    assert_int_equal(read_kept(&note), LF_OK);
}

static void test_forgotten(void **state)
{
    (void)state;
    int64_t note;
    struct err err = ERR_INIT;
    keep(1);
    assert_ok(err, kept_forget(journal, "tables", &err));
    assert_int_equal(read_kept(&note), LF_NOT_FOUND);
    assert_ok(err, kept_forget(journal, "tables", &err));
}

static void test_another_journal(void **state)
{
    (void)state;
    int64_t note;
    keep(1);
    journal_close(journal);
    assert_int_equal(unlink(journal_path), 0);
    open_journal();
    assert_int_equal(read_kept(&note), LF_SOURCE);
}

static void flip(long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void test_damaged(void **state)
{
    (void)state;
    int64_t note;
    struct stat status;
    keep(1);
    assert_int_equal(stat(path, &status), 0);
    for (long at = 0; at < status.st_size; at++) {
        flip(at);
        assert_int_equal(read_kept(&note), LF_SOURCE);
        flip(at);
    }
    assert_int_equal(read_kept(&note), LF_OK);
    for (off_t size = status.st_size; size-- > 0;) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(read_kept(&note), LF_SOURCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_cut_short),
        cmocka_unit_test(test_columns),
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
