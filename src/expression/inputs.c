#include "base/buf.h"
#include "expression/expression.h"
#include "expression/lex.h"

enum {
    MESSAGE_BYTES_MAX = 8 * 1024, /* of the keys in a message, before err cuts it */
    TABLE_SLOTS_MIN = 16,
};

/* One of the two maps, by placeholder. */
struct map_view {
    const char *parameter; /* "ExpressionAttributeNames" */
    char marker;
    const char *entries; /* structs that begin with the placeholder */
    size_t stride;
    size_t count;
};

static struct map_view names_view(const struct expression_inputs *inputs)
{
    return (struct map_view){ "ExpressionAttributeNames", '#', (const char *)inputs->names, sizeof *inputs->names,
                              inputs->name_count };
}

static struct map_view values_view(const struct expression_inputs *inputs)
{
    return (struct map_view){ "ExpressionAttributeValues", ':', (const char *)inputs->values, sizeof *inputs->values,
                              inputs->value_count };
}

static struct span placeholder_at(const struct map_view *view, size_t i)
{
    return *(const struct span *)(const void *)(view->entries + i * view->stride);
}

static enum lf_code check_key(const struct map_view *view, struct span key, struct err *err)
{
    if (key.len == 0)
        return ERR(err, LF_VALIDATION, "%s contains invalid key: The expression attribute map contains an empty key;",
                   view->parameter);
    if (key.len > EXPRESSION_PLACEHOLDER_BYTES)
        return ERR(err, LF_VALIDATION,
                   "%s contains invalid key: The expression attribute map contains a key that is too long; size of key: %zu",
                   view->parameter, key.len);
    if (!lex_is_placeholder(key, view->marker))
        return ERR(err, LF_VALIDATION, "%s contains invalid key: Syntax error; key: \"%.*s\"", view->parameter, SPAN_ARG(key));
    return LF_OK;
}

static enum lf_code check_map(const struct map_view *view, struct err *err)
{
    if (view->count == 0)
        return ERR(err, LF_VALIDATION, "%s must not be empty", view->parameter);
    for (size_t i = 0; i < view->count; i++)
        TRY(check_key(view, placeholder_at(view, i), err));
    return LF_OK;
}

static enum lf_code check_names(const struct expression_inputs *inputs, struct err *err)
{
    for (size_t i = 0; i < inputs->name_count; i++)
        if (inputs->names[i].name.len == 0)
            return ERR(err, LF_VALIDATION, "ExpressionAttributeNames contains invalid value: Empty attribute name for key %.*s",
                       SPAN_ARG(inputs->names[i].placeholder));
    return LF_OK;
}

enum lf_code expression_inputs_check(const struct expression_inputs *inputs, bool has_expression, const char *absent_expressions,
                                     struct err *err)
{
    struct map_view names = names_view(inputs), values = values_view(inputs);
    if (inputs->has_names && !has_expression)
        return ERR(err, LF_VALIDATION, "ExpressionAttributeNames can only be specified when using expressions");
    if (inputs->has_values && absent_expressions)
        return ERR(err, LF_VALIDATION, "ExpressionAttributeValues can only be specified when using expressions: %s",
                   absent_expressions);
    if (inputs->has_names)
        TRY(check_map(&names, err));
    if (inputs->has_values)
        TRY(check_map(&values, err));
    return check_names(inputs, err);
}

/* --- what was not used: DynamoDB names the keys in the order of a Java HashMap, and so do we --- */

static uint32_t java_hash(struct span key)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < key.len; i++)
        hash = hash * 31 + (unsigned char)key.ptr[i];
    return hash ^ hash >> 16;
}

static size_t table_slots(size_t count)
{
    size_t slots = TABLE_SLOTS_MIN;
    while (slots / 4 * 3 < count)
        slots *= 2;
    return slots;
}

static bool is_used(const struct map_view *view, size_t i, const struct expression_inputs *inputs)
{
    return view->marker == '#' ? inputs->names[i].is_used : inputs->values[i].is_used;
}

static void put_slot(const struct map_view *view, const struct expression_inputs *inputs, size_t slot, size_t slots,
                     struct buf *keys)
{
    for (size_t i = 0; i < view->count; i++) {
        struct span key = placeholder_at(view, i);
        if (is_used(view, i, inputs) || (java_hash(key) & (slots - 1)) != slot)
            continue;
        buf_put_cstr(keys, keys->len ? ", " : "");
        buf_put_span(keys, key);
    }
}

static enum lf_code unused(const struct map_view *view, const struct expression_inputs *inputs, struct err *err)
{
    struct buf keys;
    size_t slots = table_slots(view->count);
    buf_init(&keys, MESSAGE_BYTES_MAX);
    for (size_t slot = 0; slot < slots && keys.len < ERR_MESSAGE_BYTES; slot++)
        put_slot(view, inputs, slot, slots, &keys);
    enum lf_code code =
        ERR(err, LF_VALIDATION, "Value provided in %s unused in expressions: keys: {%s}", view->parameter, buf_cstr(&keys));
    buf_done(&keys);
    return code;
}

enum lf_code expression_inputs_check_used(const struct expression_inputs *inputs, struct err *err)
{
    struct map_view names = names_view(inputs), values = values_view(inputs);
    for (size_t i = 0; i < names.count; i++)
        if (!inputs->names[i].is_used)
            return unused(&names, inputs, err);
    for (size_t i = 0; i < values.count; i++)
        if (!inputs->values[i].is_used)
            return unused(&values, inputs, err);
    return LF_OK;
}
