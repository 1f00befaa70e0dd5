#include "source/records.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void source_records_init(struct source_records *records, const struct source_chunk *chunk)
{
    *records = (struct source_records){
        .format = chunk->format,
        .rest = buf_span(&chunk->data),
        .number = chunk->first_line - 1,
    };
    ion_tables_init(&records->tables);
}

void source_records_done(struct source_records *records)
{
    ion_tables_done(&records->tables);
}

static bool next_line(struct source_records *records)
{
    while (source_next_line(&records->rest, &records->bytes)) {
        records->number++;
        if (!source_line_is_blank(records->bytes))
            return true;
    }
    return false;
}

static enum lf_code next_value(struct source_records *records, bool *ret_end, struct err *err)
{
    enum ion_entry entry = ION_PADDING;
    while (records->rest.len && entry != ION_RECORD) {
        size_t len = 0;
        TRY(ion_binary_next(records->rest, &entry, &len, err));
        assert(entry != ION_INCOMPLETE);
        records->bytes = span_of(records->rest.ptr, len);
        records->rest = span_from(records->rest, len);
        if (entry != ION_RECORD && entry != ION_PADDING)
            TRY(ion_tables_take(&records->tables, entry, records->bytes, err));
    }
    *ret_end = entry != ION_RECORD;
    records->number += !*ret_end;
    return LF_OK;
}

enum lf_code source_records_next(struct source_records *records, bool *ret_end, struct err *err)
{
    if (records->format == EXPORT_ION_BINARY)
        return next_value(records, ret_end, err);
    *ret_end = !next_line(records);
    return LF_OK;
}

enum lf_code source_records_item(const struct source_records *records, struct arena *arena, struct item *ret_item,
                                 struct err *err)
{
    struct export_record record;
    if (records->format != EXPORT_ION_BINARY)
        return export_read_item(records->format, records->bytes, arena, ret_item, err);
    TRY(ion_binary_read_record(records->bytes, &records->tables.symbols, arena, &record, err));
    return export_record_item(&record, ret_item, err);
}

enum lf_code source_records_change(const struct source_records *records, struct arena *arena, struct item_change *ret_change,
                                   struct err *err)
{
    struct export_record record;
    if (records->format != EXPORT_ION_BINARY)
        return export_read_change(records->format, records->bytes, arena, ret_change, err);
    TRY(ion_binary_read_record(records->bytes, &records->tables.symbols, arena, &record, err));
    return export_record_change(&record, ret_change, err);
}

enum lf_code source_records_verbatim(const struct source_records *records, struct arena *arena, struct span *ret_bytes,
                                     struct err *err)
{
    struct span tables = buf_span(&records->tables.bytes);
    *ret_bytes = records->bytes;
    if (tables.len == 0)
        return LF_OK;
    char *bytes = arena_alloc(arena, tables.len + records->bytes.len, err);
    if (!bytes)
        return err->code;
    memcpy(bytes, tables.ptr, tables.len);
    memcpy(bytes + tables.len, records->bytes.ptr, records->bytes.len);
    *ret_bytes = span_of(bytes, tables.len + records->bytes.len);
    return LF_OK;
}

enum lf_code source_records_name_place(const struct source_records *records, const struct source_file *file, struct err *err)
{
    char byte[32] = "";
    struct err inner = *err;
    if (inner.offset >= 0)
        (void)snprintf(byte, sizeof byte, "byte %" PRId64 ": ", inner.offset);
    return err_set_at(err, inner.code, inner.offset, inner.file, inner.line, "%.*s:%" PRIu64 ": %s%s", SPAN_ARG(file->path),
                      records->number, byte, inner.message);
}
