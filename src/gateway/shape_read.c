#include "gateway/shape.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/base64.h"
#include "gateway/shape_parts.h"
#include "item/build.h"

/* ---- errors, in DynamoDB's words ---- */

#define JAVA_PACKAGE "com.amazonaws.dynamodb.v20120810."
#define JAVA_MAP "java.util.Map<java.lang.String, "

enum lf_code shape_next(struct shape_reader *reader, struct json_token *ret_token, struct err *err)
{
    enum lf_code code = json_next(&reader->json, ret_token, err);
    if (code == LF_SYNTAX)
        err->code = LF_SERIALIZATION;
    else if (code == LF_LIMIT)
        return ERR(err, LF_VALIDATION,
                   "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "
                   "limit");
    return code == LF_OK ? LF_OK : err->code;
}

/* What DynamoDB is written in calls a shape. */
static void put_java_class(struct buf *buf, const struct shape *shape)
{
    static const char *const classes[] = {
        [SHAPE_STRING] = "java.lang.String",  [SHAPE_ENUM] = "java.lang.String",    [SHAPE_INTEGER] = "java.lang.Integer",
        [SHAPE_LONG] = "java.lang.Long",      [SHAPE_DOUBLE] = "java.lang.Double",  [SHAPE_BOOLEAN] = "java.lang.Boolean",
        [SHAPE_TIMESTAMP] = "java.util.Date", [SHAPE_BLOB] = "java.nio.ByteBuffer",
    };
    switch (shape->type) {
    case SHAPE_VALUE:
        buf_put_cstr(buf, JAVA_PACKAGE "AttributeValue");
        break;
    case SHAPE_ITEM:
        buf_put_cstr(buf, JAVA_MAP JAVA_PACKAGE "AttributeValue>");
        break;
    case SHAPE_STRUCTURE:
        buf_printf(buf, JAVA_PACKAGE "%.*s", SPAN_ARG(shape->name));
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        buf_put_cstr(buf, shape->type == SHAPE_LIST ? "java.util.List<" : JAVA_MAP);
        put_java_class(buf, shape->element);
        buf_put_byte(buf, '>');
        break;
    default:
        buf_put_cstr(buf, classes[shape->type]);
    }
}

static enum lf_code unexpected_list(const struct shape *shape, struct err *err)
{
    enum { CLASS_BYTES_MAX = 512 };
    bool is_class = shape->type != SHAPE_MAP && shape->type != SHAPE_ITEM;
    struct buf text;
    buf_init(&text, CLASS_BYTES_MAX);
    put_java_class(&text, shape);
    enum lf_code code =
        ERR(err, LF_SERIALIZATION, "Unrecognized collection type %s%s", is_class ? "class " : "", buf_cstr(&text));
    buf_done(&text);
    return code;
}

/* What DynamoDB's parser calls a scalar. */
static const char *scalar_name(const struct json_token *token)
{
    switch (token->kind) {
    case JSON_STRING:
        return "STRING_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    case JSON_FALSE:
        return "FALSE_VALUE";
    default:
        break;
    }
    for (size_t i = 0; i < token->text.len; i++) {
        if (strchr(".eE", token->text.ptr[i]))
            return "DECIMAL_VALUE";
    }
    return "NUMBER_VALUE";
}

/* A scalar where a list, map or structure belongs. */
static enum lf_code unexpected_scalar(const struct shape *shape, enum shape_place place, struct err *err)
{
    if (place == SHAPE_AS_MEMBER)
        return ERR(err, LF_SERIALIZATION, "Unexpected field type");
    if (shape->type == SHAPE_STRUCTURE || shape->type == SHAPE_VALUE)
        return ERR(err, LF_SERIALIZATION, "Unexpected value type in payload");
    return ERR(err, LF_SERIALIZATION,
               "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
               "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
               "loader 'bootstrap')");
}

