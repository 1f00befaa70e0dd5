/*
 * ddb_extra: DynamoDB JSON that jsonb can hold.
 *
 * Three things differ from ddbjson: `"attr": null` says that a template's attribute is absent, and {"S64": …} and {"SS64": […]}
 * stand for strings with U+0000, in base64. They do at any depth.
 */
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "map/codec_functions.h"
#include "map/row.h"
#include "map/value_list.h"

static bool is_text_set(const struct value *set)
{
    for (size_t i = 0; i < set->list.count; i++)
        if (!is_postgres_text(set->list.values[i].bytes))
            return false;
    return true;
}

static bool needs_base64(const struct value *value)
{
    return (value->type == VALUE_S && !is_postgres_text(value->bytes)) || (value->type == VALUE_SS && !is_text_set(value));
}

/* ---- writing ---- */

static enum lf_code put_value(struct buf *buf, const struct value *value, struct err *err);

static void put_base64(struct buf *buf, struct span bytes)
{
    buf_put_byte(buf, '"');
    base64_put(buf, bytes);
    buf_put_byte(buf, '"');
}

static void put_number(struct buf *buf, struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    size_t len = number_format(number, text);
    json_put_string(buf, span_of(text, len));
}

static void put_scalar(struct buf *buf, const struct value *value, bool is_base64)
{
    if (value->type == VALUE_N)
        put_number(buf, value->number);
    else if (value->type == VALUE_B || is_base64)
        put_base64(buf, value->bytes);
    else
        json_put_string(buf, value->bytes);
}

static void put_set(struct buf *buf, const struct value *set, bool is_base64)
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < set->list.count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        put_scalar(buf, &set->list.values[i], is_base64);
    }
    buf_put_byte(buf, ']');
}

static enum lf_code put_list(struct buf *buf, const struct value *list, struct err *err)
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < list->list.count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        TRY(put_value(buf, &list->list.values[i], err));
    }
    buf_put_byte(buf, ']');
    return LF_OK;
}

static enum lf_code put_attribute(struct buf *buf, const struct attribute *attribute, struct err *err)
{
    if (!is_postgres_text(attribute->name))
        return ERR(err, LF_ITEM, "the name of an attribute contains U+0000, which PostgreSQL cannot hold");
    json_put_string(buf, attribute->name);
    buf_put_byte(buf, ':');
    if (attribute->value.type != VALUE_TYPES)
        return put_value(buf, &attribute->value, err);
    buf_put_cstr(buf, "null");
    return LF_OK;
}

enum lf_code extra_put(struct buf *buf, const struct attribute *attributes, size_t count, struct err *err)
{
    buf_put_byte(buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        TRY(put_attribute(buf, &attributes[i], err));
    }
    buf_put_byte(buf, '}');
    return LF_OK;
}

static enum lf_code put_content(struct buf *buf, const struct value *value, bool is_base64, struct err *err)
{
    switch (value->type) {
    case VALUE_L:
        return put_list(buf, value, err);
    case VALUE_M:
        return extra_put(buf, value->map.attributes, value->map.count, err);
    case VALUE_BOOL:
        buf_put_cstr(buf, value->boolean ? "true" : "false");
        return LF_OK;
    case VALUE_NULL:
        buf_put_cstr(buf, "true");
        return LF_OK;
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        put_set(buf, value, is_base64);
        return LF_OK;
    default:
        put_scalar(buf, value, is_base64);
        return LF_OK;
    }
}

static enum lf_code put_value(struct buf *buf, const struct value *value, struct err *err)
{
    bool is_base64 = needs_base64(value);
    buf_put_cstr(buf, "{\"");
    buf_put_cstr(buf, value_type_name(value->type));
    buf_put_cstr(buf, is_base64 ? "64\":" : "\":");
    TRY(put_content(buf, value, is_base64, err));
    buf_put_byte(buf, '}');
    return LF_OK;
}

/* ---- reading ---- */

/* What stands before the colon: "S", "SS64". */
struct type_word {
    enum value_type type;
    bool is_base64;
};

static enum lf_code read_open_value(struct json_reader *reader, const struct json_token *begin, struct value *ret_value,
                                    struct err *err);

/* Unlike json_expect: what is JSON but not ours is LF_ITEM. */
static enum lf_code expect(struct json_reader *reader, enum json_kind kind, struct json_token *ret_token, struct err *err)
{
    TRY(json_next(reader, ret_token, err));
    if (ret_token->kind != kind)
        return ERR_AT(err, LF_ITEM, ret_token->offset, "ddb_extra is not as Landfall writes it");
    return LF_OK;
}

static enum lf_code read_type(const struct json_token *name, struct type_word *ret_word, struct err *err)
{
    struct span text = name->text;
    ret_word->is_base64 = span_equal(text, SPAN("S64")) || span_equal(text, SPAN("SS64"));
    if (ret_word->is_base64)
        text.len -= strlen("64");
    if (!value_type_from_name(text, &ret_word->type))
        return ERR_AT(err, LF_ITEM, name->offset, "\"%.*s\" is no type of DynamoDB", SPAN_ARG(name->text));
    return LF_OK;
}

