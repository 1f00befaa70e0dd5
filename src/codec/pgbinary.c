#include "codec/pgbinary.h"

#include <assert.h>
#include <endian.h>

#include "base/limits.h"

/* utils/adt/numeric.c */
enum {
    NUMERIC_BASE = 10000,
    NUMERIC_BASE_DIGITS = 4,
    NUMERIC_POSITIVE = 0x0000,
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_NAN = 0xC000,
    NUMERIC_INFINITY = 0xD000,
    NUMERIC_MINUS_INFINITY = 0xF000,
    NUMERIC_GROUPS_MAX = LIMIT_NUMBER_DIGITS / NUMERIC_BASE_DIGITS + 2, /* both ends may be partly filled */
};

enum { LENGTH_BYTES = 4, LENGTH_NULL = -1, LOWER_BOUND = 1 };

#define COPY_SIGNATURE SPAN("PGCOPY\n\377\r\n\0")

/* --- writing --- */

void pg_put_int16(struct buf *buf, int16_t value)
{
    uint16_t bytes = htobe16((uint16_t)value);
    buf_put(buf, &bytes, sizeof bytes);
}

void pg_put_int32(struct buf *buf, int32_t value)
{
    uint32_t bytes = htobe32((uint32_t)value);
    buf_put(buf, &bytes, sizeof bytes);
}

void pg_put_int64(struct buf *buf, int64_t value)
{
    uint64_t bytes = htobe64((uint64_t)value);
    buf_put(buf, &bytes, sizeof bytes);
}

/* A length word and the bytes. PostgreSQL's lengths are int32; what is longer cannot be written at all. */
static void put_counted(struct buf *buf, const char *bytes, size_t len)
{
    if (len > INT32_MAX) {
        buf->failed = true;
        return;
    }
    pg_put_int32(buf, (int32_t)len);
    buf_put(buf, bytes, len);
}

void pg_put_element(struct buf *buf, struct span bytes)
{
    put_counted(buf, bytes.ptr, bytes.len);
}

void pg_put_array_header(struct buf *buf, enum pg_oid element, size_t count)
{
    if (count > INT32_MAX) {
        buf->failed = true;
        return;
    }
    pg_put_int32(buf, count ? 1 : 0);
    pg_put_int32(buf, 0);
    pg_put_int32(buf, (int32_t)element);
    if (count) {
        pg_put_int32(buf, (int32_t)count);
        pg_put_int32(buf, LOWER_BOUND);
    }
}

enum lf_code pg_field_copy(struct pg_field field, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    struct span copy = { NULL, 0 };
    if (field.data)
        TRY(arena_copy(arena, span_of(field.data, field.len), &copy, err));
    *ret_field = (struct pg_field){ copy.ptr, copy.len };
    return LF_OK;
}

enum lf_code pg_field_int64(int64_t value, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    uint64_t big_endian = htobe64((uint64_t)value);
    return pg_field_copy((struct pg_field){ (const char *)&big_endian, sizeof big_endian }, arena, ret_field, err);
}

void pg_put_copy_header(struct buf *buf)
{
    buf_put_span(buf, COPY_SIGNATURE);
    pg_put_int32(buf, 0);
    pg_put_int32(buf, 0);
}

void pg_put_copy_row(struct buf *buf, const struct pg_field *fields, size_t count)
{
    assert(count <= INT16_MAX);
    pg_put_int16(buf, (int16_t)count);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].data)
            put_counted(buf, fields[i].data, fields[i].len);
        else
            pg_put_int32(buf, LENGTH_NULL);
    }
}

void pg_put_copy_trailer(struct buf *buf)
{
    pg_put_int16(buf, -1);
}

/* --- numeric --- */

static int floor_div(int dividend, int divisor)
{
    return dividend / divisor - (dividend % divisor < 0);
}

/* Divides the coefficient and returns the remainder. 128-bit division is slow: used only while it must be. */
static unsigned split_off(uint128 *coefficient, unsigned divisor)
{
    unsigned remainder;
    if (*coefficient >> 64) {
        remainder = (unsigned)(*coefficient % divisor);
        *coefficient /= divisor;
    } else {
        uint64_t small = (uint64_t)*coefficient;
        remainder = (unsigned)(small % divisor);
        *coefficient = small / divisor;
    }
    return remainder;
}

/* The base-10000 digits, least significant first, when `shift` zeros follow the coefficient up to the end of a base-10000 digit.
 */
static unsigned coefficient_groups(uint128 coefficient, unsigned shift, unsigned groups[NUMERIC_GROUPS_MAX])
{
    static const unsigned powers[] = { 1, 10, 100, 1000 };
    unsigned count = 0;
    if (shift)
        groups[count++] = split_off(&coefficient, NUMERIC_BASE / powers[shift]) * powers[shift];
    while (coefficient)
        groups[count++] = split_off(&coefficient, NUMERIC_BASE);
    return count;
}

