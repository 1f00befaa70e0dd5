#include "source/chunk.h"

#include "base/limits.h"

enum {
    STEP_BYTES = 256 * 1024,
    DATA_BYTES_MAX = ION_SYMBOL_TABLE_BYTES + SOURCE_CHUNK_BYTES_MAX + LIMIT_LINE_BYTES + 2 * STEP_BYTES,
};
_Static_assert((int)ION_VALUE_BYTES_MAX <= (int)LIMIT_LINE_BYTES, "a value has the room of a line");

static const struct span binary_ion_marker = SPAN("\xE0\x01\x00\xEA");

/* Where the search for the ends of records stands in the bytes of a chunk. */
struct scan {
    size_t first;        /* of the bytes that are the file's; before them stand symbol tables */
    size_t record_start; /* of the record that has no end yet */
    size_t at;           /* searched up to here */
    size_t cut;          /* length of the chunk, 0 while unknown */
    uint64_t lines;
};

void chunk_reader_init(struct chunk_reader *reader, struct tree *tree, const struct source_file *file)
{
    *reader = (struct chunk_reader){
        .tree = tree,
        .file = file,
        .chunk_bytes = SOURCE_CHUNK_BYTES,
        .step_bytes = STEP_BYTES,
        .format = file->format,
    };
    ion_tables_init(&reader->tables);
    buf_init(&reader->tail, DATA_BYTES_MAX);
}

void chunk_reader_done(struct chunk_reader *reader)
{
    stored_file_close(reader->stored);
    reader->stored = NULL;
    ion_tables_done(&reader->tables);
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
        TRY(count_line(reader, scan, span_of(data.ptr + scan->record_start, newline - scan->record_start), err));
        scan->at = scan->record_start = newline + 1;
        if (scan->record_start >= reader->chunk_bytes)
            scan->cut = scan->record_start;
    }
    if (!scan->cut && data.len - scan->record_start > LIMIT_LINE_BYTES)
        return count_line(reader, scan, span_from(data, scan->record_start), err);
    return LF_OK;
}

/* An entry of binary Ion, whole. */
static enum lf_code take_entry(struct chunk_reader *reader, struct scan *scan, enum ion_entry entry, struct span bytes,
                               struct err *err)
{
    if (entry == ION_RECORD) {
        scan->lines++;
        reader->items++;
        return LF_OK;
    }
    return entry == ION_PADDING ? LF_OK : ion_tables_take(&reader->tables, entry, bytes, err);
}

static enum lf_code scan_value(struct chunk_reader *reader, struct scan *scan, struct span data, enum ion_entry *ret_entry,
                               struct err *err)
{
    size_t len = 0;
    TRY(ion_binary_next(data, ret_entry, &len, err));
    if (*ret_entry == ION_INCOMPLETE)
        return LF_OK;
    TRY(take_entry(reader, scan, *ret_entry, span_of(data.ptr, len), err));
    scan->at = scan->record_start += len;
    if (scan->at - scan->first >= reader->chunk_bytes)
        scan->cut = scan->at;
    return LF_OK;
}

/* Where a value begins in the file. */
static unsigned long long value_offset(const struct chunk_reader *reader, const struct scan *scan)
{
    return (unsigned long long)(reader->offset + scan->record_start - scan->first);
}

/* A value without an end to trust, or a symbol table that is none: what follows cannot be read either. */
static enum lf_code bad_value(const struct chunk_reader *reader, const struct scan *scan, struct err *err)
{
    struct err inner = *err;
    return err_set_at(err, inner.code, inner.offset, inner.file, inner.line, "%.*s: the value at byte %llu: %s",
                      SPAN_ARG(reader->file->path), value_offset(reader, scan), inner.message);
}

/* As scan_lines, through the values of binary Ion. */
static enum lf_code scan_values(struct chunk_reader *reader, struct scan *scan, struct span data, struct err *err)
{
    enum ion_entry entry = ION_PADDING;
    while (!scan->cut && scan->at < data.len && entry != ION_INCOMPLETE)
        if (scan_value(reader, scan, span_from(data, scan->at), &entry, err) != LF_OK)
            return bad_value(reader, scan, err);
    return LF_OK;
}

