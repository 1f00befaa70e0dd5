#include "expression/evaluate.h"

#include "item/canonical.h"

int value_order(const struct value *a, const struct value *b)
{
    return a->type == VALUE_N ? number_compare(a->number, b->number) : span_compare(a->bytes, b->bytes);
}

/* Length of a string as DynamoDB's size counts it: UTF-16 units, two for each character that takes four bytes. */
static size_t utf16_units(struct span text)
{
    enum { CONTINUATION_MASK = 0xC0, CONTINUATION = 0x80, FOUR_BYTES = 0xF0 };
    size_t units = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        units += (byte & CONTINUATION_MASK) != CONTINUATION;
        units += byte >= FOUR_BYTES;
    }
    return units;
}

/* False for types that have no size. */
static bool size_of(const struct value *value, size_t *ret_size)
{
    switch (value->type) {
    case VALUE_S:
        *ret_size = utf16_units(value->bytes);
        return true;
    case VALUE_B:
        *ret_size = value->bytes.len;
        return true;
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
    case VALUE_L:
        *ret_size = value->list.count;
        return true;
    case VALUE_M:
        *ret_size = value->map.count;
        return true;
    default:
        return false;
    }
}

/* NULL when there is none. A size is put into `scratch`. */
static const struct value *operand_value(const struct expression_node *operand, const struct item *item, struct value *scratch)
{
    if (operand->kind == NODE_VALUE)
        return operand->value;
    if (operand->kind == NODE_PATH)
        return document_path_get(&operand->path, item);
    struct value inner;
    size_t size;
    const struct value *sized = operand_value(&operand->operands[0], item, &inner);
    if (!sized || !size_of(sized, &size))
        return NULL;
    *scratch = value_number(number_from_int64((int64_t)size));
    return scratch;
}

static bool is_ordered(const struct value *a, const struct value *b)
{
    return a && b && a->type == b->type && a->type <= VALUE_B;
}

static bool compares(enum expression_node_kind kind, const struct value *a, const struct value *b)
{
    if (kind == NODE_EQUAL)
        return a && b && value_equal(a, b);
    if (kind == NODE_NOT_EQUAL)
        return !(a && b && value_equal(a, b));
    if (!is_ordered(a, b))
        return false;
    int order = value_order(a, b);
    switch (kind) {
    case NODE_LESS:
        return order < 0;
    case NODE_LESS_OR_EQUAL:
        return order <= 0;
    case NODE_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool begins_with(const struct value *value, const struct value *prefix)
{
    return is_ordered(value, prefix) && value->type != VALUE_N && span_starts_with(value->bytes, prefix->bytes);
}

static bool has_member(const struct value *collection, const struct value *member)
{
    for (size_t i = 0; i < collection->list.count; i++)
        if (value_equal(&collection->list.values[i], member))
            return true;
    return false;
}

static bool contains(const struct value *value, const struct value *part)
{
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        return part->type == value->type && span_find(value->bytes, part->bytes) + part->bytes.len <= value->bytes.len;
    case VALUE_L:
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return has_member(value, part);
    default:
        return false;
    }
}

static bool holds_between(const struct expression_node *node, const struct item *item)
{
    struct value scratch[3];
    const struct value *value = operand_value(&node->operands[0], item, &scratch[0]);
    const struct value *lower = operand_value(&node->operands[1], item, &scratch[1]);
    const struct value *upper = operand_value(&node->operands[2], item, &scratch[2]);
    return compares(NODE_GREATER_OR_EQUAL, value, lower) && compares(NODE_LESS_OR_EQUAL, value, upper);
}

static bool holds_in(const struct expression_node *node, const struct item *item)
{
    struct value scratch[2];
    const struct value *value = operand_value(&node->operands[0], item, &scratch[0]);
    for (size_t i = 1; value && i < node->operand_count; i++)
        if (compares(NODE_EQUAL, value, operand_value(&node->operands[i], item, &scratch[1])))
            return true;
    return false;
}

static bool has_named_type(const struct value *value, const struct value *type_name)
{
    return span_equal(span_from_cstr(value_type_name(value->type)), type_name->bytes);
}

/* Operators and functions of two operands. */
static bool holds_pair(const struct expression_node *node, const struct item *item)
{
    struct value scratch[2];
    const struct value *a = operand_value(&node->operands[0], item, &scratch[0]);
    const struct value *b = operand_value(&node->operands[1], item, &scratch[1]);
    switch (node->kind) {
    case NODE_ATTRIBUTE_TYPE:
        return a && has_named_type(a, b);
    case NODE_BEGINS_WITH:
        return begins_with(a, b);
    case NODE_CONTAINS:
        return a && b && contains(a, b);
    default:
        return compares(node->kind, a, b);
    }
}

static bool holds(const struct expression_node *node, const struct item *item);

static bool all_hold(const struct expression_node *node, const struct item *item)
{
    for (size_t i = 0; i < node->operand_count; i++)
        if (!holds(&node->operands[i], item))
            return false;
    return true;
}

static bool any_holds(const struct expression_node *node, const struct item *item)
{
    for (size_t i = 0; i < node->operand_count; i++)
        if (holds(&node->operands[i], item))
            return true;
    return false;
}

static bool holds(const struct expression_node *node, const struct item *item)
{
    switch (node->kind) {
    case NODE_AND:
        return all_hold(node, item);
    case NODE_OR:
        return any_holds(node, item);
    case NODE_NOT:
        return !holds(&node->operands[0], item);
    case NODE_ATTRIBUTE_EXISTS:
        return document_path_get(&node->operands[0].path, item) != NULL;
    case NODE_ATTRIBUTE_NOT_EXISTS:
        return document_path_get(&node->operands[0].path, item) == NULL;
    case NODE_BETWEEN:
        return holds_between(node, item);
    case NODE_IN:
        return holds_in(node, item);
    default:
        return holds_pair(node, item);
    }
}

bool condition_holds(const struct expression_node *condition, const struct item *item)
{
    static const struct item nothing = { NULL, 0 };
    return !condition || holds(condition, item ? item : &nothing);
}
