/*
 *     condition ::= conjunction { OR conjunction }         The left operand of a comparison and a condition may both begin with
 *     conjunction ::= term { AND term }                    '('. So the inside of parentheses is read as whatever it is, and what
 *     term ::= { NOT } predicate                           follows the ')' tells whether that will do.
 *     predicate ::= function | ( condition ) | operand comparator operand
 *                 | operand BETWEEN operand AND operand | operand IN ( operand { , operand } )
 */
#include "expression/operators.h"
#include "expression/parser.h"

static enum lf_code take_junction(struct parser *parser, enum token_kind junction, struct operand *ret_operand, struct err *err);

static enum lf_code take_group(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    if (parser->token.kind != TOKEN_OPEN)
        return parser_simple_operand(parser, ret_operand, err);
    TRY(parser_open(parser, err));
    TRY(take_junction(parser, TOKEN_OR, ret_operand, err));
    TRY(parser_close(parser, ret_operand, err));
    bool may_be_condition = ret_operand->node.kind != NODE_PATH && ret_operand->node.kind != NODE_VALUE;
    return may_be_condition ? parser_check_parentheses(parser, ret_operand, err) : LF_OK;
}

static enum lf_code take_right_operand(struct parser *parser, struct expression_node *ret_node, struct err *err)
{
    struct operand operand;
    TRY(parser_operand(parser, &operand, err));
    parser_use_as_operand(parser, &operand);
    *ret_node = operand.node;
    return LF_OK;
}

/* The operator over these operands in place of its first one. */
static enum lf_code become(struct parser *parser, enum expression_node_kind kind, const struct expression_node *operands,
                           size_t count, struct operand *operand, struct err *err)
{
    TRY(parser_operator(parser, kind, operands, count, operand, err));
    operand->is_compound = true;
    return LF_OK;
}

static enum lf_code take_comparison(struct parser *parser, struct operand *operand, struct err *err)
{
    static const enum expression_node_kind kinds[] = {
        [TOKEN_EQUAL] = NODE_EQUAL,     [TOKEN_NOT_EQUAL] = NODE_NOT_EQUAL,
        [TOKEN_LESS] = NODE_LESS,       [TOKEN_LESS_OR_EQUAL] = NODE_LESS_OR_EQUAL,
        [TOKEN_GREATER] = NODE_GREATER, [TOKEN_GREATER_OR_EQUAL] = NODE_GREATER_OR_EQUAL,
    };
    struct expression_node operands[2] = { operand->node };
    enum expression_node_kind kind = kinds[parser->token.kind];
    parser_advance(parser);
    TRY(take_right_operand(parser, &operands[1], err));
    return become(parser, kind, operands, 2, operand, err);
}

static enum lf_code take_between(struct parser *parser, struct operand *operand, struct err *err)
{
    struct expression_node operands[3] = { operand->node };
    parser_advance(parser);
    TRY(take_right_operand(parser, &operands[1], err));
    TRY(parser_expect(parser, TOKEN_AND, err));
    TRY(take_right_operand(parser, &operands[2], err));
    return become(parser, NODE_BETWEEN, operands, 3, operand, err);
}

static enum lf_code take_in(struct parser *parser, struct operand *operand, struct err *err)
{
    struct node_list list = { 0 };
    struct expression_node candidate;
    TRY(node_list_add(&list, &operand->node, parser->arena, err));
    parser_advance(parser);
    TRY(parser_expect(parser, TOKEN_OPEN, err));
    do {
        TRY(take_right_operand(parser, &candidate, err));
        TRY(node_list_add(&list, &candidate, parser->arena, err));
    } while (parser_take(parser, TOKEN_COMMA));
    TRY(parser_expect(parser, TOKEN_CLOSE, err));
    return become(parser, NODE_IN, list.nodes, list.count, operand, err);
}

static bool is_comparator(enum token_kind kind)
{
    return kind >= TOKEN_EQUAL && kind <= TOKEN_GREATER_OR_EQUAL;
}

static enum lf_code take_predicate(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    TRY(take_group(parser, ret_operand, err));
    enum token_kind kind = parser->token.kind;
    bool is_operator = is_comparator(kind) || kind == TOKEN_BETWEEN || kind == TOKEN_IN;
    if (ret_operand->is_compound || !is_operator)
        return LF_OK;
    TRY(parser_check_parentheses(parser, ret_operand, err));
    parser_use_as_operand(parser, ret_operand);
    if (kind == TOKEN_BETWEEN)
        return take_between(parser, ret_operand, err);
    return kind == TOKEN_IN ? take_in(parser, ret_operand, err) : take_comparison(parser, ret_operand, err);
}

/* What has been read must be a condition; if not, the token is where one was expected to go on. */
static enum lf_code require_condition(struct parser *parser, const struct operand *operand, struct err *err)
{
    if (operand->is_compound)
        return LF_OK;
    bool is_function = operand->node.kind != NODE_PATH && operand->node.kind != NODE_VALUE;
    if (!is_function)
        return parser_syntax_error(parser, err);
    if (operator_rule(operand->node.kind)->use != USE_CONDITION)
        parser_misused(parser, operand);
    return LF_OK;
}

static enum lf_code take_term(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    size_t negations = 0;
    while (parser_take(parser, TOKEN_NOT))
        negations++;
    TRY(take_predicate(parser, ret_operand, err));
    if (negations)
        TRY(require_condition(parser, ret_operand, err));
    for (; negations; negations--) {
        struct expression_node negated = ret_operand->node;
        TRY(become(parser, NODE_NOT, &negated, 1, ret_operand, err));
    }
    return LF_OK;
}

static enum lf_code take_part(struct parser *parser, enum token_kind junction, struct operand *ret_operand, struct err *err)
{
    return junction == TOKEN_OR ? take_junction(parser, TOKEN_AND, ret_operand, err) : take_term(parser, ret_operand, err);
}

static enum lf_code take_junction(struct parser *parser, enum token_kind junction, struct operand *ret_operand, struct err *err)
{
    struct node_list list = { 0 };
    TRY(take_part(parser, junction, ret_operand, err));
    if (parser->token.kind != junction)
        return LF_OK;
    TRY(require_condition(parser, ret_operand, err));
    TRY(node_list_add(&list, &ret_operand->node, parser->arena, err));
    while (parser_take(parser, junction)) {
        parser->operators++;
        TRY(take_part(parser, junction, ret_operand, err));
        TRY(require_condition(parser, ret_operand, err));
        TRY(node_list_add(&list, &ret_operand->node, parser->arena, err));
    }
    enum expression_node_kind kind = junction == TOKEN_OR ? NODE_OR : NODE_AND;
    *ret_operand =
        (struct operand){ .node = { .kind = kind, .operands = list.nodes, .operand_count = list.count }, .is_compound = true };
    return LF_OK;
}

enum lf_code expression_parse_condition(struct span text, enum expression_kind kind, struct expression_inputs *inputs,
                                        struct arena *arena, const struct expression_node **ret_root, struct err *err)
{
    struct parser parser;
    struct operand operand;
    TRY(parser_init(&parser, text, kind, inputs, arena, err));
    TRY(take_junction(&parser, TOKEN_OR, &operand, err));
    TRY(require_condition(&parser, &operand, err));
    TRY(parser_finish(&parser, NULL, err));
    struct expression_node *root = arena_alloc(arena, sizeof *root, err);
    if (!root)
        return err->code;
    *root = operand.node;
    *ret_root = root;
    return LF_OK;
}
