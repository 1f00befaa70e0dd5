/*
 *     update ::= { SET set { , set } | REMOVE path { , path } | ADD add { , add } | DELETE add { , add } }     each section once
 *     set ::= path = sum                add ::= path :value
 *     sum ::= operand [ ( + | - ) operand ] | ( sum )
 */
#include "expression/operators.h"
#include "expression/parser.h"
#include "expression/path.h"
#include "expression/update.h"

struct update_parser {
    struct parser parser;
    struct path_list paths;
    struct update_action *actions;
    size_t count;
    unsigned sections_seen; /* a bit 1 << update_verb each */
};

static enum lf_code take_sum(struct parser *parser, struct operand *ret_operand, struct err *err);

static enum lf_code take_group(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    if (parser->token.kind != TOKEN_OPEN)
        return parser_simple_operand(parser, ret_operand, err);
    TRY(parser_open(parser, err));
    TRY(take_sum(parser, ret_operand, err));
    TRY(parser_close(parser, ret_operand, err));
    return parser_check_parentheses(parser, ret_operand, err);
}

static enum lf_code take_sum(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    struct operand right;
    TRY(take_group(parser, ret_operand, err));
    enum token_kind kind = parser->token.kind;
    if (ret_operand->is_compound || (kind != TOKEN_PLUS && kind != TOKEN_MINUS))
        return LF_OK;
    parser_advance(parser);
    TRY(parser_operand(parser, &right, err));
    parser_use_as_operand(parser, ret_operand);
    parser_use_as_operand(parser, &right);
    const struct expression_node operands[2] = { ret_operand->node, right.node };
    TRY(parser_operator(parser, kind == TOKEN_PLUS ? NODE_PLUS : NODE_MINUS, operands, 2, ret_operand, err));
    ret_operand->is_compound = true;
    return LF_OK;
}

/* ADD takes numbers and sets, DELETE sets. */
static void check_change(struct parser *parser, enum update_verb verb, enum value_type type)
{
    bool is_allowed = value_member_type(type) != VALUE_TYPES || (verb == UPDATE_ADD && type == VALUE_N);
    const char *name = verb == UPDATE_ADD ? "ADD" : "DELETE";
    if (!is_allowed)
        DEFER(&parser->operand_error,
              "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s, "
              "typeSet: ALLOWED_FOR_%s_OPERAND",
              name, value_type_word(type), name);
}

static enum lf_code take_operand(struct parser *parser, enum update_verb verb, struct operand *ret_operand, struct err *err)
{
    if (verb == UPDATE_SET) {
        TRY(parser_expect(parser, TOKEN_EQUAL, err));
        return take_sum(parser, ret_operand, err);
    }
    TRY(parser_value(parser, ret_operand, err));
    check_change(parser, verb, ret_operand->node.value->type);
    return LF_OK;
}

static enum lf_code keep_node(const struct expression_node *node, struct arena *arena, const struct expression_node **ret_node,
                              struct err *err)
{
    struct expression_node *copy = arena_alloc(arena, sizeof *copy, err);
    if (!copy)
        return err->code;
    *copy = *node;
    *ret_node = copy;
    return LF_OK;
}

static enum lf_code take_action(struct update_parser *update, enum update_verb verb, struct err *err)
{
    struct update_action *action = &update->actions[update->count++];
    struct operand operand;
    TRY(path_list_take(&update->paths, &update->parser, err));
    *action = (struct update_action){ .verb = verb, .path = update->paths.paths[update->paths.count - 1] };
    update->parser.operand_error.is_stale = true;
    if (verb == UPDATE_REMOVE)
        return LF_OK;
    TRY(take_operand(&update->parser, verb, &operand, err));
    return keep_node(&operand.node, update->parser.arena, &action->operand, err);
}

static enum lf_code take_section(struct update_parser *update, struct err *err)
{
    static const char *const names[] = {
        [UPDATE_SET] = "SET", [UPDATE_REMOVE] = "REMOVE", [UPDATE_ADD] = "ADD", [UPDATE_DELETE] = "DELETE"
    };
    struct parser *parser = &update->parser;
    if (parser->token.kind < TOKEN_SET || parser->token.kind > TOKEN_DELETE)
        return parser_syntax_error(parser, err);
    enum update_verb verb = (enum update_verb)(parser->token.kind - TOKEN_SET);
    if (update->sections_seen & 1u << verb)
        DEFER(&parser->section_error,
              "Invalid UpdateExpression: The \"%s\" section can only be used once in an update expression;", names[verb]);
    update->sections_seen |= 1u << verb;
    parser_advance(parser);
    do {
        TRY(take_action(update, verb, err));
    } while (parser_take(parser, TOKEN_COMMA));
    return LF_OK;
}

static enum lf_code update_parser_init(struct update_parser *update, struct err *err)
{
    enum { ACTION_BYTES_MIN = 2 }; /* with what stands before the next one */
    struct parser *parser = &update->parser;
    update->count = update->sections_seen = 0;
    update->actions = arena_alloc(parser->arena, (parser->text.len / ACTION_BYTES_MIN + 1) * sizeof *update->actions, err);
    return update->actions ? path_list_init(&update->paths, parser, err) : err->code;
}

enum lf_code update_parse(struct span text, struct expression_inputs *inputs, struct arena *arena, struct update *ret_update,
                          struct err *err)
{
    struct update_parser update;
    TRY(parser_init(&update.parser, text, EXPRESSION_UPDATE, inputs, arena, err));
    TRY(update_parser_init(&update, err));
    do {
        TRY(take_section(&update, err));
    } while (update.parser.token.kind != TOKEN_END);
    TRY(parser_finish(&update.parser, &update.paths, err));
    *ret_update = (struct update){ .actions = update.actions, .count = update.count };
    return LF_OK;
}

enum lf_code update_check_keys(const struct update *update, const struct span *key_names, size_t key_name_count, struct err *err)
{
    for (size_t i = 0; i < update->count; i++) {
        struct span name = update->actions[i].path.elements[0].name;
        for (size_t key = 0; key < key_name_count; key++)
            if (span_equal(name, key_names[key]))
                return ERR(err, LF_VALIDATION,
                           "One or more parameter values were invalid: Cannot update attribute %.*s. This attribute is part of "
                           "the key",
                           SPAN_ARG(name));
    }
    return LF_OK;
}
