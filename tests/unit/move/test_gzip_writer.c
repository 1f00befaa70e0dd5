/* What is deflated inflates to the same, by zlib, whatever the sizes of input and output windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/buf.h"
#include "move/gzip_writer.h"

enum { TEXT_BYTES = 300 * 1000, STREAM_BYTES = 2 * TEXT_BYTES };

static char text[TEXT_BYTES];
static char stream[STREAM_BYTES];

static size_t take(struct gzip_writer *writer, struct span in, bool is_last, size_t window, size_t at)
{
    for (bool done = false; !done;) {
        size_t written = 0;
        assert_true(window <= sizeof stream - at);
        done = gzip_writer_step(writer, &in, is_last, stream + at, window, &written);
        assert_true(written <= window);
        at += written;
    }
    assert_int_equal(in.len, 0);
    return at;
}

static size_t deflate_pieces(size_t len, size_t piece, size_t window)
{
    struct gzip_writer *writer = gzip_writer_new();
    size_t at = 0;
    assert_non_null(writer);
    for (size_t from = 0; from < len; from += piece)
        at = take(writer, span_of(text + from, len - from < piece ? len - from : piece), false, window, at);
    at = take(writer, SPAN(""), true, window, at);
    gzip_writer_free(writer);
    return at;
}

static void expect_inflated(size_t stream_len, size_t len)
{
    static char out[TEXT_BYTES + 1];
    z_stream z = { .next_in = (Bytef *)stream, .avail_in = (uInt)stream_len, .next_out = (Bytef *)out, .avail_out = sizeof out };
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.total_out, len);
    assert_memory_equal(out, text, len);
    inflateEnd(&z);
}

static void fill_text(bool random)
{
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = random ? (char)rand() : "{\"Item\":{}}\n"[i % 12];
}

static void test_empty(void **state)
{
    (void)state;
    expect_inflated(deflate_pieces(0, 1, 4096), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 60; round++) {
        size_t len = (size_t)rand() % TEXT_BYTES, piece = 1 + (size_t)rand() % (round % 2 ? 1000 : TEXT_BYTES);
        fill_text(round % 3 == 0);
        expect_inflated(deflate_pieces(len, piece, 512 + (size_t)rand() % 5000), len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