static enum lf_code wrong_type(const struct shape *shape, enum shape_place place, const struct json_token *token, struct err *err)
{
    static const char *const scalars[] = {
        [SHAPE_STRING] = "String", [SHAPE_ENUM] = "String",     [SHAPE_INTEGER] = "Integer", [SHAPE_LONG] = "Long",
        [SHAPE_DOUBLE] = "Double", [SHAPE_BOOLEAN] = "Boolean", [SHAPE_TIMESTAMP] = "Date",
    };
    if (token->kind == JSON_ARRAY_BEGIN)
        return unexpected_list(shape, err);
    if (token->kind == JSON_OBJECT_BEGIN)
        return ERR(err, LF_SERIALIZATION, "Start of structure or map found where not expected");
    if (shape->type == SHAPE_BLOB)
        return ERR(err, LF_SERIALIZATION, "only base-64-encoded strings are convertible to bytes");
    if (shape->type == SHAPE_BOOLEAN && token->kind == JSON_STRING)
        return ERR(err, LF_SERIALIZATION, "Unexpected token received from parser");
    if (shape->type < SHAPE_BLOB)
        return ERR(err, LF_SERIALIZATION, "%s cannot be converted to %s", scalar_name(token), scalars[shape->type]);
    return unexpected_scalar(shape, place, err);
}

/* ---- scalars ---- */

static void read_enum(const struct shape *shape, const struct json_token *token, void *ret_value)
{
    int32_t value = shape_enum_unknown(token->offset);
    for (size_t i = 0; i < shape->enum_value_count; i++) {
        if (span_equal(shape->enum_values[i], token->text))
            value = (int32_t)i + 1;
    }
    memcpy(ret_value, &value, sizeof value);
}

static enum lf_code read_double(struct span text, struct arena *arena, double *ret_value, struct err *err)
{
    struct span copy;
    TRY(arena_copy(arena, text, &copy, err));
    *ret_value = strtod(copy.ptr, NULL);
    return LF_OK;
}

/* Whole numbers of up to 18 digits; false for all others. */
static bool read_short_integer(struct span text, int64_t *ret_value)
{
    enum { DIGITS_MAX = 18 };
    bool is_negative = text.len && text.ptr[0] == '-';
    int64_t value = 0;
    if (text.len > DIGITS_MAX)
        return false;
    for (size_t i = is_negative; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret_value = is_negative ? -value : value;
    return true;
}

/* Fractions are cut off; what is beyond the type's range becomes its limit. */
static int64_t saturate(double value, bool is_long)
{
    int64_t most = is_long ? INT64_MAX : INT32_MAX, least = is_long ? INT64_MIN : INT32_MIN;
    if (value >= (double)most)
        return most;
    return value <= (double)least ? least : (int64_t)value;
}

static enum lf_code read_integer(struct span text, bool is_long, struct arena *arena, int64_t *ret_value, struct err *err)
{
    int64_t value;
    if (read_short_integer(text, &value)) {
        *ret_value = is_long ? value : value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value;
        return LF_OK;
    }
    double number;
    TRY(read_double(text, arena, &number, err));
    *ret_value = saturate(number, is_long);
    return LF_OK;
}

static enum lf_code read_timestamp(struct span text, struct arena *arena, int64_t *ret_unix_ms, struct err *err)
{
    double seconds;
    TRY(read_double(text, arena, &seconds, err));
    *ret_unix_ms = saturate(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5), true);
    return LF_OK;
}

static enum lf_code read_number(const struct shape *shape, struct span text, struct arena *arena, void *ret_value,
                                struct err *err)
{
    if (shape->type == SHAPE_DOUBLE)
        return read_double(text, arena, ret_value, err);
    if (shape->type == SHAPE_TIMESTAMP)
        return read_timestamp(text, arena, ret_value, err);
    return read_integer(text, shape->type == SHAPE_LONG, arena, ret_value, err);
}

