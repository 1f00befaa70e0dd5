#include "expression/operators.h"
#include "expression/partiql_parser.h"

enum lf_code partiql_plain(enum lf_code code, struct err *err)
{
    static const struct span prefix = { "Invalid ", 8 };
    struct span message = span_from_cstr(err->message);
    size_t end = span_find(message, SPAN("Expression: "));
    if (code != LF_VALIDATION || !span_starts_with(message, prefix) || end == message.len)
        return code;
    end += sizeof "Expression: " - 1;
    memmove(err->message, err->message + end, message.len - end + 1);
    return code;
}

enum lf_code partiql_operator(struct partiql_parser *parser, enum expression_node_kind kind,
                              const struct expression_node *operands, size_t count, struct expression_node *ret_node,
                              struct err *err)
{
    struct expression_node *copy = arena_alloc(parser->arena, count * sizeof *copy, err);
    if (!copy)
        return err->code;
    memcpy(copy, operands, count * sizeof *copy);
    *ret_node = (struct expression_node){ .kind = kind, .operands = copy, .operand_count = count };
    return partiql_plain(operator_check(ret_node, EXPRESSION_FILTER, err), err);
}

/* --- operands --- */

static enum lf_code keep_value(struct partiql_parser *parser, const struct value *value, struct expression_node *ret_node,
                               struct err *err)
{
    struct value *copy = arena_alloc(parser->arena, sizeof *copy, err);
    if (!copy)
        return err->code;
    *copy = *value;
    *ret_node = (struct expression_node){ .kind = NODE_VALUE, .value = copy };
    return LF_OK;
}

static bool is_condition(const struct expression_node *node)
{
    return node->kind >= NODE_EQUAL;
}

static enum lf_code require_operand(const struct expression_node *node, struct err *err)
{
    return is_condition(node)
               ? ERR(err, LF_VALIDATION, "The function is not allowed to be used this way in an expression; function: %s",
                     operator_rule(node->kind)->name)
               : LF_OK;
}

static bool is_known(const struct partiql_parser *parser, enum expression_node_kind kind)
{
    enum operator_use use = operator_rule(kind)->use;
    if (parser->is_assignment)
        return use == USE_UPDATE || use == USE_UPDATE_OPERAND;
    return use == USE_CONDITION || use == USE_CONDITION_OPERAND;
}

/* Behind the name and '('. */
static enum lf_code function(struct partiql_parser *parser, struct span name, struct expression_node *ret_node, struct err *err)
{
    struct node_list list = { 0 };
    enum expression_node_kind kind = operator_function(name);
    if (!is_known(parser, kind))
        return ERR(err, LF_VALIDATION, "Unrecognized function: %.*s", SPAN_ARG(name));
    TRY(partiql_enter(parser, err));
    do {
        struct expression_node operand;
        TRY(partiql_operand(parser, &operand, err));
        TRY(require_operand(&operand, err));
        TRY(node_list_add(&list, &operand, parser->arena, err));
    } while (partiql_take_symbol(parser, ","));
    parser->depth--;
    TRY(partiql_expect_symbol(parser, ")", err));
    return partiql_operator(parser, kind, list.nodes, list.count, ret_node, err);
}

static bool is_call(const struct partiql_parser *parser)
{
    struct span rest = parser->rest;
    return parser->token.kind == PARTIQL_WORD && !partiql_is_keyword(parser->token) && partiql_is_symbol(partiql_lex(&rest), "(");
}

enum lf_code partiql_operand(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err)
{
    struct value value;
    if (partiql_at_value(parser)) {
        TRY(partiql_value(parser, &value, err));
        return keep_value(parser, &value, ret_node, err);
    }
    if (is_call(parser)) {
        struct span name = parser->token.text;
        partiql_advance(parser);
        partiql_advance(parser);
        return function(parser, name, ret_node, err);
    }
    ret_node->kind = NODE_PATH;
    return partiql_path(parser, &ret_node->path, err);
}

/* --- predicates --- */

static enum lf_code right_operand(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err)
{
    bool is_parenthesized = partiql_take_symbol(parser, "(");
    TRY(partiql_operand(parser, ret_node, err));
    TRY(require_operand(ret_node, err));
    return is_parenthesized ? partiql_expect_symbol(parser, ")", err) : LF_OK;
}

static bool take_comparator(struct partiql_parser *parser, enum expression_node_kind *ret_kind)
{
    static const struct {
        const char *symbol;
        enum expression_node_kind kind;
    } comparators[] = {
        { "=", NODE_EQUAL },          { "<>", NODE_NOT_EQUAL }, { "!=", NODE_NOT_EQUAL },        { "<", NODE_LESS },
        { "<=", NODE_LESS_OR_EQUAL }, { ">", NODE_GREATER },    { ">=", NODE_GREATER_OR_EQUAL },
    };
    for (size_t i = 0; i < sizeof comparators / sizeof *comparators; i++) {
        if (partiql_take_symbol(parser, comparators[i].symbol)) {
            *ret_kind = comparators[i].kind;
            return true;
        }
    }
    return false;
}

static enum lf_code negate(struct partiql_parser *parser, bool is_negated, struct expression_node *node, struct err *err)
{
    struct expression_node inner = *node;
    return is_negated ? partiql_operator(parser, NODE_NOT, &inner, 1, node, err) : LF_OK;
}

