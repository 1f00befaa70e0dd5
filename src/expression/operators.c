#include "expression/operators.h"

#include "expression/evaluate.h"
#include "expression/parser.h"
#include "expression/path.h"

#define TYPE(type) (1u << (type))
#define TYPES_ORDERED (TYPE(VALUE_S) | TYPE(VALUE_N) | TYPE(VALUE_B))
#define TYPES_SIZED (~(TYPE(VALUE_N) | TYPE(VALUE_BOOL) | TYPE(VALUE_NULL)))

static const struct operator_rule rules[] = {
    [NODE_PATH] = { "", USE_NOWHERE, 0, 0, false, false },
    [NODE_VALUE] = { "", USE_NOWHERE, 0, 0, false, false },
    [NODE_SIZE] = { "size", USE_CONDITION_OPERAND, 1, TYPES_SIZED, false, false },
    [NODE_IF_NOT_EXISTS] = { "if_not_exists", USE_UPDATE_OPERAND, 2, 0, true, true },
    [NODE_LIST_APPEND] = { "list_append", USE_UPDATE, 2, TYPE(VALUE_L), false, false },
    [NODE_PLUS] = { "+", USE_SYMBOL, 2, TYPE(VALUE_N), false, false },
    [NODE_MINUS] = { "-", USE_SYMBOL, 2, TYPE(VALUE_N), false, false },
    [NODE_EQUAL] = { "=", USE_SYMBOL, 2, 0, false, true },
    [NODE_NOT_EQUAL] = { "<>", USE_SYMBOL, 2, 0, false, true },
    [NODE_LESS] = { "<", USE_SYMBOL, 2, TYPES_ORDERED, false, true },
    [NODE_LESS_OR_EQUAL] = { "<=", USE_SYMBOL, 2, TYPES_ORDERED, false, true },
    [NODE_GREATER] = { ">", USE_SYMBOL, 2, TYPES_ORDERED, false, true },
    [NODE_GREATER_OR_EQUAL] = { ">=", USE_SYMBOL, 2, TYPES_ORDERED, false, true },
    [NODE_BETWEEN] = { "BETWEEN", USE_SYMBOL, 3, TYPES_ORDERED, false, true },
    [NODE_IN] = { "IN", USE_SYMBOL, 0, 0, false, true },
    [NODE_ATTRIBUTE_EXISTS] = { "attribute_exists", USE_CONDITION, 1, 0, true, false },
    [NODE_ATTRIBUTE_NOT_EXISTS] = { "attribute_not_exists", USE_CONDITION, 1, 0, true, false },
    [NODE_ATTRIBUTE_TYPE] = { "attribute_type", USE_CONDITION, 2, 0, false, true },
    [NODE_BEGINS_WITH] = { "begins_with", USE_CONDITION, 2, TYPE(VALUE_S) | TYPE(VALUE_B), false, true },
    [NODE_CONTAINS] = { "contains", USE_CONDITION, 2, 0, false, true },
    [NODE_AND] = { "AND", USE_SYMBOL, 0, 0, false, false },
    [NODE_OR] = { "OR", USE_SYMBOL, 0, 0, false, false },
    [NODE_NOT] = { "NOT", USE_SYMBOL, 1, 0, false, false },
};

const struct operator_rule *operator_rule(enum expression_node_kind kind)
{
    return &rules[kind];
}

enum expression_node_kind operator_function(struct span name)
{
    for (enum expression_node_kind kind = NODE_SIZE; kind <= NODE_NOT; kind++)
        if (rules[kind].use > USE_SYMBOL && span_equal(name, span_from_cstr(rules[kind].name)))
            return kind;
    return NODE_PATH;
}

const char *value_type_word(enum value_type type)
{
    static const char *const words[VALUE_TYPES] = {
        [VALUE_S] = "STRING",  [VALUE_N] = "NUMBER",      [VALUE_B] = "BINARY",      [VALUE_BOOL] = "BOOLEAN",
        [VALUE_NULL] = "NULL", [VALUE_SS] = "STRING_SET", [VALUE_NS] = "NUMBER_SET", [VALUE_BS] = "BINARY_SET",
        [VALUE_L] = "LIST",    [VALUE_M] = "MAP",
    };
    return words[type];
}

/* The type an operand has whatever the item is; VALUE_TYPES when that depends on the item. */
static enum value_type known_type(const struct expression_node *operand)
{
    if (operand->kind == NODE_VALUE)
        return operand->value->type;
    return operand->kind == NODE_SIZE ? VALUE_N : VALUE_TYPES;
}