static bool is_base64_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '+' ||
           byte == '/' || byte == '=';
}

static enum lf_code read_blob(struct span text, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    enum lf_code code = base64_decode(text, arena, ret_bytes, err);
    if (code == LF_OK || code == LF_MEMORY)
        return code;
    if (text.len % 4)
        return ERR(err, LF_SERIALIZATION, "Base64 encoded length is expected a multiple of 4 bytes but found: %zu", text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (!is_base64_byte(text.ptr[i]))
            return ERR(err, LF_SERIALIZATION, "Invalid Base64 character: '%c'", text.ptr[i]);
    }
    return ERR(err, LF_SERIALIZATION, "Invalid last non-pad Base64 character dectected"); /* so DynamoDB spells it */
}

/* ---- structures, lists and maps ---- */

static enum lf_code read_member(struct shape_reader *reader, const struct shape_member *member, char *base, struct err *err);

static enum lf_code skip_unknown(struct shape_reader *reader, struct err *err)
{
    struct json_token token;
    TRY(shape_next(reader, &token, err));
    enum lf_code code = json_skip(&reader->json, &token, err);
    if (code == LF_SYNTAX || code == LF_LIMIT)
        return err->code = LF_SERIALIZATION;
    return code;
}

/* The members up to the closing brace. */
static enum lf_code read_members(struct shape_reader *reader, const struct shape *shape, void *base, struct err *err)
{
    for (;;) {
        struct json_token name;
        TRY(shape_next(reader, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return LF_OK;
        const struct shape_member *member = shape_find_member(shape, name.text);
        if (!member) {
            TRY(skip_unknown(reader, err));
            continue;
        }
        if (reader->json.depth == 1)
            reader->rank = member - shape->members;
        TRY(read_member(reader, member, base, err));
    }
}

/* What an empty list or map points to, so that it can be told from one that is not there. */
static void *nothing(void)
{
    static max_align_t empty;
    return &empty;
}

/* Whether null stands for an element of which every member is missing; elsewhere it is left out. */
static bool keeps_null(const struct shape *element)
{
    return element->type == SHAPE_STRUCTURE || element->type == SHAPE_LIST || element->type == SHAPE_MAP;
}

/* One element of a list or the value of a map's entry. `*ret_is_kept` is false when it counts as not there. */
static enum lf_code read_element(struct shape_reader *reader, const struct shape *shape, const struct json_token *token,
                                 void *element, bool *ret_is_kept, struct err *err)
{
    *ret_is_kept = token->kind != JSON_NULL || keeps_null(shape);
    return token->kind == JSON_NULL ? LF_OK : shape_read_token(reader, shape, SHAPE_AS_ELEMENT, token, element, err);
}

struct list {
    void *values;
    size_t count;
};

/* Room for one more, zeroed and not yet counted; NULL when there is none. */
static char *add_element(struct list *list, size_t size, struct arena *arena, struct err *err)
{
    if (build_room(arena, &list->values, list->count, size, err) != LF_OK)
        return NULL;
    assert(list->values);
    return memset((char *)list->values + list->count * size, 0, size);
}

/* Items and attribute values begin before the token, where the reader stood. */
static enum lf_code read_list_element(struct shape_reader *reader, const struct shape *shape, const struct json_reader *before,
                                      const struct json_token *token, void *element, bool *ret_is_kept, struct err *err)
{
    if (shape->type != SHAPE_ITEM && shape->type != SHAPE_VALUE)
        return read_element(reader, shape, token, element, ret_is_kept, err);
    reader->json = *before;
    *ret_is_kept = true;
    if (shape->type == SHAPE_ITEM)
        return shape_read_item(reader, shape, SHAPE_AS_ELEMENT, element, err);
    return shape_read_value(reader, SHAPE_AS_ELEMENT, &(bool){ false }, element, err);
}

static enum lf_code read_list(struct shape_reader *reader, const struct shape *element, struct list *ret_list, struct err *err)
{
    struct list list = { 0 };
    for (;;) {
        struct json_reader before = reader->json;
        struct json_token token;
        bool is_kept;
        TRY(shape_next(reader, &token, err));
        if (token.kind == JSON_ARRAY_END)
            break;
        void *place = add_element(&list, element->size, reader->arena, err);
        if (!place)
            return err->code;
        TRY(read_list_element(reader, element, &before, &token, place, &is_kept, err));
        list.count += is_kept;
    }
    if (!list.values)
        list.values = nothing();
    *ret_list = list;
    return LF_OK;
}

static struct span entry_name(const struct list *entries, size_t size, size_t at)
{
    struct span name;
    memcpy(&name, (const char *)entries->values + at * size, sizeof name); /* entries begin with it */
    return name;
}

/* Of entries with one name the last counts, as it does for DynamoDB's parser. `slots` holds 1 + position. */
static size_t keep_last(const struct list *entries, size_t size, uint32_t *slots, size_t mask)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        struct span name = entry_name(entries, size, i);
        size_t slot = hash64(name, 0) & mask;
        while (slots[slot] && !span_equal(entry_name(entries, size, slots[slot] - 1), name))
            slot = (slot + 1) & mask;
        size_t to = slots[slot] ? slots[slot] - 1 : kept++;
        slots[slot] = (uint32_t)to + 1;
        memmove((char *)entries->values + to * size, (char *)entries->values + i * size, size);
    }
    return kept;
}

