/*
 * A data file, of lines or of binary Ion, cut into chunks: however small they are and however few bytes are read at a time, the
 * same records come out, or the same failure; and what a reject would keep of a record can be read alone. The first two bytes of
 * the input say how small.
 */
#include "fuzz.h"

#include <string.h>

#include "item/ddbjson.h"
#include "source/chunk.h"
#include "source/records.h"

enum { LARGE_BYTES = 1 << 20 };

/* A tree of one file, which is the input. */
struct tree_file {
    struct span rest;
};

struct memory_tree {
    struct tree tree;
    struct span content;
};

static enum lf_code open_memory(struct tree *tree, struct span path, struct tree_file **ret_file, struct err *err)
{
    struct tree_file *file = malloc(sizeof *file);
    (void)path;
    if (!file)
        return ERR(err, LF_MEMORY, "out of memory");
    file->rest = ((struct memory_tree *)tree)->content;
    *ret_file = file;
    return LF_OK;
}

static enum lf_code read_memory(struct tree_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    (void)err;
    *ret_len = file->rest.len < capacity ? file->rest.len : capacity;
    if (*ret_len)
        memcpy(room, file->rest.ptr, *ret_len);
    file->rest = span_from(file->rest, *ret_len);
    return LF_OK;
}

static void close_memory(struct tree_file *file)
{
    free(file);
}

static const struct tree_functions memory_functions = { .open = open_memory, .read = read_memory, .close = close_memory };

/* The record as JSON, or the code of what is wrong with it. */
static void put_record(struct buf *out, const struct source_records *records, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct item item;
    enum lf_code code = source_records_item(records, arena, &item, &err);
    if (code == LF_OK)
        ddbjson_put_item(out, &item);
    else
        buf_printf(out, "%s", lf_code_info(code)->name);
}

static void check_alone(const struct source_records *records, struct span wanted, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct span bytes;
    struct source_records alone;
    struct source_chunk chunk;
    struct buf out;
    bool end;
    CHECK(source_records_verbatim(records, arena, &bytes, &err) == LF_OK);
    source_chunk_init(&chunk);
    buf_init(&out, FUZZ_MEMORY_BYTES);
    chunk.format = records->format;
    buf_put_span(&chunk.data, bytes);
    source_records_init(&alone, &chunk);
    CHECK(source_records_next(&alone, &end, &err) == LF_OK && !end);
    put_record(&out, &alone, arena);
    CHECK(span_equal(buf_span(&out), wanted));
    source_records_done(&alone);
    buf_done(&out);
    source_chunk_done(&chunk);
}

static void put_chunk(struct buf *out, const struct source_chunk *chunk, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct source_records records;
    source_records_init(&records, chunk);
    for (bool end = false;;) {
        CHECK(source_records_next(&records, &end, &err) == LF_OK);
        if (end)
            break;
        buf_printf(out, "%llu ", (unsigned long long)records.number);
        size_t start = out->len;
        arena_reset(arena);
        put_record(out, &records, arena);
        check_alone(&records, span_from(buf_span(out), start), arena);
        buf_put_byte(out, '\n');
    }
    source_records_done(&records);
}

/* All records of the input, and how it ends. */
static enum lf_code read_all(struct span content, size_t chunk_bytes, size_t step_bytes, struct buf *out)
{
    struct memory_tree tree = { .tree = { &memory_functions }, .content = content };
    struct source_file file = { .path = SPAN("x.ion"), .name = SPAN("x.ion"), .format = EXPORT_ION_TEXT, .item_count = -1 };
    struct chunk_reader reader;
    struct source_chunk chunk;
    struct arena arena;
    struct err err = ERR_INIT;
    _Atomic int64_t bytes_read = 0;
    enum lf_code code = LF_OK;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    source_chunk_init(&chunk);
    chunk_reader_init(&reader, &tree.tree, &file);
    reader.chunk_bytes = chunk_bytes;
    reader.step_bytes = step_bytes;
    for (bool is_last = false; !is_last && code == LF_OK; is_last = chunk.is_last) {
        code = chunk_reader_next(&reader, &bytes_read, &chunk, &err);
        if (code == LF_OK)
            put_chunk(out, &chunk, &arena);
    }
    CHECK(code == err.code);
    chunk_reader_done(&reader);
    source_chunk_done(&chunk);
    arena_done(&arena);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf large, small;
    if (size < 2)
        return 0;
    struct span content = fuzz_input(data + 2, size - 2);
    buf_init(&large, FUZZ_MEMORY_BYTES);
    buf_init(&small, FUZZ_MEMORY_BYTES);
    enum lf_code at_once = read_all(content, LARGE_BYTES, LARGE_BYTES, &large);
    enum lf_code in_pieces = read_all(content, (size_t)data[0] + 1, (size_t)data[1] + 1, &small);
    CHECK(at_once == in_pieces);
    if (at_once == LF_OK)
        CHECK(span_equal(buf_span(&large), buf_span(&small)));
    buf_done(&small);
    buf_done(&large);
    return 0;
}
