#include "gateway/shape.h"

#include <inttypes.h>

#include "gateway/shape_parts.h"

/* ---- patterns ---- */

static bool in_set(const struct shape_pattern_part *part, char byte)
{
    unsigned char code = (unsigned char)byte;
    return code >= 128 ? part->has_others : (part->ascii[code / 64] >> (code % 64)) & 1;
}

/* Greedy, and gives back: patterns have few parts, and only of the last but one can have much to give. */
static bool matches_parts(const struct shape_pattern_part *part, size_t count, struct span text)
{
    if (count == 0)
        return text.len == 0;
    size_t most = part->max && part->max < text.len ? part->max : text.len, taken = 0;
    while (taken < most && in_set(part, text.ptr[taken]))
        taken++;
    for (;; taken--) {
        if (taken < part->min)
            return false;
        if (matches_parts(part + 1, count - 1, span_from(text, taken)))
            return true;
        if (taken == 0)
            return false;
    }
}

bool shape_matches(const struct shape *shape, struct span text)
{
    return shape->pattern_part_count == 0 || matches_parts(shape->pattern_parts, shape->pattern_part_count, text);
}

/* A list's or map's number of elements, a string's of bytes. */
static size_t length_of(const struct shape *shape, const void *value)
{
    struct {
        const void *values;
        size_t count;
    } list;
    if (shape->type == SHAPE_STRING || shape->type == SHAPE_BLOB)
        return ((const struct span *)value)->len;
    memcpy(&list, value, sizeof list);
    return list.count;
}

/* ---- what is wrong ---- */

enum {
    ELEMENTS_BYTES_MAX = 256, /* of a list or map in a message; longer ones are not shown to their end */
    TEXT_BYTES_MAX = 64 * 1024,
};

/* The way from the request to a value, written only when there is something to say of it. */
struct path {
    const struct path *outer; /* NULL: the request itself */
    struct span name;         /* of a member or an entry; ptr NULL for an element of a list */
    size_t index;             /* of that element */
    bool is_entry;
};

struct violations {
    struct span body;
    struct arena *arena;
    struct buf text;
    unsigned count;
    bool has_wrong_table_name;
};

static void put_text(struct buf *buf, struct span text)
{
    buf_put(buf, text.ptr, text.len < ERR_MESSAGE_BYTES ? text.len : ERR_MESSAGE_BYTES);
}

static void put_path(struct buf *text, const struct path *path)
{
    if (path->outer) {
        put_path(text, path->outer);
        if (path->outer->outer || path->outer->name.ptr)
            buf_put_byte(text, '.');
    }
    if (path->is_entry) {
        put_text(text, path->name);
        buf_put_cstr(text, ".member");
    } else if (path->name.ptr) {
        buf_put_byte(text, (char)(path->name.ptr[0] | 0x20)); /* members begin with a small letter here */
        buf_put_span(text, span_from(path->name, 1));
    } else if (path->outer) {
        buf_printf(text, "%zu.member", path->index + 1);
    }
}

/* The text of an enum's value that is not among those known, from the body. */
static struct span unknown_text(const struct violations *violations, int32_t value)
{
    struct json_reader json;
    struct json_token token = { 0 };
    struct err err;
    json_init(&json, span_from(violations->body, (size_t) - (value + 1)), violations->arena);
    return json_next(&json, &token, &err) == LF_OK ? token.text : span_of(NULL, 0);
}

static void put_value(struct violations *violations, const struct shape *shape, const void *value);

static void put_elements(struct violations *violations, const struct shape *shape, const void *value)
{
    bool is_map = shape->type == SHAPE_MAP;
    const char *elements;
    size_t count = length_of(shape, value), step = is_map ? shape->entry_size : shape->element->size;
    memcpy(&elements, value, sizeof elements);
    buf_put_byte(&violations->text, is_map ? '{' : '[');
    for (size_t i = 0, begin = violations->text.len; i < count; i++, elements += step) {
        if (i)
            buf_put_cstr(&violations->text, ", ");
        if (violations->text.len - begin > ELEMENTS_BYTES_MAX) {
            buf_put_cstr(&violations->text, "...");
            break;
        }
        if (is_map)
            put_text(&violations->text, *(const struct span *)(const void *)elements);
        if (is_map)
            buf_put_byte(&violations->text, '=');
        put_value(violations, shape->element, elements + (is_map ? shape->entry_value_offset : 0));
    }
    buf_put_byte(&violations->text, is_map ? '}' : ']');
}

/* As Java prints it, where that is known; structures by their name. */
static void put_value(struct violations *violations, const struct shape *shape, const void *value)
{
    int32_t number;
    switch (shape->type) {
    case SHAPE_STRING:
        put_text(&violations->text, *(const struct span *)value);
        break;
    case SHAPE_ENUM:
        memcpy(&number, value, sizeof number);
        put_text(&violations->text, unknown_text(violations, number));
        break;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        buf_printf(&violations->text, "%" PRId64, *(const int64_t *)value);
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        put_elements(violations, shape, value);
        break;
    default:
        buf_printf(&violations->text, "com.amazonaws.dynamodb.v20120810.%.*s", SPAN_ARG(shape->name));
    }
}