static enum lf_code drop_repeated(struct list *entries, size_t size, struct arena *arena, struct err *err)
{
    size_t slots_count = 4;
    if (entries->count < 2)
        return LF_OK;
    while (slots_count < 2 * entries->count)
        slots_count *= 2;
    struct arena_mark mark = arena_mark(arena);
    uint32_t *slots = arena_calloc(arena, slots_count, sizeof *slots, err);
    if (!slots)
        return err->code;
    entries->count = keep_last(entries, size, slots, slots_count - 1);
    arena_rewind(arena, mark);
    return LF_OK;
}

static enum lf_code read_map(struct shape_reader *reader, const struct shape *shape, struct list *ret_map, struct err *err)
{
    struct list map = { 0 };
    for (;;) {
        struct json_token name, token;
        bool is_kept;
        TRY(shape_next(reader, &name, err));
        if (name.kind == JSON_OBJECT_END)
            break;
        char *entry = add_element(&map, shape->entry_size, reader->arena, err);
        if (!entry)
            return err->code;
        memcpy(entry, &name.text, sizeof name.text);
        TRY(shape_next(reader, &token, err));
        TRY(read_element(reader, shape->element, &token, entry + shape->entry_value_offset, &is_kept, err));
        map.count += is_kept;
    }
    TRY(drop_repeated(&map, shape->entry_size, reader->arena, err));
    if (!map.values)
        map.values = nothing();
    *ret_map = map;
    return LF_OK;
}

