#include "temp_folder.h"

#include <time.h>

#include "base/limits.h"
#include "source/chunk.h"

static _Atomic int64_t bytes_read;
static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

static void put_line(struct buf *text, size_t len, bool newline)
{
    assert_true(buf_reserve(text, len + 1));
    memset(text->data + text->len, 'x', len);
    text->len += len;
    if (newline)
        buf_put_byte(text, '\n');
}

static struct source_file file_of(const char *path)
{
    return (struct source_file){ .path = span_from_cstr(path), .name = SPAN("n"), .item_count = -1 };
}

/* The cut that the header promises, found the simple way. */
static size_t expected_cut(struct span rest)
{
    for (size_t i = SOURCE_CHUNK_BYTES - 1; i < rest.len; i++)
        if (rest.ptr[i] == '\n')
            return i + 1;
    return rest.len;
}

static uint64_t count_newlines(struct span text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static void expect_chunks(const char *path, struct span text)
{
    struct source_file file = file_of(path);
    struct chunk_reader reader;
    struct source_chunk chunk;
    struct err err = ERR_INIT;
    size_t at = 0;
    chunk_reader_init(&reader, local_tree(), &file);
    source_chunk_init(&chunk);
    for (uint64_t number = 0;; number++) {
        if (chunk_reader_next(&reader, &bytes_read, &chunk, &err) != LF_OK)
            fail_msg("%s", err.message);
        size_t len = expected_cut(span_from(text, at));
        assert_int_equal(chunk.number, number);
        assert_int_equal(chunk.offset, at);
        assert_int_equal(chunk.first_line, 1 + count_newlines(span_of(text.ptr, at)));
        assert_int_equal(chunk.data.len, len);
        assert_true(len == 0 || memcmp(chunk.data.data, text.ptr + at, len) == 0);
        at += len;
        assert_int_equal(chunk.is_last, at == text.len);
        if (chunk.is_last)
            break;
    }
    source_chunk_done(&chunk);
    chunk_reader_done(&reader);
}

static void expect_chunks_both_ways(struct span text)
{
    temp_write("t.json", text);
    expect_chunks(temp_path("t.json"), text);
    temp_write_gzip("t.json.gz", text);
    expect_chunks(temp_path("t.json.gz"), text);
}

static void chunks_are_cut_at_the_same_places(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, TEMP_DATA_BYTES_MAX);
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    while (text.len < 2 * SOURCE_CHUNK_BYTES + SOURCE_CHUNK_BYTES / 2)
        put_line(&text, next_random() % 8 ? next_random() % 2000 : next_random() % (300 * 1024), true);
    expect_chunks_both_ways(buf_span(&text));
    put_line(&text, 100, false);
    expect_chunks_both_ways(buf_span(&text));
    buf_done(&text);
}

/* Lines of which the last ends at a chunk's border, one byte before, and one byte behind. */
static void a_line_may_end_at_the_border(void **state)
{
    (void)state;
    for (size_t off = 0; off < 3; off++) {
        struct buf text;
        buf_init(&text, TEMP_DATA_BYTES_MAX);
        for (unsigned i = 0; i < 7; i++)
            put_line(&text, 1024 * 1024 - 1, true);
        put_line(&text, 1024 * 1024 - 2 + off, true);
        expect_chunks_both_ways(buf_span(&text));
        put_line(&text, 5, false);
        expect_chunks_both_ways(buf_span(&text));
        buf_done(&text);
    }
}

static void small_files_are_one_chunk(void **state)
{
    (void)state;
    expect_chunks_both_ways(SPAN(""));
    expect_chunks_both_ways(SPAN("\n"));
    expect_chunks_both_ways(SPAN("a"));
    expect_chunks_both_ways(SPAN("a\n\nb"));
}

static enum lf_code read_with(struct source_file file, struct err *err)
{
    struct chunk_reader reader;
    struct source_chunk chunk;
    chunk_reader_init(&reader, local_tree(), &file);
    source_chunk_init(&chunk);
    enum lf_code code;
    do
        code = chunk_reader_next(&reader, &bytes_read, &chunk, err);
    while (code == LF_OK && !chunk.is_last);
    source_chunk_done(&chunk);
    chunk_reader_done(&reader);
    return code;
}

static void a_line_has_its_limit(void **state)
{
    (void)state;
    for (int more = -1; more <= 1; more++) {
        for (int newline = 0; newline <= 1; newline++) {
            struct err err = ERR_INIT;
            struct buf text;
            buf_init(&text, TEMP_DATA_BYTES_MAX);
            put_line(&text, 10, true);
            put_line(&text, (size_t)(LIMIT_LINE_BYTES + more), newline);
            temp_write("long.json", buf_span(&text));
            enum lf_code code = read_with(file_of(temp_path("long.json")), &err);
            assert_int_equal(code, more > 0 ? LF_LIMIT : LF_OK);
            if (more > 0)
                assert_non_null(strstr(err.message, "long.json:2:"));
            buf_done(&text);
        }
    }
}

static void a_file_is_checked_before_its_last_chunk(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    temp_write_text("f.json", "a\n\n \nb");
    struct source_file file = file_of(temp_path("f.json"));
    file.item_count = 2;
    file.md5 = SPAN("gJcHIa1r7eYet/q6XVyXIQ=="); /* printf 'a\n\n \nb' | openssl md5 -binary | base64 */
    if (read_with(file, &err) != LF_OK)
        fail_msg("%s", err.message);

    file.item_count = 3;
    assert_int_equal(read_with(file, &err), LF_CHECKSUM);
    assert_non_null(strstr(err.message, "f.json: has 2 items, the manifest says 3"));

    file.item_count = 2;
    file.md5 = SPAN("AAAAAAAAAAAAAAAAAAAAAA==");
    assert_int_equal(read_with(file, &err), LF_CHECKSUM);
    assert_non_null(strstr(err.message, "the manifest says AAAA"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_are_cut_at_the_same_places, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_line_may_end_at_the_border, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(small_files_are_one_chunk, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_line_has_its_limit, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_file_is_checked_before_its_last_chunk, temp_open, temp_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
