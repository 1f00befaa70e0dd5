#include "item/ddbjson.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "item/build.h"

/* ---- reading ---- */

/* `level` is 1 for the attributes of an item and one more in every list and map; DynamoDB has LIMIT_NESTING of them. */
static enum lf_code read_value(struct json_reader *reader, unsigned level, struct value *ret_value, struct err *err);

static const char *kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_OBJECT_BEGIN] = "an object",
        [JSON_OBJECT_END] = "the end of the object",
        [JSON_ARRAY_BEGIN] = "an array",
        [JSON_ARRAY_END] = "the end of the array",
        [JSON_NAME] = "a name",
        [JSON_STRING] = "a string",
        [JSON_NUMBER] = "a number",
        [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    return names[kind];
}

/* Unlike json_expect: what is JSON but no item is LF_ITEM. */
static enum lf_code expect(struct json_reader *reader, enum json_kind kind, struct json_token *ret_token, const char *where,
                           struct err *err)
{
    TRY(json_next(reader, ret_token, err));
    if (ret_token->kind != kind)
        return ERR_AT(err, LF_ITEM, ret_token->offset, "expected %s %s, found %s", kind_name(kind), where,
                      kind_name(ret_token->kind));
    return LF_OK;
}

/* The attributes of an item or map, up to the brace that closes it; `begin` is the one that opened it. */
static enum lf_code read_attributes(struct json_reader *reader, unsigned level, size_t begin, struct attribute **ret_attributes,
                                    size_t *ret_count, struct err *err)
{
    void *array = NULL;
    size_t count = 0;
    for (;;) {
        struct json_token name;
        TRY(json_next(reader, &name, err));
        if (name.kind == JSON_OBJECT_END)
            break;
        TRY(build_check_name(name.text, name.offset, err));
        TRY(build_room(reader->arena, &array, count, sizeof(struct attribute), err));
        struct attribute *attribute = (struct attribute *)array + count;
        attribute->name = name.text;
        TRY(read_value(reader, level, &attribute->value, err));
        count++;
    }
    struct attribute *attributes = array;
    TRY(build_check_distinct(attributes, count, begin, err));
    *ret_attributes = attributes;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code read_map(struct json_reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    struct json_token begin;
    TRY(expect(reader, JSON_OBJECT_BEGIN, &begin, "for M", err));
    TRY(build_check_level(level, begin.offset, err));
    return read_attributes(reader, level + 1, begin.offset, &ret_value->map.attributes, &ret_value->map.count, err);
}

/* A value whose opening brace has been read. */
static enum lf_code read_open_value(struct json_reader *reader, unsigned level, const struct json_token *begin,
                                    struct value *ret_value, struct err *err);

static enum lf_code read_list(struct json_reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    struct json_token token;
    TRY(expect(reader, JSON_ARRAY_BEGIN, &token, "for L", err));
    TRY(build_check_level(level, token.offset, err));
    void *array = NULL;
    size_t count = 0;
    for (;;) {
        TRY(json_next(reader, &token, err));
        if (token.kind == JSON_ARRAY_END)
            break;
        TRY(build_room(reader->arena, &array, count, sizeof(struct value), err));
        TRY(read_open_value(reader, level + 1, &token, (struct value *)array + count, err));
        count++;
    }
    ret_value->list.values = array;
    ret_value->list.count = count;
    return LF_OK;
}

/* An S, N or B from the JSON string that holds it. */
static enum lf_code read_scalar(struct json_reader *reader, enum value_type type, const struct json_token *token,
                                struct value *ret_value, struct err *err)
{
    if (token->kind != JSON_STRING)
        return ERR_AT(err, LF_ITEM, token->offset, "expected a string for %s, found %s", value_type_name(type),
                      kind_name(token->kind));
    ret_value->type = type;
    if (type == VALUE_S) {
        ret_value->bytes = token->text;
        return LF_OK;
    }
    enum lf_code code = type == VALUE_N ? number_parse(token->text, &ret_value->number, err)
                                        : base64_decode(token->text, reader->arena, &ret_value->bytes, err);
    if (code != LF_OK)
        err->offset = (int64_t)token->offset + (err->offset > 0 ? err->offset + 1 : 0);
    return code;
}

static enum lf_code read_set(struct json_reader *reader, enum value_type type, struct value *ret_value, struct err *err)
{
    struct json_token begin, token;
    TRY(expect(reader, JSON_ARRAY_BEGIN, &begin, "for a set", err));
    void *array = NULL;
    size_t count = 0;
    for (;;) {
        TRY(json_next(reader, &token, err));
        if (token.kind == JSON_ARRAY_END)
            break;
        TRY(build_room(reader->arena, &array, count, sizeof(struct value), err));
        TRY(read_scalar(reader, value_member_type(type), &token, (struct value *)array + count, err));
        count++;
    }
    return build_set(type, array, count, begin.offset, ret_value, err);
}

static enum lf_code read_boolean(const struct json_token *token, struct value *ret_value, struct err *err)
{
    if (token->kind != JSON_TRUE && token->kind != JSON_FALSE)
        return ERR_AT(err, LF_ITEM, token->offset, "BOOL takes true or false, found %s", kind_name(token->kind));
    ret_value->boolean = token->kind == JSON_TRUE;
    return LF_OK;
}

static enum lf_code read_null(const struct json_token *token, struct err *err)
{
    if (token->kind != JSON_TRUE)
        return ERR_AT(err, LF_ITEM, token->offset,
                      "One or more parameter values were invalid: Null attribute value types must have the value of true");
    return LF_OK;
}

/* What stands behind "S":, "N": and so on. */
static enum lf_code read_content(struct json_reader *reader, unsigned level, struct value *value, struct err *err)
{
    struct json_token token;
    switch (value->type) {
    case VALUE_S:
    case VALUE_N:
    case VALUE_B:
        TRY(json_next(reader, &token, err));
        return read_scalar(reader, value->type, &token, value, err);
    case VALUE_BOOL:
        TRY(json_next(reader, &token, err));
        return read_boolean(&token, value, err);
    case VALUE_L:
        return read_list(reader, level, value, err);
    case VALUE_M:
        return read_map(reader, level, value, err);
    case VALUE_NULL:
        TRY(json_next(reader, &token, err));
        return read_null(&token, err);
    default:
        return read_set(reader, value->type, value, err);
    }
}

static enum lf_code read_open_value(struct json_reader *reader, unsigned level, const struct json_token *begin,
                                    struct value *ret_value, struct err *err)
{
    if (begin->kind != JSON_OBJECT_BEGIN)
        return ERR_AT(err, LF_ITEM, begin->offset, "expected a value such as {\"S\": \"text\"}, found %s",
                      kind_name(begin->kind));
    struct json_token name, end;
    TRY(json_next(reader, &name, err));
    if (name.kind == JSON_OBJECT_END)
        return ERR_AT(err, LF_ITEM, begin->offset,
                      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    if (!value_type_from_name(name.text, &ret_value->type))
        return ERR_AT(err, LF_ITEM, name.offset, "\"%.*s\" is no type of DynamoDB", SPAN_ARG(name.text));
    TRY(read_content(reader, level, ret_value, err));
    TRY(json_next(reader, &end, err));
    if (end.kind != JSON_OBJECT_END)
        return ERR_AT(
            err, LF_ITEM, end.offset,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
    return LF_OK;
}

static enum value_type scalar_type(char letter)
{
    return letter == 'S' ? VALUE_S : letter == 'N' ? VALUE_N : VALUE_B;
}

static enum lf_code read_value(struct json_reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    char letter;
    struct json_token begin;
    TRY(json_next_tagged(reader, "SNB", &letter, &begin, err));
    if (letter)
        return read_scalar(reader, scalar_type(letter), &begin, ret_value, err);
    TRY(json_next(reader, &begin, err));
    return read_open_value(reader, level, &begin, ret_value, err);
}

enum lf_code ddbjson_read_item(struct json_reader *reader, struct item *ret_item, struct err *err)
{
    struct json_token begin;
    struct item item;
    TRY(expect(reader, JSON_OBJECT_BEGIN, &begin, "for an item", err));
    TRY(read_attributes(reader, 1, begin.offset, &item.attributes, &item.count, err));
    if (json_offset(reader) - begin.offset > LIMIT_ITEM_BYTES) /* no item is larger than its JSON */
        TRY(build_check_item(&item, begin.offset, err));
    *ret_item = item;
    return LF_OK;
}

enum lf_code ddbjson_next_value(struct json_reader *reader, struct value *ret_value, struct err *err)
{
    return read_value(reader, 1, ret_value, err);
}

enum lf_code ddbjson_read_value(struct span text, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct json_reader reader;
    struct value value;
    json_init(&reader, text, arena);
    TRY(read_value(&reader, 1, &value, err));
    TRY(json_end(&reader, err));
    *ret_value = value;
    return LF_OK;
}

static enum lf_code read_bare(struct span line, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    struct item item;
    json_init(&reader, line, arena);
    TRY(ddbjson_read_item(&reader, &item, err));
    TRY(json_end(&reader, err));
    *ret_item = item;
    return LF_OK;
}

/* `{"Item": {…}}`. `ret_is_wrapped` is set as soon as it is known whether the line begins like that; if not, nothing is read. */
static enum lf_code read_wrapped(struct span line, struct arena *arena, bool *ret_is_wrapped, struct item *ret_item,
                                 struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    struct item item;
    json_init(&reader, line, arena);
    *ret_is_wrapped = false;
    TRY(expect(&reader, JSON_OBJECT_BEGIN, &token, "for an item", err));
    TRY(json_next(&reader, &token, err));
    if (token.kind != JSON_NAME || !span_equal(token.text, SPAN("Item")))
        return LF_OK;
    *ret_is_wrapped = true;
    TRY(ddbjson_read_item(&reader, &item, err));
    TRY(expect(&reader, JSON_OBJECT_END, &token, "behind Item", err));
    TRY(json_end(&reader, err));
    *ret_item = item;
    return LF_OK;
}

/*
 * A bare item may have an attribute named Item, and then only its inside tells the two shapes apart: `{"Item": {"S": "x"}}` is an
 * item of one attribute. No text is good as both, because names and types alternate. When neither fits, the error of the
 * reading that came further is the useful one.
 */
enum lf_code ddbjson_read_line(struct span line, struct arena *arena, struct item *ret_item, struct err *err)
{
    bool is_wrapped;
    struct arena_mark mark = arena_mark(arena);
    enum lf_code code = read_wrapped(line, arena, &is_wrapped, ret_item, err);
    if ((code == LF_OK && is_wrapped) || (code != LF_OK && code != LF_ITEM))
        return code;
    arena_rewind(arena, mark);
    struct err bare_err = ERR_INIT;
    if (read_bare(line, arena, ret_item, &bare_err) == LF_OK) {
        err->code = LF_OK;
        return LF_OK;
    }
    if (code == LF_OK || bare_err.code == LF_MEMORY || err->offset <= bare_err.offset)
        *err = bare_err;
    return err->code;
}

/* ---- writing ---- */

static void put_number(struct buf *buf, struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    size_t len = number_format(number, text);
    buf_put_byte(buf, '"');
    buf_put(buf, text, len);
    buf_put_byte(buf, '"');
}

static void put_scalar(struct buf *buf, const struct value *value)
{
    if (value->type == VALUE_S) {
        json_put_string(buf, value->bytes);
    } else if (value->type == VALUE_N) {
        put_number(buf, value->number);
    } else {
        buf_put_byte(buf, '"');
        base64_put(buf, value->bytes);
        buf_put_byte(buf, '"');
    }
}

static void put_elements(struct buf *buf, const struct value *list, void put(struct buf *buf, const struct value *value))
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < list->list.count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        put(buf, &list->list.values[i]);
    }
    buf_put_byte(buf, ']');
}

static void put_attributes(struct buf *buf, const struct attribute *attributes, size_t count)
{
    buf_put_byte(buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        json_put_string(buf, attributes[i].name);
        buf_put_byte(buf, ':');
        ddbjson_put_value(buf, &attributes[i].value);
    }
    buf_put_byte(buf, '}');
}

static void put_content(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_S:
    case VALUE_N:
    case VALUE_B:
        put_scalar(buf, value);
        break;
    case VALUE_L:
        put_elements(buf, value, ddbjson_put_value);
        break;
    case VALUE_M:
        put_attributes(buf, value->map.attributes, value->map.count);
        break;
    case VALUE_BOOL:
        buf_put_cstr(buf, value->boolean ? "true" : "false");
        break;
    case VALUE_NULL:
        buf_put_cstr(buf, "true");
        break;
    default:
        put_elements(buf, value, put_scalar);
    }
}

void ddbjson_put_value(struct buf *buf, const struct value *value)
{
    buf_put(buf, "{\"", 2);
    buf_put_cstr(buf, value_type_name(value->type));
    buf_put(buf, "\":", 2);
    put_content(buf, value);
    buf_put_byte(buf, '}');
}

void ddbjson_put_item(struct buf *buf, const struct item *item)
{
    put_attributes(buf, item->attributes, item->count);
}

enum lf_code ddbjson_item_text(const struct item *item, size_t bytes_max, struct arena *arena, struct span *ret_text,
                               struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, bytes_max);
    ddbjson_put_item(&json, item);
    TRY(buf_check(&json, err));
    return arena_copy(arena, buf_span(&json), ret_text, err);
}
