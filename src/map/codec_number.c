/* bigint, integer, numeric: N, or S whose text is the one DynamoDB itself would write for the number (codec `string`). */
#include "map/codec_functions.h"

static bool is_integer(const struct value *value, int64_t *ret_integer)
{
    return value->type == VALUE_N && number_to_int64(value->number, ret_integer);
}

/* A string that number_format gives back byte for byte. */
static bool is_number_text(const struct value *value, struct number *ret_number)
{
    struct err ignored = ERR_INIT;
    if (value->type != VALUE_S || value->bytes.len >= NUMBER_TEXT_BYTES ||
        number_parse(value->bytes, ret_number, &ignored) != LF_OK)
        return false;
    char text[NUMBER_TEXT_BYTES];
    return span_equal(span_of(text, number_format(*ret_number, text)), value->bytes);
}

static bool is_integer_text(const struct value *value, int64_t *ret_integer)
{
    struct number number;
    return is_number_text(value, &number) && number_to_int64(number, ret_integer);
}

static bool fits_int32(int64_t integer)
{
    return integer >= INT32_MIN && integer <= INT32_MAX;
}

static enum lf_code value_of_number_text(struct number number, struct arena *arena, struct value *ret_value, struct err *err)
{
    char text[NUMBER_TEXT_BYTES];
    size_t len = number_format(number, text);
    return value_of_text(text, len, arena, ret_value, err);
}

enum lf_code bigint_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                           struct err *err)
{
    int64_t integer;
    *ret_held = is_integer(value, &integer);
    return *ret_held ? field_of_int64(integer, arena, ret_field, err) : LF_OK;
}

enum lf_code bigint_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    int64_t integer;
    TRY(pg_read_int64(field_bytes(field), &integer, err));
    *ret_value = value_number(number_from_int64(integer));
    return LF_OK;
}

enum lf_code bigint_string_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                  struct err *err)
{
    int64_t integer;
    *ret_held = is_integer_text(value, &integer);
    return *ret_held ? field_of_int64(integer, arena, ret_field, err) : LF_OK;
}

enum lf_code bigint_string_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    int64_t integer;
    TRY(pg_read_int64(field_bytes(field), &integer, err));
    return value_of_number_text(number_from_int64(integer), arena, ret_value, err);
}

enum lf_code integer_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                            struct err *err)
{
    int64_t integer;
    *ret_held = is_integer(value, &integer) && fits_int32(integer);
    return *ret_held ? field_of_int32((int32_t)integer, arena, ret_field, err) : LF_OK;
}

enum lf_code integer_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    int32_t integer;
    TRY(pg_read_int32(field_bytes(field), &integer, err));
    *ret_value = value_number(number_from_int64(integer));
    return LF_OK;
}

enum lf_code integer_string_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                   struct err *err)
{
    int64_t integer;
    *ret_held = is_integer_text(value, &integer) && fits_int32(integer);
    return *ret_held ? field_of_int32((int32_t)integer, arena, ret_field, err) : LF_OK;
}

enum lf_code integer_string_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    int32_t integer;
    TRY(pg_read_int32(field_bytes(field), &integer, err));
    return value_of_number_text(number_from_int64(integer), arena, ret_value, err);
}

static enum lf_code field_of_number(struct number number, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    char *bytes = arena_alloc(arena, NUMERIC_BYTES_MAX, err);
    if (!bytes)
        return err->code;
    struct buf buf = { .data = bytes, .cap = NUMERIC_BYTES_MAX, .limit = NUMERIC_BYTES_MAX };
    pg_put_numeric(&buf, number);
    TRY(buf_check(&buf, err));
    *ret_field = (struct pg_field){ bytes, buf.len };
    return LF_OK;
}

enum lf_code numeric_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                            struct err *err)
{
    *ret_held = value->type == VALUE_N;
    return *ret_held ? field_of_number(value->number, arena, ret_field, err) : LF_OK;
}

enum lf_code numeric_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    struct number number;
    TRY(field_error(pg_read_numeric(field_bytes(field), &number, err), err));
    *ret_value = value_number(number);
    return LF_OK;
}

enum lf_code numeric_string_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                   struct err *err)
{
    struct number number;
    *ret_held = is_number_text(value, &number);
    return *ret_held ? field_of_number(number, arena, ret_field, err) : LF_OK;
}

enum lf_code numeric_string_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct number number;
    TRY(field_error(pg_read_numeric(field_bytes(field), &number, err), err));
    return value_of_number_text(number, arena, ret_value, err);
}
