#include "temp_folder.h"

#include "source/stored_file.h"

/* Reads all in steps of `step` bytes. */
static enum lf_code read_all(const char *name, size_t step, struct buf *out, char *md5, struct err *err)
{
    _Atomic int64_t bytes_read = 0;
    struct stored_file *file;
    char path[TEMP_PATH_BYTES], room[4096];
    strcpy(path, temp_path(name));
    enum lf_code code = stored_file_open(local_tree(), span_from_cstr(path), &bytes_read, &file, err);
    if (code != LF_OK)
        return code;
    for (size_t len = 1; code == LF_OK && len > 0;) {
        code = stored_file_read(file, room, step, &len, err);
        if (code == LF_OK)
            buf_put(out, room, len);
    }
    if (code == LF_OK && md5)
        stored_file_md5(file, md5);
    stored_file_close(file);
    return code;
}

static void expect_text(const char *name, size_t step, struct span want)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, TEMP_DATA_BYTES_MAX);
    assert_int_equal(read_all(name, step, &out, NULL, &err), LF_OK);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data ? out.data : "", want.len ? want.ptr : "", want.len);
    buf_done(&out);
}

static void expect_error(const char *name, enum lf_code want, const char *text)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, TEMP_DATA_BYTES_MAX);
    assert_int_equal(read_all(name, 4096, &out, NULL, &err), want);
    assert_non_null(strstr(err.message, name));
    assert_non_null(strstr(err.message, text));
    buf_done(&out);
}

static void put_pseudo_text(struct buf *buf, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        buf_put_byte(buf, (char)('a' + (seed >> 24) % 8));
    }
}

static void plain_files_come_as_they_are(void **state)
{
    (void)state;
    char md5[MD5_BASE64_BYTES + 1];
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, TEMP_DATA_BYTES_MAX);
    temp_write_text("a.json", "hello\n");
    assert_int_equal(read_all("a.json", 4, &out, md5, &err), LF_OK);
    assert_int_equal(out.len, 6);
    assert_string_equal(md5, "sZRqySSS0jR8YjW00mERhA=="); /* printf 'hello\n' | openssl md5 -binary | base64 */
    buf_done(&out);
}

static void members_follow_each_other(void **state)
{
    (void)state;
    struct buf text, file;
    buf_init(&text, TEMP_DATA_BYTES_MAX);
    buf_init(&file, TEMP_DATA_BYTES_MAX);
    for (unsigned member = 0; member < 7; member++) {
        size_t start = text.len;
        put_pseudo_text(&text, member == 3 ? 0 : 100000 * member + member, member);
        gzip_put(&file, span_from(buf_span(&text), start), (int)member);
    }
    temp_write("many.gz", buf_span(&file));
    expect_text("many.gz", 4096, buf_span(&text));
    expect_text("many.gz", 1, buf_span(&text));
    buf_done(&text);
    buf_done(&file);
}

static void an_empty_member_is_an_empty_file(void **state)
{
    (void)state;
    temp_write_gzip("empty.gz", SPAN(""));
    expect_text("empty.gz", 4096, SPAN(""));
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct buf text, file;
    buf_init(&text, TEMP_DATA_BYTES_MAX);
    buf_init(&file, TEMP_DATA_BYTES_MAX);
    put_pseudo_text(&text, 3000, 1);
    gzip_put(&file, buf_span(&text), 9);
    for (size_t len = 0; len < file.len; len++) {
        char offset[32];
        snprintf(offset, sizeof offset, "byte %zu", len);
        temp_write("cut.gz", span_of(file.data, len));
        expect_error("cut.gz", LF_TRUNCATED, offset);
    }
    buf_done(&text);
    buf_done(&file);
}

static void every_flipped_byte_of_the_data_is_noticed(void **state)
{
    (void)state;
    enum { HEADER_BYTES = 10 }; /* its time and system fields mean nothing */
    struct buf text, file, out;
    buf_init(&text, TEMP_DATA_BYTES_MAX);
    buf_init(&file, TEMP_DATA_BYTES_MAX);
    buf_init(&out, TEMP_DATA_BYTES_MAX);
    put_pseudo_text(&text, 500, 2);
    gzip_put(&file, buf_span(&text), 9);
    for (size_t at = HEADER_BYTES; at < file.len; at++) {
        struct err err = ERR_INIT;
        file.data[at] ^= 0x10;
        temp_write("flip.gz", buf_span(&file));
        file.data[at] ^= 0x10;
        buf_reset(&out);
        enum lf_code code = read_all("flip.gz", 4096, &out, NULL, &err);
        assert_true(code == LF_SOURCE || code == LF_TRUNCATED);
    }
    buf_done(&text);
    buf_done(&file);
    buf_done(&out);
}

static void bytes_behind_the_last_member_are_refused(void **state)
{
    (void)state;
    struct buf file;
    buf_init(&file, TEMP_DATA_BYTES_MAX);
    gzip_put(&file, SPAN("text"), 6);
    size_t member = file.len;
    char offset[32];
    snprintf(offset, sizeof offset, "at byte %zu", member);
    static const struct span tails[] = { { "\0", 1 }, { "garbage", 7 }, { "\x1f\x8c", 2 }, { "\x1f", 1 } };
    for (size_t i = 0; i < 4; i++) {
        file.len = member;
        buf_put_span(&file, tails[i]);
        temp_write("tail.gz", buf_span(&file));
        expect_error("tail.gz", i == 3 ? LF_TRUNCATED : LF_SOURCE, i == 3 ? "in the middle" : offset);
    }
    buf_done(&file);
}

static void what_is_not_gzip_is_refused(void **state)
{
    (void)state;
    temp_write_text("plain.json.gz", "{\"Item\":{}}\n");
    expect_error("plain.json.gz", LF_SOURCE, "is not a gzip file");
    expect_error("absent.json.gz", LF_NOT_FOUND, "No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_files_come_as_they_are, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(members_follow_each_other, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(an_empty_member_is_an_empty_file, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(every_cut_is_noticed, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(every_flipped_byte_of_the_data_is_noticed, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(bytes_behind_the_last_member_are_refused, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(what_is_not_gzip_is_refused, temp_open, temp_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