void pg_put_numeric(struct buf *buf, struct number number)
{
    unsigned groups[NUMERIC_GROUPS_MAX];
    int last_weight = floor_div(number.exponent, NUMERIC_BASE_DIGITS);
    unsigned shift = (unsigned)(number.exponent - last_weight * NUMERIC_BASE_DIGITS);
    unsigned count = coefficient_groups(number.coefficient, shift, groups);
    pg_put_int16(buf, (int16_t)count);
    pg_put_int16(buf, (int16_t)(count ? last_weight + (int)count - 1 : 0));
    pg_put_int16(buf, (int16_t)(number.negative ? NUMERIC_NEGATIVE : NUMERIC_POSITIVE));
    pg_put_int16(buf, (int16_t)(number.exponent < 0 ? -number.exponent : 0));
    for (unsigned i = count; i > 0; i--)
        pg_put_int16(buf, (int16_t)groups[i - 1]);
}

static struct pg_reader reader_of(struct span field)
{
    const char *start = field.len ? field.ptr : "";
    return (struct pg_reader){ start, start + field.len };
}

struct numeric_header {
    int16_t groups, weight, sign, dscale;
};

static enum lf_code get_numeric_header(struct pg_reader *reader, struct numeric_header *ret_header, struct err *err)
{
    TRY(pg_get_int16(reader, &ret_header->groups, err));
    TRY(pg_get_int16(reader, &ret_header->weight, err));
    TRY(pg_get_int16(reader, &ret_header->sign, err));
    return pg_get_int16(reader, &ret_header->dscale, err);
}

static enum lf_code check_numeric_sign(int16_t sign, struct err *err)
{
    switch ((uint16_t)sign) {
    case NUMERIC_POSITIVE:
    case NUMERIC_NEGATIVE:
        return LF_OK;
    case NUMERIC_NAN:
        return ERR(err, LF_LIMIT, "numeric NaN has no counterpart in DynamoDB");
    case NUMERIC_INFINITY:
    case NUMERIC_MINUS_INFINITY:
        return ERR(err, LF_LIMIT, "numeric Infinity has no counterpart in DynamoDB");
    default:
        return ERR(err, LF_ROW, "numeric with sign 0x%04X", (unsigned)(uint16_t)sign);
    }
}

static void add_group(struct number_digits *digits, unsigned group)
{
    for (unsigned power = NUMERIC_BASE / 10; power > 0; power /= 10)
        number_digits_add(digits, group / power % 10);
}

static enum lf_code get_groups(struct pg_reader *reader, int count, struct number_digits *digits, struct err *err)
{
    for (int i = 0; i < count; i++) {
        int16_t group = 0;
        TRY(pg_get_int16(reader, &group, err));
        if (group < 0 || group >= NUMERIC_BASE)
            return ERR(err, LF_ROW, "numeric with the digit %d of base %d", group, NUMERIC_BASE);
        add_group(digits, (unsigned)group);
    }
    return LF_OK;
}

enum lf_code pg_read_numeric(struct span field, struct number *ret_number, struct err *err)
{
    struct pg_reader reader = reader_of(field);
    struct numeric_header header = { 0 };
    TRY(get_numeric_header(&reader, &header, err));
    TRY(check_numeric_sign(header.sign, err));
    if (header.groups < 0 || reader.end - reader.pos != header.groups * (ptrdiff_t)sizeof(int16_t))
        return ERR(err, LF_ROW, "numeric of %zu bytes says it has %d digits", field.len, header.groups);
    struct number_digits digits = { 0 };
    TRY(get_groups(&reader, header.groups, &digits, err));
    int64_t exponent = ((int64_t)header.weight - header.groups + 1) * NUMERIC_BASE_DIGITS;
    return number_from_digits(&digits, exponent, header.sign == NUMERIC_NEGATIVE, ret_number, err);
}

/* --- reading --- */

static enum lf_code check_available(const struct pg_reader *reader, size_t len, struct err *err)
{
    size_t available = (size_t)(reader->end - reader->pos);
    if (len > available)
        return ERR(err, LF_ROW, "binary row is cut short: %zu bytes needed, %zu there", len, available);
    return LF_OK;
}

enum lf_code pg_get_bytes(struct pg_reader *reader, size_t len, struct span *ret_bytes, struct err *err)
{
    TRY(check_available(reader, len, err));
    *ret_bytes = span_of(reader->pos, len);
    reader->pos += len;
    return LF_OK;
}

