#include "gateway/shape.h"

#include "codec/base64.h"
#include "gateway/shape_parts.h"
#include "item/build.h"
#include "item/ddbjson.h"

/* ---- from the declared shape to a value, in DynamoDB's order of complaints ---- */

#define INVALID "One or more parameter values were invalid: "

static enum lf_code make_value(const struct api_attribute_value *parts, unsigned level, struct arena *arena,
                               struct value *ret_value, struct err *err);

static enum lf_code make_attributes(const struct api_attribute_value_map *map, unsigned level, struct arena *arena,
                                    struct value *ret_map, struct err *err)
{
    struct attribute *attributes = arena_calloc(arena, map->count, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    for (size_t i = 0; i < map->count; i++) {
        TRY(build_check_name(map->entries[i].name, 0, err));
        attributes[i].name = map->entries[i].name;
        TRY(make_value(&map->entries[i].value, level, arena, &attributes[i].value, err));
    }
    *ret_map = (struct value){ .type = VALUE_M, .map = { attributes, map->count } };
    return LF_OK;
}

static enum lf_code make_list(const struct api_attribute_value_list *list, unsigned level, struct arena *arena,
                              struct value *ret_list, struct err *err)
{
    struct value *values = arena_calloc(arena, list->count, sizeof *values, err);
    if (!values)
        return err->code;
    for (size_t i = 0; i < list->count; i++)
        TRY(make_value(&list->values[i], level, arena, &values[i], err));
    *ret_list = (struct value){ .type = VALUE_L, .list = { values, list->count } };
    return LF_OK;
}

/* "[a, b]"; binaries as they were sent. */
static void put_members(struct buf *text, enum value_type type, const struct span *members, size_t count)
{
    for (size_t i = 0; i < count && text->len < ERR_MESSAGE_BYTES; i++) {
        buf_put_cstr(text, i ? ", " : "[");
        if (type == VALUE_BS)
            base64_put(text, members[i]);
        else
            buf_put_span(text, members[i]);
    }
    buf_put_byte(text, ']');
}

static enum lf_code repeated_member(enum value_type type, const struct span *members, size_t count, struct err *err)
{
    enum { MEMBERS_BYTES_MAX = 32 * 1024 * 1024 }; /* a body's worth of base64 */
    if (type == VALUE_NS)
        return ERR(err, LF_VALIDATION, "Input collection contains duplicates");
    struct buf text;
    buf_init(&text, MEMBERS_BYTES_MAX);
    put_members(&text, type, members, count);
    enum lf_code code = ERR(err, LF_VALIDATION, INVALID "Input collection %s%s", buf_cstr(&text),
                            type == VALUE_SS ? " contains duplicates." : "of type BS contains duplicates.");
    buf_done(&text);
    return code;
}

static enum lf_code make_set(enum value_type type, const struct span *members, size_t count, struct arena *arena,
                             struct value *ret_set, struct err *err)
{
    struct value *values = arena_calloc(arena, count, sizeof *values, err);
    if (!values)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        values[i] = (struct value){ .type = value_member_type(type), .bytes = members[i] };
        if (type == VALUE_NS)
            TRY(number_parse(members[i], &values[i].number, err));
    }
    enum lf_code code = build_set(type, values, count, 0, ret_set, err);
    return code == LF_OK || count == 0 ? code : repeated_member(type, members, count, err);
}

static enum lf_code make_scalar(const struct api_attribute_value *parts, struct value *value, unsigned *types, struct err *err)
{
    *types += (parts->s.ptr != NULL) + (parts->n.ptr != NULL) + (parts->b.ptr != NULL) + parts->has_null + parts->has_bool;
    if (parts->s.ptr || parts->b.ptr)
        *value = (struct value){ .type = parts->s.ptr ? VALUE_S : VALUE_B, .bytes = parts->s.ptr ? parts->s : parts->b };
    if (parts->has_null && !parts->null_)
        return ERR(err, LF_VALIDATION, INVALID "Null attribute value types must have the value of true");
    if (parts->has_null)
        value->type = VALUE_NULL;
    if (parts->has_bool)
        *value = (struct value){ .type = VALUE_BOOL, .boolean = parts->bool_ };
    if (!parts->n.ptr)
        return LF_OK;
    value->type = VALUE_N;
    return number_parse(parts->n, &value->number, err);
}

static enum lf_code make_sets(const struct api_attribute_value *parts, struct arena *arena, struct value *value, unsigned *types,
                              struct err *err)
{
    *types += (parts->ss.values != NULL) + (parts->ns.values != NULL) + (parts->bs.values != NULL);
    if (parts->ss.values)
        TRY(make_set(VALUE_SS, parts->ss.values, parts->ss.count, arena, value, err));
    if (parts->ns.values)
        TRY(make_set(VALUE_NS, parts->ns.values, parts->ns.count, arena, value, err));
    if (parts->bs.values)
        TRY(make_set(VALUE_BS, parts->bs.values, parts->bs.count, arena, value, err));
    return LF_OK;
}

static enum lf_code make_document(const struct api_attribute_value *parts, unsigned level, struct arena *arena,
                                  struct value *value, unsigned *types, struct err *err)
{
    *types += (parts->m.entries != NULL) + (parts->l.values != NULL);
    if (parts->m.entries || parts->l.values)
        TRY(build_check_level(level, 0, err));
    if (parts->m.entries)
        TRY(make_attributes(&parts->m, level + 1, arena, value, err));
    if (parts->l.values)
        TRY(make_list(&parts->l, level + 1, arena, value, err));
    return LF_OK;
}