static enum lf_code check_count(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    const struct operator_rule *rule = operator_rule(node->kind);
    if (node->kind == NODE_IN && node->operand_count - 1 > EXPRESSION_IN_OPERANDS_MAX)
        return ERR(err, LF_VALIDATION, "Invalid %s: The IN operator is provided with too many operands; number of operands: %zu",
                   expression_kind_name(kind), node->operand_count - 1);
    if (rule->operand_count && node->operand_count != rule->operand_count)
        return ERR(err, LF_VALIDATION,
                   "Invalid %s: Incorrect number of operands for operator or function; operator or function: %s, number of "
                   "operands: %zu",
                   expression_kind_name(kind), rule->name, node->operand_count);
    return LF_OK;
}

static enum lf_code wrong_type(const char *operator_name, const char *type_name, enum expression_kind kind, struct err *err)
{
    return ERR(err, LF_VALIDATION,
               "Invalid %s: Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
               expression_kind_name(kind), operator_name, type_name);
}

static enum lf_code check_types(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    const struct operator_rule *rule = operator_rule(node->kind);
    if (rule->requires_path && node->operands[0].kind != NODE_PATH)
        return ERR(err, LF_VALIDATION, "Invalid %s: Operator or function requires a document path; operator or function: %s",
                   expression_kind_name(kind), rule->name);
    if (!rule->types)
        return LF_OK;
    for (size_t i = 0; i < node->operand_count; i++) {
        enum value_type type = known_type(&node->operands[i]);
        if (type != VALUE_TYPES && !(rule->types & TYPE(type)))
            return wrong_type(rule->name, value_type_name(type), kind, err);
    }
    return LF_OK;
}

static enum lf_code check_distinct(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    const struct operator_rule *rule = operator_rule(node->kind);
    const struct expression_node *first = &node->operands[0];
    if (!rule->is_distinct || first->kind != NODE_PATH)
        return LF_OK;
    for (size_t i = 1; i < node->operand_count; i++) {
        if (node->operands[i].kind != NODE_PATH || !document_path_equal(&first->path, &node->operands[i].path))
            continue;
        char text[PATH_TEXT_BYTES];
        return ERR(err, LF_VALIDATION,
                   "Invalid %s: The first operand must be distinct from the remaining operands for this operator or function; "
                   "operator: %s, first operand: %s",
                   expression_kind_name(kind), rule->name, document_path_text(&first->path, text));
    }
    return LF_OK;
}

static enum lf_code check_type_name(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    const struct expression_node *operand = &node->operands[1];
    enum value_type named, type = known_type(operand);
    if (type != VALUE_S)
        return wrong_type(operator_rule(node->kind)->name,
                          type == VALUE_TYPES ? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}" : value_type_name(type), kind, err);
    if (!value_type_from_name(operand->value->bytes, &named))
        return ERR(err, LF_VALIDATION,
                   "Invalid %s: Invalid attribute type name found; type: %.*s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
                   expression_kind_name(kind), SPAN_ARG(operand->value->bytes));
    return LF_OK;
}

static enum lf_code check_bounds(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    const struct expression_node *lower = &node->operands[1], *upper = &node->operands[2];
    if (lower->kind != NODE_VALUE || upper->kind != NODE_VALUE)
        return LF_OK;
    const char *rule = lower->value->type != upper->value->type      ? "same data type for lower and upper bounds"
                       : value_order(lower->value, upper->value) > 0 ? "upper bound to be greater than or equal to lower bound"
                                                                     : NULL;
    if (!rule)
        return LF_OK;
    char lower_text[VALUE_TEXT_BYTES], upper_text[VALUE_TEXT_BYTES];
    return ERR(err, LF_VALIDATION,
               "Invalid %s: The BETWEEN operator requires %s; lower bound operand: %s, upper bound operand: %s",
               expression_kind_name(kind), rule, expression_value_text(lower->value, lower_text),
               expression_value_text(upper->value, upper_text));
}

enum lf_code operator_check(const struct expression_node *node, enum expression_kind kind, struct err *err)
{
    TRY(check_count(node, kind, err));
    TRY(check_types(node, kind, err));
    TRY(check_distinct(node, kind, err));
    if (node->kind == NODE_ATTRIBUTE_TYPE)
        TRY(check_type_name(node, kind, err));
    if (node->kind == NODE_BETWEEN)
        TRY(check_bounds(node, kind, err));
    return LF_OK;
}