/* The next `len` bytes as they are, big-endian. */
static enum lf_code get_word(struct pg_reader *reader, void *ret_word, size_t len, struct err *err)
{
    TRY(check_available(reader, len, err));
    memcpy(ret_word, reader->pos, len);
    reader->pos += len;
    return LF_OK;
}

enum lf_code pg_get_int16(struct pg_reader *reader, int16_t *ret_value, struct err *err)
{
    uint16_t word = 0;
    TRY(get_word(reader, &word, sizeof word, err));
    *ret_value = (int16_t)be16toh(word);
    return LF_OK;
}

enum lf_code pg_get_int32(struct pg_reader *reader, int32_t *ret_value, struct err *err)
{
    uint32_t word = 0;
    TRY(get_word(reader, &word, sizeof word, err));
    *ret_value = (int32_t)be32toh(word);
    return LF_OK;
}

enum lf_code pg_get_int64(struct pg_reader *reader, int64_t *ret_value, struct err *err)
{
    uint64_t word = 0;
    TRY(get_word(reader, &word, sizeof word, err));
    *ret_value = (int64_t)be64toh(word);
    return LF_OK;
}

enum lf_code pg_get_field(struct pg_reader *reader, struct pg_field *ret_field, struct err *err)
{
    int32_t len = 0;
    TRY(pg_get_int32(reader, &len, err));
    if (len == LENGTH_NULL) {
        *ret_field = PG_NULL;
        return LF_OK;
    }
    if (len < 0)
        return ERR(err, LF_ROW, "binary field of length %d", len);
    struct span bytes;
    TRY(pg_get_bytes(reader, (size_t)len, &bytes, err));
    *ret_field = (struct pg_field){ bytes.ptr, bytes.len };
    return LF_OK;
}

enum lf_code pg_get_copy_row(struct pg_reader *reader, struct pg_field *fields, size_t capacity, bool *ret_end, struct err *err)
{
    int16_t count = 0;
    TRY(pg_get_int16(reader, &count, err));
    if (count == -1) {
        *ret_end = true;
        return LF_OK;
    }
    if (count < 0 || (size_t)count != capacity)
        return ERR(err, LF_ROW, "binary row of %d fields, expected %zu", count, capacity);
    for (size_t i = 0; i < capacity; i++)
        TRY(pg_get_field(reader, &fields[i], err));
    *ret_end = false;
    return LF_OK;
}

static enum lf_code check_length(struct span field, size_t expected, struct err *err)
{
    if (field.len != expected)
        return ERR(err, LF_ROW, "binary value of %zu bytes, expected %zu", field.len, expected);
    return LF_OK;
}

enum lf_code pg_read_int32(struct span field, int32_t *ret_value, struct err *err)
{
    TRY(check_length(field, sizeof *ret_value, err));
    struct pg_reader reader = reader_of(field);
    return pg_get_int32(&reader, ret_value, err);
}

enum lf_code pg_read_int64(struct span field, int64_t *ret_value, struct err *err)
{
    TRY(check_length(field, sizeof *ret_value, err));
    struct pg_reader reader = reader_of(field);
    return pg_get_int64(&reader, ret_value, err);
}

/* The part of an array's header that only a non-empty array has. */
static enum lf_code get_dimension(struct pg_reader *reader, size_t *ret_count, struct err *err)
{
    int32_t size = 0, lower_bound = 0;
    TRY(pg_get_int32(reader, &size, err));
    TRY(pg_get_int32(reader, &lower_bound, err));
    size_t fitting = (size_t)(reader->end - reader->pos) / LENGTH_BYTES;
    if (size < 0 || (size_t)size > fitting)
        return ERR(err, LF_ROW, "array says it has %d elements, at most %zu fit", size, fitting);
    *ret_count = (size_t)size;
    return LF_OK;
}

enum lf_code pg_read_array(struct span field, enum pg_oid element, struct pg_reader *ret_elements, size_t *ret_count,
                           struct err *err)
{
    struct pg_reader reader = reader_of(field);
    int32_t dimensions = 0, has_null = 0, oid = 0;
    TRY(pg_get_int32(&reader, &dimensions, err));
    TRY(pg_get_int32(&reader, &has_null, err));
    TRY(pg_get_int32(&reader, &oid, err));
    if (oid != (int32_t)element)
        return ERR(err, LF_ROW, "array of type %d, expected %d", oid, (int)element);
    if (dimensions != 0 && dimensions != 1)
        return ERR(err, LF_ROW, "array of %d dimensions, expected 1", dimensions);
    size_t count = 0;
    if (dimensions == 1)
        TRY(get_dimension(&reader, &count, err));
    *ret_elements = reader;
    *ret_count = count;
    return LF_OK;
}
