#include "map/codec_functions.h"

#include <endian.h>

enum lf_code field_of_copy(const void *bytes, size_t len, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    char *copy = arena_alloc(arena, len, err);
    if (!copy)
        return err->code;
    if (len)
        memcpy(copy, bytes, len);
    *ret_field = (struct pg_field){ copy, len };
    return LF_OK;
}

enum lf_code field_take(struct buf *buf, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    enum lf_code code = buf_check(buf, err);
    if (code == LF_OK)
        code = field_of_copy(buf->data, buf->len, arena, ret_field, err);
    buf_done(buf);
    return code;
}

enum lf_code field_of_int32(int32_t number, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    uint32_t big_endian = htobe32((uint32_t)number);
    return field_of_copy(&big_endian, sizeof big_endian, arena, ret_field, err);
}

enum lf_code field_of_int64(int64_t number, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    uint64_t big_endian = htobe64((uint64_t)number);
    return field_of_copy(&big_endian, sizeof big_endian, arena, ret_field, err);
}

enum lf_code value_of_text(const char *text, size_t len, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct span copy;
    TRY(arena_copy(arena, span_of(text, len), &copy, err));
    *ret_value = value_string(copy);
    return LF_OK;
}

enum lf_code field_error(enum lf_code code, struct err *err)
{
    if (code == LF_OK || code == LF_MEMORY)
        return code;
    err->code = LF_ROW;
    return LF_ROW;
}
