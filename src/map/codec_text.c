/* text, uuid, bytea, boolean: values whose bytes are the field's bytes, or nearly so. */
#include "codec/uuid.h"
#include "map/codec_functions.h"

enum lf_code text_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                         struct err *err)
{
    (void)arena, (void)err;
    *ret_held = value->type == VALUE_S && is_postgres_text(value->bytes);
    if (*ret_held)
        *ret_field = field_of(value->bytes);
    return LF_OK;
}

enum lf_code text_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena, (void)err;
    *ret_value = value_string(field_bytes(field));
    return LF_OK;
}

enum lf_code uuid_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                         struct err *err)
{
    char bytes[UUID_BYTES];
    *ret_held = value->type == VALUE_S && uuid_parse(value->bytes, bytes);
    return *ret_held ? field_of_copy(bytes, sizeof bytes, arena, ret_field, err) : LF_OK;
}

enum lf_code uuid_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    if (field.len != UUID_BYTES)
        return ERR(err, LF_ROW, "a uuid of %zu bytes", field.len);
    char text[UUID_TEXT_BYTES];
    uuid_format(field.data, text);
    return value_of_text(text, sizeof text, arena, ret_value, err);
}

enum lf_code bytea_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                          struct err *err)
{
    (void)arena, (void)err;
    *ret_held = value->type == VALUE_B;
    if (*ret_held)
        *ret_field = field_of(value->bytes);
    return LF_OK;
}

enum lf_code bytea_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena, (void)err;
    *ret_value = (struct value){ .type = VALUE_B, .bytes = field_bytes(field) };
    return LF_OK;
}

enum lf_code boolean_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                            struct err *err)
{
    (void)arena, (void)err;
    *ret_held = value->type == VALUE_BOOL;
    if (*ret_held)
        *ret_field = (struct pg_field){ value->boolean ? "\1" : "\0", 1 };
    return LF_OK;
}

enum lf_code boolean_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena;
    if (field.len != 1 || (unsigned char)field.data[0] > 1)
        return ERR(err, LF_ROW, "a boolean of %zu bytes", field.len);
    *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = field.data[0] == 1 };
    return LF_OK;
}