static enum lf_code take_between(struct partiql_parser *parser, struct expression_node *node, struct err *err)
{
    struct expression_node operands[3] = { *node };
    TRY(right_operand(parser, &operands[1], err));
    TRY(partiql_expect_word(parser, "and", err));
    TRY(right_operand(parser, &operands[2], err));
    return partiql_operator(parser, NODE_BETWEEN, operands, 3, node, err);
}

/* [1, 2] or (1, 2) */
static enum lf_code take_in(struct partiql_parser *parser, struct expression_node *node, struct err *err)
{
    struct node_list list = { 0 };
    bool is_list = partiql_take_symbol(parser, "[");
    if (!is_list)
        TRY(partiql_expect_symbol(parser, "(", err));
    TRY(node_list_add(&list, node, parser->arena, err));
    do {
        struct expression_node candidate;
        TRY(partiql_operand(parser, &candidate, err));
        TRY(require_operand(&candidate, err));
        TRY(node_list_add(&list, &candidate, parser->arena, err));
    } while (partiql_take_symbol(parser, ","));
    TRY(partiql_expect_symbol(parser, is_list ? "]" : ")", err));
    return partiql_operator(parser, NODE_IN, list.nodes, list.count, node, err);
}

/* IS [NOT] MISSING: whether the attribute is there; IS [NOT] NULL: whether it is of that type. */
static enum lf_code take_is(struct partiql_parser *parser, struct expression_node *node, struct err *err)
{
    static const struct value null_name = { .type = VALUE_S, .bytes = { "NULL", 4 } };
    bool is_negated = partiql_take_word(parser, "not");
    struct expression_node operands[2] = { *node, { .kind = NODE_VALUE, .value = &null_name } };
    if (partiql_take_word(parser, "missing"))
        return partiql_operator(parser, is_negated ? NODE_ATTRIBUTE_EXISTS : NODE_ATTRIBUTE_NOT_EXISTS, operands, 1, node, err);
    TRY(partiql_expect_word(parser, "null", err));
    TRY(partiql_operator(parser, NODE_ATTRIBUTE_TYPE, operands, 2, node, err));
    return negate(parser, is_negated, node, err);
}

static enum lf_code unsupported_operator(const struct partiql_parser *parser, struct err *err)
{
    if (partiql_is_symbol(parser->token, "+") || partiql_is_symbol(parser->token, "-") || partiql_is_symbol(parser->token, "*") ||
        partiql_is_word(parser->token, "like"))
        return ERR(err, LF_VALIDATION, "Unsupported operator in Condition Expression. Operator: %.*s",
                   SPAN_ARG(parser->token.text));
    return LF_OK;
}

static enum lf_code take_rest(struct partiql_parser *parser, struct expression_node *node, struct err *err)
{
    enum expression_node_kind kind;
    if (take_comparator(parser, &kind)) {
        struct expression_node operands[2] = { *node };
        TRY(right_operand(parser, &operands[1], err));
        return partiql_operator(parser, kind, operands, 2, node, err);
    }
    if (partiql_take_word(parser, "is"))
        return take_is(parser, node, err);
    bool is_negated = partiql_take_word(parser, "not");
    if (partiql_take_word(parser, "between"))
        TRY(take_between(parser, node, err));
    else if (partiql_take_word(parser, "in"))
        TRY(take_in(parser, node, err));
    else
        return is_negated ? partiql_malformed(parser, err) : unsupported_operator(parser, err);
    return negate(parser, is_negated, node, err);
}

/* Anything in parentheses, or an operand. */
static enum lf_code take_group(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err)
{
    if (!partiql_take_symbol(parser, "("))
        return partiql_operand(parser, ret_node, err);
    TRY(partiql_enter(parser, err));
    TRY(partiql_condition(parser, ret_node, err));
    parser->depth--;
    return partiql_expect_symbol(parser, ")", err);
}

enum lf_code partiql_require_condition(const struct expression_node *node, struct err *err)
{
    return is_condition(node) ? LF_OK
                              : ERR(err, LF_VALIDATION, "WHERE clause must contain an expression that resolves to a boolean");
}

static enum lf_code take_term(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err)
{
    size_t negations = 0;
    while (partiql_take_word(parser, "not"))
        negations++;
    TRY(take_group(parser, ret_node, err));
    if (!is_condition(ret_node))
        TRY(take_rest(parser, ret_node, err));
    if (negations)
        TRY(partiql_require_condition(ret_node, err));
    return negate(parser, negations % 2 == 1, ret_node, err);
}

static enum lf_code take_junction(struct partiql_parser *parser, bool is_or, struct expression_node *ret_node, struct err *err)
{
    struct node_list list = { 0 };
    do {
        TRY(is_or ? take_junction(parser, false, ret_node, err) : take_term(parser, ret_node, err));
        if (list.count || partiql_is_word(parser->token, is_or ? "or" : "and"))
            TRY(partiql_require_condition(ret_node, err));
        TRY(node_list_add(&list, ret_node, parser->arena, err));
    } while (partiql_take_word(parser, is_or ? "or" : "and"));
    if (list.count > 1)
        *ret_node =
            (struct expression_node){ .kind = is_or ? NODE_OR : NODE_AND, .operands = list.nodes, .operand_count = list.count };
    return LF_OK;
}

enum lf_code partiql_condition(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err)
{
    return take_junction(parser, true, ret_node, err);
}
