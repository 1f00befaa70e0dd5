/*
 * jsonb: S, N, BOOL, NULL, L and M as plain JSON.
 *
 *     field:  1 (version of the format, a byte) │ JSON text
 *
 * PostgreSQL keeps the value, not the text: it comes back with other white space, names in another order and numbers in another
 * form (1E+2 as 100). Numbers are exact there too, with more digits than DynamoDB's. JSON null is DynamoDB's NULL; a column that
 * is SQL NULL is an absent attribute. Binaries and sets have no plain JSON, U+0000 no jsonb: such values are not held.
 */
#include "codec/json.h"
#include "map/codec_functions.h"
#include "map/value_list.h"

enum { SORTED_MEMBERS_MAX = 32 };

static bool put_plain(struct buf *buf, const struct value *value);

static bool put_text(struct buf *buf, struct span text)
{
    if (!is_postgres_text(text))
        return false;
    json_put_string(buf, text);
    return true;
}

static void put_number(struct buf *buf, struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    buf_put(buf, text, number_format(number, text));
}

static bool put_list(struct buf *buf, const struct value *list)
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < list->list.count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        if (!put_plain(buf, &list->list.values[i]))
            return false;
    }
    buf_put_byte(buf, ']');
    return true;
}

/* jsonb keeps members by length, then by bytes. */
static bool comes_before(struct span a, struct span b)
{
    return a.len != b.len ? a.len < b.len : memcmp(a.ptr, b.ptr, a.len) < 0;
}

/* The order of jsonb where that is soon found: PostgreSQL sorts members by a call for each comparison, unless they are sorted. */
static void sort_members(const struct value *map, unsigned char order[SORTED_MEMBERS_MAX])
{
    const struct attribute *attributes = map->map.attributes;
    for (size_t i = 0; i < map->map.count; i++) {
        size_t at = i;
        for (; at > 0 && comes_before(attributes[i].name, attributes[order[at - 1]].name); at--)
            order[at] = order[at - 1];
        order[at] = (unsigned char)i;
    }
}

static bool put_member(struct buf *buf, const struct attribute *member)
{
    if (!put_text(buf, member->name))
        return false;
    buf_put_byte(buf, ':');
    return put_plain(buf, &member->value);
}

static bool put_map(struct buf *buf, const struct value *map)
{
    unsigned char order[SORTED_MEMBERS_MAX];
    bool is_sorted = map->map.count <= SORTED_MEMBERS_MAX;
    if (is_sorted)
        sort_members(map, order);
    buf_put_byte(buf, '{');
    for (size_t i = 0; i < map->map.count; i++) {
        if (i)
            buf_put_byte(buf, ',');
        if (!put_member(buf, &map->map.attributes[is_sorted ? order[i] : i]))
            return false;
    }
    buf_put_byte(buf, '}');
    return true;
}

/* False when plain JSON in jsonb would not give the value back; then what has been written is of no use. */
static bool put_plain(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_S:
        return put_text(buf, value->bytes);
    case VALUE_N:
        put_number(buf, value->number);
        return true;
    case VALUE_BOOL:
        buf_put_cstr(buf, value->boolean ? "true" : "false");
        return true;
    case VALUE_NULL:
        buf_put_cstr(buf, "null");
        return true;
    case VALUE_L:
        return put_list(buf, value);
    case VALUE_M:
        return put_map(buf, value);
    default:
        return false;
    }
}

enum lf_code jsonb_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                          struct err *err)
{
    struct buf buf;
    buf_init(&buf, JSONB_BYTES_MAX);
    buf_put_byte(&buf, JSONB_VERSION);
    *ret_held = put_plain(&buf, value);
    if (*ret_held)
        return field_take(&buf, arena, ret_field, err);
    buf_done(&buf);
    return LF_OK;
}

static enum lf_code read_plain(struct json_reader *reader, const struct json_token *first, struct value *ret_value,
                               struct err *err);

static enum lf_code read_list(struct json_reader *reader, struct value *ret_value, struct err *err)
{
    struct value_list list = { 0 };
    for (;;) {
        struct json_token token;
        TRY(json_next(reader, &token, err));
        if (token.kind == JSON_ARRAY_END)
            break;
        struct value value, *added;
        TRY(read_plain(reader, &token, &value, err));
        TRY(value_list_add(&list, reader->arena, &added, err));
        *added = value;
    }
    *ret_value = (struct value){ .type = VALUE_L, .list = { list.values, list.count } };
    return LF_OK;
}

static enum lf_code read_map(struct json_reader *reader, struct value *ret_value, struct err *err)
{
    struct attribute_list list = { 0 };
    for (;;) {
        struct json_token name, first;
        TRY(json_next(reader, &name, err));
        if (name.kind == JSON_OBJECT_END)
            break;
        TRY(json_next(reader, &first, err));
        struct attribute *added;
        struct value value;
        TRY(read_plain(reader, &first, &value, err));
        TRY(attribute_list_add(&list, reader->arena, &added, err));
        *added = (struct attribute){ .name = name.text, .value = value };
    }
    *ret_value = (struct value){ .type = VALUE_M, .map = { list.attributes, list.count } };
    return LF_OK;
}

/* The value that begins with this token; json_next has seen to its being well-formed and not too deep. */
static enum lf_code read_plain(struct json_reader *reader, const struct json_token *first, struct value *ret_value,
                               struct err *err)
{
    switch (first->kind) {
    case JSON_OBJECT_BEGIN:
        return read_map(reader, ret_value, err);
    case JSON_ARRAY_BEGIN:
        return read_list(reader, ret_value, err);
    case JSON_STRING:
        *ret_value = value_string(first->text);
        return LF_OK;
    case JSON_NUMBER:
        ret_value->type = VALUE_N;
        return number_parse(first->text, &ret_value->number, err);
    case JSON_NULL:
        *ret_value = (struct value){ .type = VALUE_NULL };
        return LF_OK;
    default:
        *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = first->kind == JSON_TRUE };
        return LF_OK;
    }
}

static enum lf_code read_text(struct span json, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct json_reader reader;
    struct json_token first;
    struct value value;
    json_init(&reader, json, arena);
    TRY(json_next(&reader, &first, err));
    TRY(read_plain(&reader, &first, &value, err));
    TRY(json_end(&reader, err));
    *ret_value = value;
    return LF_OK;
}

enum lf_code jsonb_text(struct pg_field field, struct span *ret_json, struct err *err)
{
    if (field.len == 0 || field.data[0] != JSONB_VERSION)
        return ERR(err, LF_ROW, "a jsonb of another version than %d", JSONB_VERSION);
    *ret_json = span_of(field.data + 1, field.len - 1);
    return LF_OK;
}

enum lf_code jsonb_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct span json;
    TRY(jsonb_text(field, &json, err));
    return field_error(read_text(json, arena, ret_value, err), err);
}
