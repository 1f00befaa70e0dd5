#include "source/chunk.h"

#include "base/limits.h"

enum { STEP_BYTES = 256 * 1024, DATA_BYTES_MAX = SOURCE_CHUNK_BYTES + LIMIT_LINE_BYTES + 2 * STEP_BYTES };

/* Where the search for line ends stands in the bytes of a chunk. */
struct scan {
    size_t line_start; /* of the line that has no end yet */
    size_t at;         /* searched up to here */
    size_t cut;        /* length of the chunk, 0 while unknown */
    uint64_t lines;
};

void source_chunk_init(struct source_chunk *chunk)
{
    *chunk = (struct source_chunk){ 0 };
    buf_init(&chunk->data, DATA_BYTES_MAX);
}

void source_chunk_done(struct source_chunk *chunk)
{
    buf_done(&chunk->data);
}

void chunk_reader_init(struct chunk_reader *reader, struct tree *tree, const struct source_file *file)
{
    *reader = (struct chunk_reader){ .tree = tree, .file = file };
    buf_init(&reader->tail, DATA_BYTES_MAX);
}

void chunk_reader_done(struct chunk_reader *reader)
{
    stored_file_close(reader->stored);
    reader->stored = NULL;
    buf_done(&reader->tail);
}

static enum lf_code count_line(struct chunk_reader *reader, struct scan *scan, struct span line, struct err *err)
{
    scan->lines++;
    if (line.len > LIMIT_LINE_BYTES)
        return ERR(err, LF_LIMIT, "%.*s:%llu: a line of more than %d bytes", SPAN_ARG(reader->file->path),
                   (unsigned long long)(reader->lines + scan->lines), LIMIT_LINE_BYTES);
    reader->items += !source_line_is_blank(line);
    return LF_OK;
}

/* Goes on through the lines of `data` until the cut is found or the bytes are used up. */
static enum lf_code scan_lines(struct chunk_reader *reader, struct scan *scan, struct span data, struct err *err)
{
    while (!scan->cut) {
        size_t newline = scan->at + span_find_byte(span_from(data, scan->at), '\n');
        scan->at = newline;
        if (newline == data.len)
            break;
        TRY(count_line(reader, scan, span_of(data.ptr + scan->line_start, newline - scan->line_start), err));
        scan->at = scan->line_start = newline + 1;
        if (scan->line_start >= SOURCE_CHUNK_BYTES)
            scan->cut = scan->line_start;
    }
    if (!scan->cut && data.len - scan->line_start > LIMIT_LINE_BYTES)
        return count_line(reader, scan, span_from(data, scan->line_start), err);
    return LF_OK;
}

static enum lf_code read_step(struct chunk_reader *reader, struct buf *data, bool *ret_end, struct err *err)
{
    size_t len = 0;
    if (buf_reserve(data, STEP_BYTES))
        TRY(stored_file_read(reader->stored, data->data + data->len, STEP_BYTES, &len, err));
    TRY(buf_check(data, err));
    data->len += len;
    *ret_end = len == 0;
    return LF_OK;
}

/* Reads until the cut is known and there is at least a byte behind it, or to the end: so is_last is never a guess. */
static enum lf_code fill(struct chunk_reader *reader, struct buf *data, struct scan *scan, bool *ret_end, struct err *err)
{
    bool end = false;
    TRY(scan_lines(reader, scan, buf_span(data), err));
    while (!end && !(scan->cut && data->len > scan->cut)) {
        TRY(read_step(reader, data, &end, err));
        TRY(scan_lines(reader, scan, buf_span(data), err));
    }
    if (!scan->cut) {
        if (data->len > scan->line_start)
            TRY(count_line(reader, scan, span_from(buf_span(data), scan->line_start), err));
        scan->cut = data->len;
    }
    *ret_end = end;
    return LF_OK;
}

static enum lf_code check_file(struct chunk_reader *reader, struct err *err)
{
    const struct source_file *file = reader->file;
    char md5[MD5_BASE64_BYTES + 1];
    stored_file_md5(reader->stored, md5);
    if (file->md5.len && !span_equal(file->md5, span_from_cstr(md5)))
        return ERR(err, LF_CHECKSUM, "%.*s: its MD5 is %s, the manifest says %.*s", SPAN_ARG(file->path), md5,
                   SPAN_ARG(file->md5));
    if (file->item_count >= 0 && file->item_count != reader->items)
        return ERR(err, LF_CHECKSUM, "%.*s: has %lld items, the manifest says %lld", SPAN_ARG(file->path),
                   (long long)reader->items, (long long)file->item_count);
    return LF_OK;
}

static void begin_chunk(struct chunk_reader *reader, struct source_chunk *chunk)
{
    chunk->number = reader->number;
    chunk->first_line = reader->lines + 1;
    chunk->offset = reader->offset;
    buf_reset(&chunk->data);
    buf_put_span(&chunk->data, buf_span(&reader->tail));
    buf_reset(&reader->tail);
}

static enum lf_code end_chunk(struct chunk_reader *reader, struct source_chunk *chunk, const struct scan *scan, bool end,
                              struct err *err)
{
    buf_put_span(&reader->tail, span_from(buf_span(&chunk->data), scan->cut));
    TRY(buf_check(&reader->tail, err));
    chunk->data.len = scan->cut;
    chunk->is_last = end;
    reader->number++;
    reader->lines += scan->lines;
    reader->offset += scan->cut;
    if (!end)
        return LF_OK;
    TRY(check_file(reader, err));
    chunk_reader_done(reader);
    return LF_OK;
}

enum lf_code chunk_reader_next(struct chunk_reader *reader, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                               struct err *err)
{
    if (!reader->stored)
        TRY(stored_file_open(reader->tree, reader->file->path, bytes_read, &reader->stored, err));
    struct scan scan = { 0 };
    bool end = false;
    begin_chunk(reader, chunk);
    TRY(buf_check(&chunk->data, err));
    TRY(fill(reader, &chunk->data, &scan, &end, err));
    return end_chunk(reader, chunk, &scan, end, err);
}
