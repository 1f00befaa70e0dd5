/*
 * timestamptz and date.
 *
 * A codec per format, so that an attribute whose values all have one format comes back byte for byte. Instants outside the years
 * 1 to 9999 (infinity among them) have no text in any format.
 */
#include "codec/timestamp.h"

#include "map/codec_functions.h"

enum { MICROSECONDS_PER_SECOND = 1000000, MICROSECONDS_PER_MILLISECOND = 1000 };

static enum lf_code text_to_instant(const struct value *value, enum timestamp_format format, struct arena *arena, bool *ret_held,
                                    struct pg_field *ret_field, struct err *err)
{
    int64_t us;
    *ret_held = value->type == VALUE_S && timestamp_parse(value->bytes, format, &us);
    return *ret_held ? field_of_int64(us, arena, ret_field, err) : LF_OK;
}

static enum lf_code read_instant(struct pg_field field, int64_t *ret_us, struct err *err)
{
    int64_t us;
    TRY(pg_read_int64(field_bytes(field), &us, err));
    if (!timestamp_in_range(us))
        return ERR(err, LF_ROW, "a timestamp outside the years 1 to 9999");
    *ret_us = us;
    return LF_OK;
}

static enum lf_code instant_to_text(struct pg_field field, enum timestamp_format format, struct arena *arena,
                                    struct value *ret_value, struct err *err)
{
    int64_t us;
    TRY(read_instant(field, &us, err));
    char text[TIMESTAMP_TEXT_BYTES];
    size_t len = timestamp_format(us, format, text);
    return value_of_text(text, len, arena, ret_value, err);
}

enum lf_code iso8601_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                            struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601, arena, ret_value, err);
}

enum lf_code iso8601_ms_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                               struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601_MS, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_ms_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601_MS, arena, ret_value, err);
}

enum lf_code iso8601_us_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                               struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601_US, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_us_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601_US, arena, ret_value, err);
}

enum lf_code iso8601_offset_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                   struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601_OFFSET, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_offset_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601_OFFSET, arena, ret_value, err);
}

enum lf_code iso8601_ms_offset_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                      struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601_MS_OFFSET, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_ms_offset_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601_MS_OFFSET, arena, ret_value, err);
}

enum lf_code iso8601_us_offset_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                      struct err *err)
{
    return text_to_instant(value, TIMESTAMP_ISO8601_US_OFFSET, arena, ret_held, ret_field, err);
}

enum lf_code iso8601_us_offset_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return instant_to_text(field, TIMESTAMP_ISO8601_US_OFFSET, arena, ret_value, err);
}

/* Integers since 1970 in units of `unit_us`; false when PostgreSQL or the years 1 to 9999 do not reach so far. */
static bool instant_of_epoch(const struct value *value, int64_t unit_us, int64_t *ret_us)
{
    int64_t units, us;
    if (value->type != VALUE_N || !number_to_int64(value->number, &units) || __builtin_mul_overflow(units, unit_us, &us) ||
        __builtin_sub_overflow(us, (int64_t)TIMESTAMP_EPOCH_UNIX_SECONDS * MICROSECONDS_PER_SECOND, &us))
        return false;
    *ret_us = us;
    return timestamp_in_range(us);
}

static enum lf_code epoch_to_instant(const struct value *value, int64_t unit_us, struct arena *arena, bool *ret_held,
                                     struct pg_field *ret_field, struct err *err)
{
    int64_t us;
    *ret_held = instant_of_epoch(value, unit_us, &us);
    return *ret_held ? field_of_int64(us, arena, ret_field, err) : LF_OK;
}

static enum lf_code instant_to_epoch(struct pg_field field, int64_t unit_us, struct value *ret_value, struct err *err)
{
    int64_t us;
    TRY(read_instant(field, &us, err));
    us += (int64_t)TIMESTAMP_EPOCH_UNIX_SECONDS * MICROSECONDS_PER_SECOND;
    int64_t units = us / unit_us - (us % unit_us < 0);
    *ret_value = value_number(number_from_int64(units));
    return LF_OK;
}

enum lf_code epoch_s_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                            struct err *err)
{
    return epoch_to_instant(value, MICROSECONDS_PER_SECOND, arena, ret_held, ret_field, err);
}

enum lf_code epoch_s_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    return instant_to_epoch(field, MICROSECONDS_PER_SECOND, ret_value, err);
}

enum lf_code epoch_ms_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                             struct err *err)
{
    return epoch_to_instant(value, MICROSECONDS_PER_MILLISECOND, arena, ret_held, ret_field, err);
}

enum lf_code epoch_ms_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    return instant_to_epoch(field, MICROSECONDS_PER_MILLISECOND, ret_value, err);
}

enum lf_code date_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                         struct err *err)
{
    int32_t days;
    *ret_held = value->type == VALUE_S && date_parse(value->bytes, &days);
    return *ret_held ? field_of_int32(days, arena, ret_field, err) : LF_OK;
}

enum lf_code date_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    int32_t days;
    TRY(pg_read_int32(field_bytes(field), &days, err));
    if (!date_in_range(days))
        return ERR(err, LF_ROW, "a date outside the years 1 to 9999");
    char text[TIMESTAMP_TEXT_BYTES];
    size_t len = date_format(days, text);
    return value_of_text(text, len, arena, ret_value, err);
}
