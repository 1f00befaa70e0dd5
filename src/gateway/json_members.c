#include "gateway/json_members.h"

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* A value begins behind its name's colon. */
static struct span value_text(const struct json_reader *json, const struct json_token *first)
{
    return span_of(json->start + first->offset, json_offset(json) - first->offset);
}

static enum lf_code read_member(struct json_reader *json, const struct json_token *name, struct json_members *members,
                                struct err *err)
{
    struct json_token value;
    TRY(json_next(json, &value, err));
    TRY(json_skip(json, &value, err));
    if (members->count == JSON_MEMBERS_MAX)
        return ERR(err, LF_LIMIT, "an object of more than %d members", JSON_MEMBERS_MAX);
    members->members[members->count++] = (struct json_member){ name->text, value_text(json, &value) };
    return LF_OK;
}

enum lf_code json_members_read(struct span object, struct arena *arena, struct json_members *ret_members, struct err *err)
{
    struct json_reader json;
    struct json_token token;
    json_init(&json, object, arena);
    ret_members->count = 0;
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&json, &token, err));
        if (token.kind == JSON_OBJECT_END)
            return json_end(&json, err);
        TRY(read_member(&json, &token, ret_members, err));
    }
}

struct span json_members_get(const struct json_members *members, struct span name)
{
    for (size_t i = 0; i < members->count; i++)
        if (span_equal(members->members[i].name, name))
            return members->members[i].value;
    return SPAN("");
}

static enum lf_code next_element(struct json_reader *json, bool *ret_found, struct span *ret_element, struct err *err)
{
    struct json_token token;
    TRY(json_next(json, &token, err));
    *ret_found = token.kind != JSON_ARRAY_END;
    if (!*ret_found)
        return LF_OK;
    TRY(json_skip(json, &token, err));
    *ret_element = value_text(json, &token);
    return LF_OK;
}

static enum lf_code read_elements(struct span array, struct arena *arena, struct span *elements, size_t *ret_count,
                                  struct err *err)
{
    struct json_reader json;
    struct json_token token;
    struct span element;
    size_t count = 0;
    bool is_found = false;
    json_init(&json, array, arena);
    TRY(json_expect(&json, JSON_ARRAY_BEGIN, &token, err));
    for (;;) {
        TRY(next_element(&json, &is_found, &element, err));
        if (!is_found)
            break;
        if (elements)
            elements[count] = element;
        count++;
    }
    *ret_count = count;
    return json_end(&json, err);
}

/* Once to count them, once to keep them. */
enum lf_code json_elements_read(struct span array, struct arena *arena, struct span **ret_elements, size_t *ret_count,
                                struct err *err)
{
    size_t count = 0;
    TRY(read_elements(array, arena, NULL, &count, err));
    struct span *elements = arena_calloc(arena, count + 1, sizeof *elements, err);
    if (!elements)
        return err->code;
    TRY(read_elements(array, arena, elements, &count, err));
    *ret_elements = elements;
    *ret_count = count;
    return LF_OK;
}

/* Merging ----------------------------------------------------------------------------------------------------------------------
 */

/* What stands between the brackets. */
static struct span inside(struct span value)
{
    struct span text = span_of(value.ptr + 1, value.len - 2);
    while (text.len && is_blank(text.ptr[0]))
        text = span_from(text, 1);
    return text;
}

static bool is_container(struct span value)
{
    return value.len >= 2 && (value.ptr[0] == '{' || value.ptr[0] == '[');
}

static enum lf_code put_joined(struct span first, struct span second, struct arena *arena, struct buf *out, struct err *err)
{
    if (!is_container(first) || !is_container(second) || first.ptr[0] != second.ptr[0]) {
        buf_put_span(out, first.len ? first : second);
        return LF_OK;
    }
    if (first.ptr[0] == '{')
        return json_members_merge(first, second, arena, out, err);
    struct span left = inside(first), right = inside(second);
    buf_put_byte(out, '[');
    buf_put_span(out, left);
    buf_put_cstr(out, left.len && right.len ? "," : "");
    buf_put_span(out, right);
    buf_put_byte(out, ']');
    return LF_OK;
}

static void put_name(struct buf *out, struct span name, bool *needs_comma)
{
    if (*needs_comma)
        buf_put_byte(out, ',');
    *needs_comma = true;
    json_put_string(out, name);
    buf_put_byte(out, ':');
}

enum lf_code json_members_merge(struct span first, struct span second, struct arena *arena, struct buf *out, struct err *err)
{
    struct json_members left, right;
    bool needs_comma = false;
    TRY(json_members_read(first, arena, &left, err));
    TRY(json_members_read(second, arena, &right, err));
    buf_put_byte(out, '{');
    for (size_t i = 0; i < left.count; i++) {
        struct span name = left.members[i].name;
        put_name(out, name, &needs_comma);
        TRY(put_joined(left.members[i].value, json_members_get(&right, name), arena, out, err));
    }
    for (size_t i = 0; i < right.count; i++)
        if (!json_members_get(&left, right.members[i].name).len) {
            put_name(out, right.members[i].name, &needs_comma);
            buf_put_span(out, right.members[i].value);
        }
    buf_put_byte(out, '}');
    return buf_check(out, err);
}