static enum lf_code scan_records(struct chunk_reader *reader, struct scan *scan, struct span data, struct err *err)
{
    return reader->format == EXPORT_ION_BINARY ? scan_values(reader, scan, data, err) : scan_lines(reader, scan, data, err);
}

/* What the file ends with behind the last whole record. A line needs no newline. */
static enum lf_code end_of_file(struct chunk_reader *reader, struct scan *scan, struct span data, struct err *err)
{
    if (scan->cut)
        return LF_OK;
    scan->cut = data.len;
    if (scan->record_start == data.len)
        return LF_OK;
    if (reader->format == EXPORT_ION_BINARY)
        return ERR(err, LF_TRUNCATED, "%.*s: ends within the value at byte %llu", SPAN_ARG(reader->file->path),
                   value_offset(reader, scan));
    return count_line(reader, scan, span_from(data, scan->record_start), err);
}

static enum lf_code read_step(struct chunk_reader *reader, struct buf *data, bool *ret_end, struct err *err)
{
    size_t len = 0;
    if (buf_reserve(data, reader->step_bytes))
        TRY(stored_file_read(reader->stored, data->data + data->len, reader->step_bytes, &len, err));
    TRY(buf_check(data, err));
    data->len += len;
    *ret_end = len == 0;
    return LF_OK;
}

/* Reads until the cut is known and there is at least a byte behind it, or to the end: so is_last is never a guess. */
static enum lf_code fill(struct chunk_reader *reader, struct buf *data, struct scan *scan, bool *ret_end, struct err *err)
{
    bool end = false;
    TRY(scan_records(reader, scan, buf_span(data), err));
    while (!end && !(scan->cut && data->len > scan->cut)) {
        TRY(read_step(reader, data, &end, err));
        TRY(scan_records(reader, scan, buf_span(data), err));
    }
    *ret_end = end;
    return end ? end_of_file(reader, scan, buf_span(data), err) : LF_OK;
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

/* Opens the file and looks at its first bytes. No text begins like binary Ion: E0 01 is not UTF-8. */
static enum lf_code open_file(struct chunk_reader *reader, _Atomic int64_t *bytes_read, struct err *err)
{
    bool end = false;
    TRY(stored_file_open(reader->tree, reader->file->path, bytes_read, &reader->stored, err));
    while (!end && reader->tail.len < binary_ion_marker.len)
        TRY(read_step(reader, &reader->tail, &end, err));
    if (span_starts_with(buf_span(&reader->tail), binary_ion_marker))
        reader->format = EXPORT_ION_BINARY;
    return LF_OK;
}

static enum lf_code begin_chunk(struct chunk_reader *reader, struct source_chunk *chunk, struct scan *ret_scan, struct err *err)
{
    chunk->format = reader->format;
    chunk->number = reader->number;
    chunk->first_line = reader->lines + 1;
    chunk->offset = reader->offset;
    buf_reset(&chunk->data);
    buf_put_span(&chunk->data, buf_span(&reader->tables.bytes));
    size_t first = chunk->data.len;
    buf_put_span(&chunk->data, buf_span(&reader->tail));
    buf_reset(&reader->tail);
    *ret_scan = (struct scan){ .first = first, .record_start = first, .at = first };
    return buf_check(&chunk->data, err);
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
    reader->offset += scan->cut - scan->first;
    if (!end)
        return LF_OK;
    TRY(check_file(reader, err));
    chunk_reader_done(reader);
    return LF_OK;
}

enum lf_code chunk_reader_next(struct chunk_reader *reader, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                               struct err *err)
{
    struct scan scan;
    bool end = false;
    if (!reader->stored)
        TRY(open_file(reader, bytes_read, err));
    TRY(begin_chunk(reader, chunk, &scan, err));
    TRY(fill(reader, &chunk->data, &scan, &end, err));
    return end_chunk(reader, chunk, &scan, end, err);
}
