#include "aws/answer.h"

#include <stdlib.h>

#include "item/build.h"
#include "item/ddbjson.h"

/* The text of the value whose first token was just read. */
static enum lf_code rest_of_value(struct json_reader *json, const struct json_token *first, struct span *ret_text,
                                  struct err *err)
{
    TRY(json_skip(json, first, err));
    *ret_text = span_of(json->start + first->offset, json_offset(json) - first->offset);
    return LF_OK;
}

static void keep_field(struct answer_field *fields, size_t count, struct span name, struct span value)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(fields[i].name, name))
            fields[i].value = value;
}

enum lf_code answer_fields(struct span object, struct arena *arena, struct answer_field *fields, size_t count, struct err *err)
{
    struct json_reader json;
    struct json_token name, first;
    struct span value;
    if (!object.len)
        return LF_OK;
    json_init(&json, object, arena);
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &name, err));
    for (;;) {
        TRY(json_next(&json, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return json_end(&json, err);
        TRY(json_next(&json, &first, err));
        TRY(rest_of_value(&json, &first, &value, err));
        if (first.kind != JSON_NULL)
            keep_field(fields, count, name.text, value);
    }
}

enum lf_code answer_elements(struct span array, struct arena *arena, struct span **ret_elements, size_t *ret_count,
                             struct err *err)
{
    struct json_reader json;
    struct json_token first;
    void *elements = NULL;
    size_t count = 0;
    json_init(&json, array.len ? array : SPAN("[]"), arena);
    TRY(json_expect(&json, JSON_ARRAY_BEGIN, &first, err));
    for (;; count++) {
        TRY(json_next(&json, &first, err));
        if (first.kind == JSON_ARRAY_END)
            break;
        TRY(build_room(arena, &elements, count, sizeof(struct span), err));
        TRY(rest_of_value(&json, &first, (struct span *)elements + count, err));
    }
    TRY(json_end(&json, err));
    *ret_elements = elements;
    *ret_count = count;
    return LF_OK;
}

enum lf_code answer_text(struct span value, struct arena *arena, struct span *ret_text, struct err *err)
{
    struct json_reader json;
    struct json_token token;
    *ret_text = SPAN("");
    if (!value.len)
        return LF_OK;
    json_init(&json, value, arena);
    TRY(json_next(&json, &token, err));
    if (token.kind != JSON_STRING && token.kind != JSON_NUMBER)
        return ERR(err, LF_SYNTAX, "expected a string or a number, found %.*s", SPAN_ARG(value));
    TRY(json_end(&json, err));
    *ret_text = token.text;
    return LF_OK;
}

enum lf_code answer_double(struct span value, struct arena *arena, double *ret_number, struct err *err)
{
    struct span text;
    TRY(answer_text(value, arena, &text, err));
    TRY(arena_copy(arena, text, &text, err)); /* for its NUL */
    *ret_number = text.len ? strtod(text.ptr, NULL) : 0;
    return LF_OK;
}

enum lf_code answer_item(struct span value, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader json;
    *ret_item = (struct item){ 0 };
    if (!value.len)
        return LF_OK;
    json_init(&json, value, arena);
    TRY(ddbjson_read_item(&json, ret_item, err));
    return json_end(&json, err);
}