static enum lf_code make_value(const struct api_attribute_value *parts, unsigned level, struct arena *arena,
                               struct value *ret_value, struct err *err)
{
    unsigned types = 0;
    struct value value = { .type = VALUE_NULL };
    TRY(make_scalar(parts, &value, &types, err));
    TRY(make_sets(parts, arena, &value, &types, err));
    TRY(make_document(parts, level, arena, &value, &types, err));
    if (types == 0)
        return ERR(err, LF_VALIDATION, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    if (types > 1)
        return ERR(
            err, LF_VALIDATION,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
    *ret_value = value;
    return LF_OK;
}

/* ---- errors that wait ---- */

/* In the head, unless an earlier member of the request has one. */
static enum lf_code keep_error(struct shape_reader *reader, const struct err *value_error, struct err *err)
{
    if (reader->rank >= reader->rank_of_error)
        return LF_OK;
    struct err *kept = arena_alloc(reader->arena, sizeof *kept, err);
    if (!kept)
        return err->code;
    *kept = *value_error;
    kept->offset = -1;
    reader->head->value_error = kept;
    reader->rank_of_error = reader->rank;
    return LF_OK;
}

/* The error of the attribute `name` of an item, as the parameter has it. */
static enum lf_code word_error(enum shape_role role, struct span name, struct err *err)
{
    struct err inner = *err;
    if (role == SHAPE_ROLE_EXPRESSION_VALUES)
        return ERR(err, LF_VALIDATION, "ExpressionAttributeValues contains invalid value: %s for key %.*s", inner.message,
                   SPAN_ARG(name));
    if (role == SHAPE_ROLE_START_KEY)
        return ERR(err, LF_VALIDATION, "The provided starting key is invalid: %s", inner.message);
    return err->code = LF_VALIDATION;
}

/* The value that the parts make; NULL, and an error that waits, when they make none. */
static enum lf_code settle_value(struct shape_reader *reader, enum shape_role role, struct span name,
                                 const struct api_attribute_value *parts, struct value *ret_value, struct err *err)
{
    struct err value_error;
    enum lf_code code = make_value(parts, 1, reader->arena, ret_value, &value_error);
    if (code == LF_OK)
        return LF_OK;
    if (code == LF_MEMORY) {
        *err = value_error;
        return code;
    }
    *ret_value = (struct value){ .type = VALUE_NULL };
    (void)word_error(role, name, &value_error);
    return keep_error(reader, &value_error, err);
}

/* ---- items ---- */

static enum lf_code settle_attribute(struct shape_reader *reader, enum shape_role role,
                                     const struct api_attribute_value_entry *entry, struct attribute *attribute, struct err *err)
{
    struct err name_error;
    attribute->name = entry->name;
    if (build_check_name(entry->name, 0, &name_error) != LF_OK) {
        name_error.code = LF_VALIDATION;
        TRY(keep_error(reader, &name_error, err));
    }
    return settle_value(reader, role, entry->name, &entry->value, &attribute->value, err);
}

/* An item by its declared shape, which says what is wrong with it. */
static enum lf_code read_item_parts(struct shape_reader *reader, enum shape_role role, enum shape_place place,
                                    struct item *ret_item, struct err *err)
{
    struct json_token token;
    struct api_attribute_value_map map;
    TRY(shape_next(reader, &token, err));
    if (token.kind == JSON_NULL)
        return LF_OK;
    TRY(shape_read_token(reader, &shape_api_attribute_value_map, place, &token, &map, err));
    struct attribute *attributes = arena_calloc(reader->arena, map.count, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    for (size_t i = 0; i < map.count; i++)
        TRY(settle_attribute(reader, role, &map.entries[i], &attributes[i], err));
    *ret_item = (struct item){ attributes, map.count };
    return LF_OK;
}

/* What an empty item points to, so that it can be told from one that is not there. */
static struct attribute empty_item[1];

enum lf_code shape_read_item(struct shape_reader *reader, const struct shape *shape, enum shape_place place,
                             struct item *ret_item, struct err *err)
{
    struct err well_formed_error;
    struct item item;
    struct json_reader before = reader->json;
    struct arena_mark mark = arena_mark(reader->arena);
    if (ddbjson_read_item(&reader->json, &item, &well_formed_error) == LF_OK) {
        if (!item.attributes)
            item.attributes = empty_item;
        *ret_item = item;
        return LF_OK;
    }
    reader->json = before;
    arena_rewind(reader->arena, mark);
    return read_item_parts(reader, shape->role, place, ret_item, err);
}

static enum lf_code read_value_parts(struct shape_reader *reader, enum shape_place place, bool *ret_is_null,
                                     struct value *ret_value, struct err *err)
{
    struct json_token token;
    struct api_attribute_value parts = { 0 };
    TRY(shape_next(reader, &token, err));
    *ret_is_null = token.kind == JSON_NULL;
    if (token.kind != JSON_NULL)
        TRY(shape_read_token(reader, &shape_api_attribute_value, place, &token, &parts, err));
    else if (place == SHAPE_AS_MEMBER)
        return LF_OK;
    return settle_value(reader, SHAPE_ROLE_NONE, span_of(NULL, 0), &parts, ret_value, err);
}

enum lf_code shape_read_value(struct shape_reader *reader, enum shape_place place, bool *ret_is_null, struct value *ret_value,
                              struct err *err)
{
    struct err well_formed_error;
    struct json_reader before = reader->json;
    struct arena_mark mark = arena_mark(reader->arena);
    *ret_is_null = false;
    if (ddbjson_next_value(&reader->json, ret_value, &well_formed_error) == LF_OK)
        return LF_OK;
    reader->json = before;
    arena_rewind(reader->arena, mark);
    return read_value_parts(reader, place, ret_is_null, ret_value, err);
}
