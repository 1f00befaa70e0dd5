/*
 * pgbinary: PostgreSQL's binary formats, both ways, as COPY … (FORMAT binary) and binary parameters use them.
 *
 * Follows "COPY: File Formats" of the PostgreSQL manual and the send/recv functions of its types. All integers are big-endian.
 *
 *     copy stream:  signature(11) flags(4) extension(4)  { fields(2) { length(4) bytes }* }*  -1(2)
 *     array:        dimensions(4) has_null(4) element_oid(4) { size(4) lower_bound(4) }  { length(4) bytes }*
 *     numeric:      ndigits(2) weight(2) sign(2) dscale(2) { base-10000 digit(2) }*
 *
 * Writers append to a buf (sticky errors); readers are cursors with checked ends. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/number.h"

/* Object identifiers of built-in types (pg_type.dat); they never change. */
enum pg_oid {
    PG_OID_BOOL = 16,
    PG_OID_BYTEA = 17,
    PG_OID_INT8 = 20,
    PG_OID_INT4 = 23,
    PG_OID_TEXT = 25,
    PG_OID_TID = 27,
    PG_OID_XID = 28,
    PG_OID_JSON = 114,
    PG_OID_DATE = 1082,
    PG_OID_TIMESTAMPTZ = 1184,
    PG_OID_NUMERIC = 1700,
    PG_OID_RECORD = 2249,
    PG_OID_UUID = 2950,
    PG_OID_JSONB = 3802,
};

void pg_put_int16(struct buf *buf, int16_t value);
void pg_put_int32(struct buf *buf, int32_t value);
void pg_put_int64(struct buf *buf, int64_t value);
/* The numeric's bytes (without a length word). */
void pg_put_numeric(struct buf *buf, struct number number);
/* Header of a one-dimensional array without NULLs; elements follow by pg_put_element. count 0 writes the empty array. */
void pg_put_array_header(struct buf *buf, enum pg_oid element, size_t count);
void pg_put_element(struct buf *buf, struct span bytes);

/* A field of a row: bytes in the type's binary format, borrowed; `data` NULL is SQL NULL. */
struct pg_field {
    const char *data;
    size_t len;
};
#define PG_NULL ((struct pg_field){ NULL, 0 })

/* In the arena: a copy; an int8. */
enum lf_code pg_field_copy(struct pg_field field, struct arena *arena, struct pg_field *ret_field, struct err *err) MUST_CHECK;
enum lf_code pg_field_int64(int64_t value, struct arena *arena, struct pg_field *ret_field, struct err *err) MUST_CHECK;

void pg_put_copy_header(struct buf *buf);
void pg_put_copy_row(struct buf *buf, const struct pg_field *fields, size_t count);
void pg_put_copy_trailer(struct buf *buf);

/* A cursor over bytes that somebody else owns. */
struct pg_reader {
    const char *pos, *end;
};
enum lf_code pg_get_int16(struct pg_reader *reader, int16_t *ret_value, struct err *err) MUST_CHECK;
enum lf_code pg_get_int32(struct pg_reader *reader, int32_t *ret_value, struct err *err) MUST_CHECK;
enum lf_code pg_get_int64(struct pg_reader *reader, int64_t *ret_value, struct err *err) MUST_CHECK;
enum lf_code pg_get_bytes(struct pg_reader *reader, size_t len, struct span *ret_bytes, struct err *err) MUST_CHECK;
/* A length word and that many bytes; -1 is NULL. */
enum lf_code pg_get_field(struct pg_reader *reader, struct pg_field *ret_field, struct err *err) MUST_CHECK;
/* A tuple of COPY: its fields, borrowed. The trailer gives ret_end = true. `capacity` is the number of fields that must be there.
 */
enum lf_code pg_get_copy_row(struct pg_reader *reader, struct pg_field *fields, size_t capacity, bool *ret_end,
                             struct err *err) MUST_CHECK;

/* Whole fields: the length must fit exactly, else LF_ROW. */
enum lf_code pg_read_numeric(struct span field, struct number *ret_number,
                             struct err *err) MUST_CHECK; /* LF_LIMIT: NaN, infinity, > 38 digits */
enum lf_code pg_read_int32(struct span field, int32_t *ret_value, struct err *err) MUST_CHECK;
enum lf_code pg_read_int64(struct span field, int64_t *ret_value, struct err *err) MUST_CHECK;

/* One-dimensional arrays: positions the reader at the first element, which pg_get_field reads. */
enum lf_code pg_read_array(struct span field, enum pg_oid element, struct pg_reader *ret_elements, size_t *ret_count,
                           struct err *err) MUST_CHECK;
