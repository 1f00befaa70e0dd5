/* codec_functions: the halves of all column codecs, for the table in column_codec.c only, and what they share. Pure. */
#pragma once

#include "base/limits.h"
#include "map/column_codec.h"

/* codec_text.c */
column_to_row text_to_row, uuid_to_row, bytea_to_row, boolean_to_row;
column_to_item text_to_item, uuid_to_item, bytea_to_item, boolean_to_item;

/* codec_time.c */
column_to_row iso8601_to_row, iso8601_ms_to_row, iso8601_us_to_row;
column_to_row iso8601_offset_to_row, iso8601_ms_offset_to_row, iso8601_us_offset_to_row;
column_to_row epoch_s_to_row, epoch_ms_to_row, date_to_row;
column_to_item iso8601_to_item, iso8601_ms_to_item, iso8601_us_to_item;
column_to_item iso8601_offset_to_item, iso8601_ms_offset_to_item, iso8601_us_offset_to_item;
column_to_item epoch_s_to_item, epoch_ms_to_item, date_to_item;

/* codec_number.c */
column_to_row bigint_to_row, integer_to_row, numeric_to_row;
column_to_row bigint_string_to_row, integer_string_to_row, numeric_string_to_row;
column_to_item bigint_to_item, integer_to_item, numeric_to_item;
column_to_item bigint_string_to_item, integer_string_to_item, numeric_string_to_item;

/* codec_array.c */
column_to_row text_set_to_row, text_list_to_row, numeric_set_to_row, bytea_set_to_row;
column_to_item text_set_to_item, text_list_to_item, numeric_set_to_item, bytea_set_to_item;

/* codec_jsonb.c */
column_to_row jsonb_to_row;
column_to_item jsonb_to_item;

/* PostgreSQL's text and jsonb hold any UTF-8 but U+0000. */
static inline bool is_postgres_text(struct span text)
{
    return text.len == 0 || memchr(text.ptr, '\0', text.len) == NULL;
}

/* A field that borrows the bytes; never NULL, though the span's pointer may be. */
static inline struct pg_field field_of(struct span bytes)
{
    return (struct pg_field){ bytes.ptr ? bytes.ptr : "", bytes.len };
}

static inline struct span field_bytes(struct pg_field field)
{
    return span_of(field.data, field.len);
}

/* The field of what has been written, copied to the arena; the buffer is given up. Error: LF_MEMORY. */
enum lf_code field_take(struct buf *buf, struct arena *arena, struct pg_field *ret_field, struct err *err) MUST_CHECK;

/* A field of fixed size. */
enum lf_code field_of_int32(int32_t number, struct arena *arena, struct pg_field *ret_field, struct err *err) MUST_CHECK;
enum lf_code field_of_int64(int64_t number, struct arena *arena, struct pg_field *ret_field, struct err *err) MUST_CHECK;
enum lf_code field_of_copy(const void *bytes, size_t len, struct arena *arena, struct pg_field *ret_field,
                           struct err *err) MUST_CHECK;

/* A string value whose bytes are copied to the arena. */
enum lf_code value_of_text(const char *text, size_t len, struct arena *arena, struct value *ret_value,
                           struct err *err) MUST_CHECK;

/* What is wrong inside a field is LF_ROW, whichever reader found it; LF_OK and LF_MEMORY stay. */
enum lf_code field_error(enum lf_code code, struct err *err);

/* A numeric: header and base-10000 digits, of which both ends may be partly filled. */
enum { NUMERIC_BYTES_MAX = 8 + 2 * (LIMIT_NUMBER_DIGITS / 4 + 2) };

/* A jsonb field is the version of its format, a byte, and JSON text; 1E125 is 2 bytes to DynamoDB and 126 digits there. */
enum { JSONB_VERSION = 1, JSONB_BYTES_MAX = 128 * LIMIT_ITEM_BYTES };

/* The text inside a jsonb field. Error: LF_ROW. */
enum lf_code jsonb_text(struct pg_field field, struct span *ret_json, struct err *err) MUST_CHECK;