static enum lf_code read_scalar(const struct json_token *token, enum value_type type, bool is_base64, struct arena *arena,
                                struct value *ret_value, struct err *err)
{
    if (token->kind != JSON_STRING)
        return ERR_AT(err, LF_ITEM, token->offset, "expected a string for %s", value_type_name(type));
    *ret_value = (struct value){ .type = type };
    if (type == VALUE_N)
        return number_parse(token->text, &ret_value->number, err);
    ret_value->bytes = token->text;
    if (type == VALUE_B || is_base64)
        TRY(base64_decode(token->text, arena, &ret_value->bytes, err));
    if (is_base64 && utf8_invalid_at(ret_value->bytes) != ret_value->bytes.len)
        return ERR_AT(err, LF_ITEM, token->offset, "not valid UTF-8 behind its base64");
    return LF_OK;
}

static enum lf_code read_elements(struct json_reader *reader, struct type_word word, struct value *ret_value, struct err *err)
{
    struct value_list list = { 0 };
    struct json_token token;
    TRY(expect(reader, JSON_ARRAY_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(reader, &token, err));
        if (token.kind == JSON_ARRAY_END)
            break;
        struct value value, *added;
        if (word.type == VALUE_L)
            TRY(read_open_value(reader, &token, &value, err));
        else
            TRY(read_scalar(&token, value_member_type(word.type), word.is_base64, reader->arena, &value, err));
        TRY(value_list_add(&list, reader->arena, &added, err));
        *added = value;
    }
    *ret_value = (struct value){ .type = word.type, .list = { list.values, list.count } };
    return LF_OK;
}

static enum lf_code read_set(struct json_reader *reader, struct type_word word, struct value *ret_value, struct err *err)
{
    size_t offset = json_offset(reader);
    TRY(read_elements(reader, word, ret_value, err));
    if (ret_value->list.count == 0)
        return ERR_AT(err, LF_ITEM, offset, "an empty set");
    if (!set_sort(ret_value->list.values, ret_value->list.count))
        return ERR_AT(err, LF_ITEM, offset, "a set with duplicates");
    return LF_OK;
}

/* The entries of a map, up to the brace that closes it. jsonb has each name once. */
static enum lf_code read_map(struct json_reader *reader, struct value *ret_value, struct err *err)
{
    struct attribute_list list = { 0 };
    for (;;) {
        struct json_token name, begin;
        TRY(json_next(reader, &name, err));
        if (name.kind == JSON_OBJECT_END)
            break;
        struct value value;
        TRY(json_next(reader, &begin, err));
        TRY(read_open_value(reader, &begin, &value, err));
        struct attribute *added;
        TRY(attribute_list_add(&list, reader->arena, &added, err));
        *added = (struct attribute){ .name = name.text, .value = value };
    }
    *ret_value = (struct value){ .type = VALUE_M, .map = { list.attributes, list.count } };
    return LF_OK;
}

static enum lf_code read_flag(struct json_reader *reader, enum value_type type, struct value *ret_value, struct err *err)
{
    struct json_token token;
    TRY(json_next(reader, &token, err));
    bool is_flag = token.kind == JSON_TRUE || (token.kind == JSON_FALSE && type == VALUE_BOOL);
    if (!is_flag)
        return ERR_AT(err, LF_ITEM, token.offset, "expected true or false for %s", value_type_name(type));
    *ret_value = (struct value){ .type = type, .boolean = type == VALUE_BOOL && token.kind == JSON_TRUE };
    return LF_OK;
}

static enum lf_code read_content(struct json_reader *reader, struct type_word word, struct value *ret_value, struct err *err)
{
    struct json_token token;
    switch (word.type) {
    case VALUE_M:
        TRY(expect(reader, JSON_OBJECT_BEGIN, &token, err));
        return read_map(reader, ret_value, err);
    case VALUE_L:
        return read_elements(reader, word, ret_value, err);
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return read_set(reader, word, ret_value, err);
    case VALUE_BOOL:
    case VALUE_NULL:
        return read_flag(reader, word.type, ret_value, err);
    default:
        TRY(json_next(reader, &token, err));
        return read_scalar(&token, word.type, word.is_base64, reader->arena, ret_value, err);
    }
}

/* A value whose first token has been read. */
static enum lf_code read_open_value(struct json_reader *reader, const struct json_token *begin, struct value *ret_value,
                                    struct err *err)
{
    if (begin->kind != JSON_OBJECT_BEGIN)
        return ERR_AT(err, LF_ITEM, begin->offset, "expected a value such as {\"S\": \"text\"}");
    struct json_token name, end;
    struct type_word word;
    TRY(expect(reader, JSON_NAME, &name, err));
    TRY(read_type(&name, &word, err));
    TRY(read_content(reader, word, ret_value, err));
    return expect(reader, JSON_OBJECT_END, &end, err);
}

/* An attribute of the item itself: a value, or null for one that is absent. */
static enum lf_code read_attribute(struct json_reader *reader, struct value *ret_value, struct err *err)
{
    struct json_token token;
    TRY(json_next(reader, &token, err));
    if (token.kind != JSON_NULL)
        return read_open_value(reader, &token, ret_value, err);
    *ret_value = (struct value){ .type = VALUE_TYPES };
    return LF_OK;
}

enum lf_code extra_read(struct span json, struct arena *arena, struct item *ret_attributes, struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    struct attribute_list list = { 0 };
    json_init(&reader, json, arena);
    TRY(expect(&reader, JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&reader, &token, err));
        if (token.kind == JSON_OBJECT_END)
            break;
        struct value value;
        struct attribute *added;
        TRY(read_attribute(&reader, &value, err));
        TRY(attribute_list_add(&list, arena, &added, err));
        *added = (struct attribute){ .name = token.text, .value = value };
    }
    TRY(json_end(&reader, err));
    *ret_attributes = (struct item){ list.attributes, list.count };
    return LF_OK;
}