enum lf_code shape_read_token(struct shape_reader *reader, const struct shape *shape, enum shape_place place,
                              const struct json_token *token, void *ret_value, struct err *err)
{
    static const enum json_kind kinds[] = {
        [SHAPE_STRING] = JSON_STRING,    [SHAPE_ENUM] = JSON_STRING,      [SHAPE_INTEGER] = JSON_NUMBER,
        [SHAPE_LONG] = JSON_NUMBER,      [SHAPE_DOUBLE] = JSON_NUMBER,    [SHAPE_BOOLEAN] = JSON_TRUE,
        [SHAPE_BLOB] = JSON_STRING,      [SHAPE_TIMESTAMP] = JSON_NUMBER, [SHAPE_STRUCTURE] = JSON_OBJECT_BEGIN,
        [SHAPE_LIST] = JSON_ARRAY_BEGIN, [SHAPE_MAP] = JSON_OBJECT_BEGIN,
    };
    bool is_false = shape->type == SHAPE_BOOLEAN && token->kind == JSON_FALSE;
    if (token->kind != kinds[shape->type] && !is_false)
        return wrong_type(shape, place, token, err);
    switch (shape->type) {
    case SHAPE_STRING:
        *(struct span *)ret_value = token->text;
        return LF_OK;
    case SHAPE_ENUM:
        read_enum(shape, token, ret_value);
        return LF_OK;
    case SHAPE_BOOLEAN:
        *(bool *)ret_value = !is_false;
        return LF_OK;
    case SHAPE_BLOB:
        return read_blob(token->text, reader->arena, ret_value, err);
    case SHAPE_STRUCTURE:
        return read_members(reader, shape, ret_value, err);
    case SHAPE_LIST:
        return read_list(reader, shape->element, ret_value, err);
    case SHAPE_MAP:
        return read_map(reader, shape, ret_value, err);
    default:
        return read_number(shape, token->text, reader->arena, ret_value, err);
    }
}

/* Structures and attribute values are members by pointer. */
static void set_pointer(char *field, void *pointer)
{
    memcpy(field, &pointer, sizeof pointer);
}

static enum lf_code read_value_member(struct shape_reader *reader, char *field, struct err *err)
{
    bool is_null;
    struct value *value = arena_alloc(reader->arena, sizeof *value, err);
    if (!value)
        return err->code;
    TRY(shape_read_value(reader, SHAPE_AS_MEMBER, &is_null, value, err));
    if (!is_null)
        set_pointer(field, value);
    return LF_OK;
}

static enum lf_code read_structure_member(struct shape_reader *reader, const struct shape *shape, const struct json_token *token,
                                          char *field, struct err *err)
{
    void *structure = arena_calloc(reader->arena, 1, shape->size, err);
    if (!structure)
        return err->code;
    TRY(shape_read_token(reader, shape, SHAPE_AS_MEMBER, token, structure, err));
    set_pointer(field, structure);
    return LF_OK;
}

static enum lf_code read_member(struct shape_reader *reader, const struct shape_member *member, char *base, struct err *err)
{
    char *field = base + member->offset;
    struct json_token token;
    if (member->shape->type == SHAPE_ITEM)
        return shape_read_item(reader, member->shape, SHAPE_AS_MEMBER, (struct item *)(void *)field, err);
    if (member->shape->type == SHAPE_VALUE)
        return read_value_member(reader, field, err);
    TRY(shape_next(reader, &token, err));
    if (token.kind == JSON_NULL)
        return LF_OK;
    if (member->shape->type == SHAPE_STRUCTURE)
        return read_structure_member(reader, member->shape, &token, field, err);
    TRY(shape_read_token(reader, member->shape, SHAPE_AS_MEMBER, &token, field, err));
    if (member->has_offset)
        *(bool *)(base + member->has_offset) = true;
    return LF_OK;
}

static enum lf_code read_body(struct shape_reader *reader, const struct shape *shape, void *request, struct err *err)
{
    struct json_token begin;
    TRY(shape_next(reader, &begin, err));
    TRY(shape_read_token(reader, shape, SHAPE_AS_ELEMENT, &begin, request, err));
    if (json_end(&reader->json, err) != LF_OK)
        return err->code = LF_SERIALIZATION;
    return LF_OK;
}

enum lf_code shape_read(const struct shape *shape, struct span body, struct arena *arena, void *ret_request, struct err *err)
{
    struct shape_reader reader = { .arena = arena, .head = ret_request, .rank_of_error = PTRDIFF_MAX };
    memset(ret_request, 0, shape->size);
    if (body.len > INT32_MAX)
        return ERR(err, LF_SERIALIZATION, "the request is longer than 2 GB");
    json_init(&reader.json, body, arena);
    TRY(read_body(&reader, shape, ret_request, err));
    return shape_check_request(shape, ret_request, body, arena, err);
}