/* Begins "Value 'x' at 'path' failed to satisfy constraint: "; false when enough has been said. NULL: there is none. */
static bool begin_violation(struct violations *violations, const struct path *path, const struct shape *shape, const void *value)
{
    struct buf *text = &violations->text;
    if (violations->count == SHAPE_VIOLATIONS_MAX)
        return false;
    buf_put_cstr(text, violations->count++ ? "; Value " : "Value ");
    if (value) {
        buf_put_byte(text, '\'');
        put_value(violations, shape, value);
        buf_put_cstr(text, "' at '");
    } else {
        buf_put_cstr(text, "null at '");
    }
    put_path(text, path);
    buf_put_cstr(text, "' failed to satisfy constraint: ");
    return true;
}

static void put_least(struct buf *text, const struct shape *shape, const char *what)
{
    buf_printf(text, "Member must have %s greater than or equal to %" PRId64, what, shape->min);
}

static void put_most(struct buf *text, const struct shape *shape, const char *what)
{
    buf_printf(text, "Member must have %s less than or equal to %" PRId64, what, shape->max);
}

static void put_pattern(struct buf *text, const struct shape *shape)
{
    buf_printf(text, "Member must satisfy regular expression pattern: %s", shape->pattern);
}

/* ---- constraints of one value ---- */

static void check_range(struct violations *violations, const struct shape *shape, const void *value, int64_t measure,
                        const char *what, const struct path *path)
{
    if (shape->has_min && measure < shape->min && begin_violation(violations, path, shape, value))
        put_least(&violations->text, shape, what);
    if (shape->has_max && measure > shape->max && begin_violation(violations, path, shape, value))
        put_most(&violations->text, shape, what);
}

static void check_string(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    struct span text = *(const struct span *)value, name;
    if (shape->pattern && !shape_matches(shape, text) && begin_violation(violations, path, shape, value))
        put_pattern(&violations->text, shape);
    check_range(violations, shape, value, (int64_t)text.len, "length", path);
    bool is_table = shape->role == SHAPE_ROLE_TABLE_NAME || shape->role == SHAPE_ROLE_MANAGED_TABLE_NAME;
    if (is_table && !shape_table_name(text, &name))
        violations->has_wrong_table_name = true;
}

static void check_enum(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    int32_t number;
    memcpy(&number, value, sizeof number);
    if (number >= 0 || !begin_violation(violations, path, shape, value))
        return;
    buf_put_cstr(&violations->text, "Member must satisfy enum value set: [");
    for (size_t i = 0; i < shape->enum_value_count; i++) {
        buf_put_cstr(&violations->text, i ? ", " : "");
        buf_put_span(&violations->text, shape->enum_values[i]);
    }
    buf_put_byte(&violations->text, ']');
}

static void check_value(struct violations *violations, const struct shape *shape, const void *value, const struct path *path);

/* Constraints of names, values and elements are said of the map or list as a whole. */
static bool keeps_constraints(const struct shape *shape, const void *value)
{
    int64_t length = (int64_t)length_of(shape, value);
    bool is_in_range = (!shape->has_min || length >= shape->min) && (!shape->has_max || length <= shape->max);
    return is_in_range && (shape->type != SHAPE_STRING || shape_matches(shape, *(const struct span *)value));
}

static void put_constraints(struct buf *text, const struct shape *shape)
{
    const char *joint = "";
    buf_put_byte(text, '[');
    if (shape->has_max) {
        put_most(text, shape, "length");
        joint = ", ";
    }
    if (shape->has_min) {
        buf_put_cstr(text, joint);
        put_least(text, shape, "length");
        joint = ", ";
    }
    if (shape->pattern) {
        buf_put_cstr(text, joint);
        put_pattern(text, shape);
    }
    buf_put_byte(text, ']');
}

static bool has_length(const struct shape *shape)
{
    return shape->type == SHAPE_STRING || shape->type == SHAPE_LIST || shape->type == SHAPE_MAP;
}

/* `part` is the shape of names, values or elements, which begin at `first` and are `step` apart. */
static void check_parts(struct violations *violations, const struct shape *shape, const void *value, const struct shape *part,
                        const char *first, size_t step, const char *what, const struct path *path)
{
    struct span name;
    for (size_t i = 0, count = length_of(shape, value); i < count; i++) {
        const void *here = first + i * step;
        if (part->role == SHAPE_ROLE_TABLE_NAME && !shape_table_name(*(const struct span *)here, &name))
            violations->has_wrong_table_name = true;
        if (!keeps_constraints(part, here) && begin_violation(violations, path, shape, value)) {
            buf_printf(&violations->text, "%s must satisfy constraint: ", what);
            put_constraints(&violations->text, part);
            return;
        }
    }
}

static void check_elements(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    const char *elements;
    memcpy(&elements, value, sizeof elements);
    if (has_length(shape->element)) {
        check_parts(violations, shape, value, shape->element, elements, shape->element->size, "Member", path);
        return;
    }
    for (size_t i = 0, count = length_of(shape, value); i < count; i++) {
        struct path inner = { .outer = path, .index = i };
        check_value(violations, shape->element, elements + i * shape->element->size, &inner);
    }
}

