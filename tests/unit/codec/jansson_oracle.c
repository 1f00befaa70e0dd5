#include "jansson_oracle.h"

#include <jansson.h>

void oracle_put_bytes(struct buf *out, char kind, struct span bytes)
{
    buf_put_byte(out, kind);
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
    buf_put_byte(out, '\n');
}

void oracle_put_integer(struct buf *out, long long value)
{
    buf_printf(out, "I%lld\n", value);
}

void oracle_put_real(struct buf *out, double value)
{
    buf_printf(out, "R%.17g\n", value);
}

static void put_value(struct buf *out, json_t *value);

static void put_object(struct buf *out, json_t *object)
{
    buf_put_cstr(out, "{\n");
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        oracle_put_bytes(out, 'N', span_from_cstr(json_object_iter_key(at)));
        put_value(out, json_object_iter_value(at));
    }
    buf_put_cstr(out, "}\n");
}

static void put_array(struct buf *out, json_t *array)
{
    buf_put_cstr(out, "[\n");
    for (size_t i = 0; i < json_array_size(array); i++)
        put_value(out, json_array_get(array, i));
    buf_put_cstr(out, "]\n");
}

static void put_value(struct buf *out, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value);
        break;
    case JSON_ARRAY:
        put_array(out, value);
        break;
    case JSON_STRING:
        oracle_put_bytes(out, 'S', span_of(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        oracle_put_integer(out, json_integer_value(value));
        break;
    case JSON_REAL:
        oracle_put_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        buf_put_cstr(out, "T\n");
        break;
    case JSON_FALSE:
        buf_put_cstr(out, "F\n");
        break;
    case JSON_NULL:
        buf_put_cstr(out, "0\n");
        break;
    }
}

static bool is_no_matter_of_grammar(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
    case json_error_duplicate_key:
    case json_error_null_byte_in_key:
    case json_error_stack_overflow:
        return true;
    default:
        return false;
    }
}

enum oracle_verdict oracle_read(struct span text, struct buf *out)
{
    /* jansson takes a bare NUL between tokens for the end of the text; RFC 8259 allows none anywhere. */
    if (span_find_byte(text, '\0') < text.len)
        return ORACLE_REFUSES;
    json_error_t error;
    json_t *value =
        json_loadb(text.len ? text.ptr : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return is_no_matter_of_grammar(&error) ? ORACLE_CANNOT_SAY : ORACLE_REFUSES;
    put_value(out, value);
    json_decref(value);
    return ORACLE_ACCEPTS;
}
