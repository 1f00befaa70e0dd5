/* temp_folder: files made for a test, in a folder that the test removes. */
#pragma once

#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"

enum { TEMP_PATH_BYTES = 512, TEMP_DATA_BYTES_MAX = 256 * 1024 * 1024 };

/* The folder of the tests in one file: temp_open and temp_close are their setup and teardown. */
static struct {
    char path[64];
} temp;

static inline int temp_open(void **state)
{
    (void)state;
    strcpy(temp.path, "/tmp/landfall-test-XXXXXX");
    assert_non_null(mkdtemp(temp.path));
    return 0;
}

static inline int temp_remove_one(const char *path, const struct stat *stat_buffer, int flag, struct FTW *ftw)
{
    (void)stat_buffer, (void)flag, (void)ftw;
    return remove(path);
}

static inline int temp_close(void **state)
{
    (void)state;
    assert_int_equal(nftw(temp.path, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    return 0;
}

/* The path of a file below, in a static buffer per call site's turn: two may be in use at once. */
static inline const char *temp_path(const char *name)
{
    static char paths[2][TEMP_PATH_BYTES];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, TEMP_PATH_BYTES, "%s%s%s", temp.path, name[0] ? "/" : "", name);
    return path;
}

/* Writes a file and the folders above it. */
static inline void temp_write(const char *name, struct span bytes)
{
    char path[2 * TEMP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", temp.path, name);
    for (char *slash = path + strlen(temp.path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static inline void temp_write_text(const char *name, const char *text)
{
    temp_write(name, span_from_cstr(text));
}

/* Appends `bytes` as one gzip member. */
static inline void gzip_put(struct buf *out, struct span bytes, int level)
{
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, bytes.len) + 64;
    assert_true(buf_reserve(out, room));
    stream.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    stream.avail_in = (uInt)bytes.len;
    stream.next_out = (Bytef *)out->data + out->len;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->len += room - stream.avail_out;
    deflateEnd(&stream);
}

static inline void temp_write_gzip(const char *name, struct span bytes)
{
    struct buf member;
    buf_init(&member, TEMP_DATA_BYTES_MAX);
    gzip_put(&member, bytes, 1);
    temp_write(name, buf_span(&member));
    buf_done(&member);
}

/* A DescribeTable answer with key pk (S), and sk (S) when `has_sort`. */
static inline void temp_write_table(const char *file, const char *table, bool has_sort)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "{\"Table\": {\"TableName\": \"%s\", \"AttributeDefinitions\": [{\"AttributeName\": \"pk\", \"AttributeType\": \"S\"},"
        "{\"AttributeName\": \"sk\", \"AttributeType\": \"S\"}], \"KeySchema\": [{\"AttributeName\": \"pk\", \"KeyType\": "
        "\"HASH\"}%s]}}",
        table, has_sort ? ", {\"AttributeName\": \"sk\", \"KeyType\": \"RANGE\"}" : "");
    temp_write_text(file, text);
}