static void check_list(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    check_range(violations, shape, value, (int64_t)length_of(shape, value), "length", path);
    check_elements(violations, shape, value, path);
}

/* A list that is an entry's value: its own length has been looked at with the map's. */
static void check_entry(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    if (shape->type == SHAPE_LIST)
        check_elements(violations, shape, value, path);
    else
        check_value(violations, shape, value, path);
}

static void check_map(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    const char *entries;
    memcpy(&entries, value, sizeof entries);
    check_range(violations, shape, value, (int64_t)length_of(shape, value), "length", path);
    if (shape->key)
        check_parts(violations, shape, value, shape->key, entries, shape->entry_size, "Map keys", path);
    if (has_length(shape->element))
        check_parts(violations, shape, value, shape->element, entries + shape->entry_value_offset, shape->entry_size, "Map value",
                    path);
    if (shape->element->type == SHAPE_STRING)
        return;
    for (size_t i = 0, count = length_of(shape, value); i < count; i++, entries += shape->entry_size) {
        struct path inner = { .outer = path, .name = *(const struct span *)(const void *)entries, .is_entry = true };
        check_entry(violations, shape->element, entries + shape->entry_value_offset, &inner);
    }
}

/* ---- structures ---- */

static bool is_given(const struct shape_member *member, const char *field, const char *base)
{
    const void *pointer;
    int32_t number;
    if (member->has_offset)
        return *(const bool *)(base + member->has_offset);
    if (member->shape->type == SHAPE_ENUM) {
        memcpy(&number, field, sizeof number);
        return number != 0;
    }
    memcpy(&pointer, field, sizeof pointer); /* strings, lists, maps and items begin with one */
    return pointer != NULL;
}

static void check_structure(struct violations *violations, const struct shape *shape, const char *base, const struct path *path)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const char *field = base + member->offset;
        struct path inner = { .outer = path, .name = member->name };
        if (!is_given(member, field, base)) {
            if (member->is_required && begin_violation(violations, &inner, member->shape, NULL))
                buf_put_cstr(&violations->text, "Member must not be null");
            continue;
        }
        const void *value = field;
        if (member->shape->type == SHAPE_STRUCTURE)
            memcpy(&value, field, sizeof value);
        check_value(violations, member->shape, value, &inner);
    }
}

static void check_value(struct violations *violations, const struct shape *shape, const void *value, const struct path *path)
{
    switch (shape->type) {
    case SHAPE_STRING:
        check_string(violations, shape, value, path);
        break;
    case SHAPE_ENUM:
        check_enum(violations, shape, value, path);
        break;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        check_range(violations, shape, value, *(const int64_t *)value, "value", path);
        break;
    case SHAPE_LIST:
        check_list(violations, shape, value, path);
        break;
    case SHAPE_MAP:
        check_map(violations, shape, value, path);
        break;
    case SHAPE_STRUCTURE:
        check_structure(violations, shape, value, path);
        break;
    default:
        break;
    }
}

/* ---- requests ---- */

/* Operations on tables look at the table's name before anything else. */
static enum lf_code check_managed_name(const struct shape *shape, const char *request, struct err *err)
{
    enum { NAME_BYTES_MIN = 3, NAME_BYTES_MAX = 255 };
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        if (member->shape->role != SHAPE_ROLE_MANAGED_TABLE_NAME)
            continue;
        struct span name = *(const struct span *)(const void *)(request + member->offset);
        if (!name.ptr)
            return ERR(err, LF_VALIDATION, "The parameter '%.*s' is required but was not present in the request",
                       SPAN_ARG(member->name));
        bool is_too_long = name.len > NAME_BYTES_MAX && !span_starts_with(name, SPAN("arn:"));
        if (name.len < NAME_BYTES_MIN || is_too_long)
            return ERR(err, LF_VALIDATION, "%.*s must be at least %d characters long and at most %d characters long",
                       SPAN_ARG(member->name), NAME_BYTES_MIN, NAME_BYTES_MAX);
    }
    return LF_OK;
}

static enum lf_code report(struct violations *violations, struct err *err)
{
    if (violations->count)
        return ERR(err, LF_VALIDATION, "%u validation error%s detected: %s", violations->count, violations->count > 1 ? "s" : "",
                   buf_cstr(&violations->text));
    if (violations->has_wrong_table_name)
        return ERR(err, LF_VALIDATION,
                   "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only "
                   "the characters a-z, A-Z, 0-9, '_', '-', and '.'");
    return LF_OK;
}

enum lf_code shape_check_request(const struct shape *shape, const void *request, struct span body, struct arena *arena,
                                 struct err *err)
{
    static const struct path root = { 0 };
    TRY(check_managed_name(shape, request, err));
    struct violations violations = { .body = body, .arena = arena };
    buf_init(&violations.text, TEXT_BYTES_MAX);
    check_structure(&violations, shape, request, &root);
    enum lf_code code = report(&violations, err);
    buf_done(&violations.text);
    return code;
}
