#include "gateway/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "codec/json.h"
#include "gateway/shape_parts.h"
#include "item/ddbjson.h"

enum { NESTING_MAX = 16 }; /* of structures, lists and maps in any reply, attribute values not counted */

struct checker {
    struct json_reader json;
    struct arena *arena;
    struct span names[NESTING_MAX]; /* the way to the value that is looked at */
    size_t depth;
};

/* ---- errors ---- */

static void put_way(struct buf *text, const struct checker *checker)
{
    for (size_t i = 0; i < checker->depth; i++) {
        buf_put_cstr(text, i ? "." : "");
        buf_put_span(text, checker->names[i]);
    }
}

static enum lf_code wrong(const struct checker *checker, const struct shape *shape, const char *what, struct err *err)
{
    struct buf text;
    buf_init(&text, ERR_MESSAGE_BYTES);
    put_way(&text, checker);
    enum lf_code code = ERR(err, LF_ITEM, "the reply's \"%s\" (%.*s): %s", buf_cstr(&text), SPAN_ARG(shape->name), what);
    buf_done(&text);
    return code;
}

/* ---- values ---- */

static enum lf_code check_any(struct checker *checker, const struct shape *shape, struct err *err);

static enum lf_code check_range(const struct checker *checker, const struct shape *shape, int64_t measure, struct err *err)
{
    if (shape->has_min && measure < shape->min)
        return wrong(checker, shape, "less than the shape allows", err);
    if (shape->has_max && measure > shape->max)
        return wrong(checker, shape, "more than the shape allows", err);
    return LF_OK;
}

static enum lf_code check_string(const struct checker *checker, const struct shape *shape, struct span text, struct err *err)
{
    if (!shape_matches(shape, text))
        return wrong(checker, shape, "not of the shape's pattern", err);
    return check_range(checker, shape, (int64_t)text.len, err);
}

static enum lf_code check_enum(const struct checker *checker, const struct shape *shape, struct span text, struct err *err)
{
    for (size_t i = 0; i < shape->enum_value_count; i++) {
        if (span_equal(shape->enum_values[i], text))
            return LF_OK;
    }
    return wrong(checker, shape, "not one of the enum's values", err);
}

static enum lf_code check_integer(const struct checker *checker, const struct shape *shape, struct span text, struct err *err)
{
    struct span copy;
    char *end;
    TRY(arena_copy(checker->arena, text, &copy, err));
    errno = 0;
    int64_t value = strtoll(copy.ptr, &end, 10);
    if (errno || *end)
        return wrong(checker, shape, "not an integer", err);
    return check_range(checker, shape, value, err);
}

static enum lf_code check_scalar(struct checker *checker, const struct shape *shape, struct err *err)
{
    struct json_token token;
    TRY(json_next(&checker->json, &token, err));
    bool is_number = token.kind == JSON_NUMBER, is_string = token.kind == JSON_STRING;
    switch (shape->type) {
    case SHAPE_STRING:
        return is_string ? check_string(checker, shape, token.text, err) : wrong(checker, shape, "not a string", err);
    case SHAPE_ENUM:
        return is_string ? check_enum(checker, shape, token.text, err) : wrong(checker, shape, "not a string", err);
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        return is_number ? check_integer(checker, shape, token.text, err) : wrong(checker, shape, "not a number", err);
    case SHAPE_BOOLEAN:
        return token.kind == JSON_TRUE || token.kind == JSON_FALSE ? LF_OK : wrong(checker, shape, "not a boolean", err);
    default:
        return is_number ? LF_OK : wrong(checker, shape, "not a number", err);
    }
}

/* ---- structures, lists and maps ---- */

static enum lf_code check_inside(struct checker *checker, const struct shape *shape, struct span name, struct err *err)
{
    if (checker->depth == NESTING_MAX)
        return wrong(checker, shape, "nested too deep", err);
    checker->names[checker->depth++] = name;
    TRY(check_any(checker, shape, err));
    checker->depth--;
    return LF_OK;
}

static enum lf_code check_required(const struct checker *checker, const struct shape *shape, uint64_t seen, struct err *err)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (shape->members[i].is_required && !(seen >> i & 1))
            return wrong(checker, shape->members[i].shape, "required, and not there", err);
    }
    return LF_OK;
}

static enum lf_code check_structure(struct checker *checker, const struct shape *shape, struct err *err)
{
    struct json_token token;
    uint64_t seen = 0; /* a bit for each member; structures have fewer than 64 */
    TRY(json_expect(&checker->json, JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&checker->json, &token, err));
        if (token.kind == JSON_OBJECT_END)
            return check_required(checker, shape, seen, err);
        const struct shape_member *member = shape_find_member(shape, token.text);
        if (!member)
            return ERR(err, LF_ITEM, "the reply's %.*s has no member \"%.*s\"", SPAN_ARG(shape->name), SPAN_ARG(token.text));
        uint64_t bit = UINT64_C(1) << (member - shape->members);
        if (seen & bit)
            return wrong(checker, member->shape, "there twice", err);
        seen |= bit;
        TRY(check_inside(checker, member->shape, member->name, err));
    }
}

static enum lf_code check_map(struct checker *checker, const struct shape *shape, struct err *err)
{
    struct json_token name;
    int64_t count = 0;
    TRY(json_expect(&checker->json, JSON_OBJECT_BEGIN, &name, err));
    for (;; count++) {
        TRY(json_next(&checker->json, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return check_range(checker, shape, count, err);
        if (shape->key)
            TRY(check_string(checker, shape->key, name.text, err));
        TRY(check_inside(checker, shape->element, name.text, err));
    }
}

static enum lf_code check_list(struct checker *checker, const struct shape *shape, struct err *err)
{
    struct json_token token;
    int64_t count = 0;
    TRY(json_expect(&checker->json, JSON_ARRAY_BEGIN, &token, err));
    for (;; count++) {
        struct json_reader before = checker->json;
        TRY(json_next(&checker->json, &token, err));
        if (token.kind == JSON_ARRAY_END)
            return check_range(checker, shape, count, err);
        checker->json = before;
        TRY(check_inside(checker, shape->element, SPAN("[]"), err));
    }
}

static enum lf_code check_any(struct checker *checker, const struct shape *shape, struct err *err)
{
    struct item item;
    struct value value;
    switch (shape->type) {
    case SHAPE_STRUCTURE:
        return check_structure(checker, shape, err);
    case SHAPE_LIST:
        return check_list(checker, shape, err);
    case SHAPE_MAP:
        return check_map(checker, shape, err);
    case SHAPE_ITEM:
        return ddbjson_read_item(&checker->json, &item, err);
    case SHAPE_VALUE:
        return ddbjson_next_value(&checker->json, &value, err);
    default:
        return check_scalar(checker, shape, err);
    }
}

enum lf_code shape_check_reply(const struct shape *shape, struct span text, struct arena *arena, struct err *err)
{
    struct checker checker = { .arena = arena };
    json_init(&checker.json, text, arena);
    TRY(check_any(&checker, shape, err));
    return json_end(&checker.json, err);
}
