#include "expression/parser.h"

#include "expression/operators.h"
#include "expression/path.h"

enum { LIST_INDEX_DIGITS_MAX = 10 };
#define LIST_INDEX_MAX ((uint64_t)INT32_MAX)

const char *expression_kind_name(enum expression_kind kind)
{
    static const char *const names[] = {
        [EXPRESSION_CONDITION] = "ConditionExpression",
        [EXPRESSION_FILTER] = "FilterExpression",
        [EXPRESSION_KEY_CONDITION] = "KeyConditionExpression",
        [EXPRESSION_PROJECTION] = "ProjectionExpression",
        [EXPRESSION_UPDATE] = "UpdateExpression",
    };
    return names[kind];
}

static const char *kind_name(const struct parser *parser)
{
    return expression_kind_name(parser->kind);
}

static void fault_clear(struct fault *fault)
{
    fault->err.code = LF_OK;
    fault->is_stale = false;
}

/* --- tokens --- */

static enum lf_code check_text(struct span text, enum expression_kind kind, struct err *err)
{
    if (text.len == 0)
        return ERR(err, LF_VALIDATION, "Invalid %s: The expression can not be empty;", expression_kind_name(kind));
    if (text.len > EXPRESSION_BYTES_MAX)
        return ERR(err, LF_VALIDATION, "Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %zu",
                   expression_kind_name(kind), text.len);
    return LF_OK;
}

enum lf_code parser_init(struct parser *parser, struct span text, enum expression_kind kind, struct expression_inputs *inputs,
                         struct arena *arena, struct err *err)
{
    TRY(check_text(text, kind, err));
    parser->text = text;
    parser->kind = kind;
    parser->inputs = inputs;
    parser->arena = arena;
    parser->previous = (struct token){ TOKEN_END, 0, 0 };
    parser->token = lex_token(text, 0);
    parser->next = lex_token(text, parser->token.at + parser->token.len);
    parser->depth = 0;
    parser->operators = 0;
    fault_clear(&parser->word_error);
    fault_clear(&parser->section_error);
    fault_clear(&parser->path_error);
    fault_clear(&parser->operand_error);
    return LF_OK;
}

void parser_advance(struct parser *parser)
{
    parser->previous = parser->token;
    parser->token = parser->next;
    parser->next = lex_token(parser->text, parser->next.at + parser->next.len);
}

bool parser_take(struct parser *parser, enum token_kind kind)
{
    if (parser->token.kind != kind)
        return false;
    parser_advance(parser);
    return true;
}

/* What is near the token: from the one before it to the one behind it, or to the end of the text. */
static struct span near_token(const struct parser *parser)
{
    size_t start = parser->previous.kind == TOKEN_END ? parser->token.at : parser->previous.at;
    size_t end = parser->next.kind == TOKEN_END ? parser->text.len : parser->next.at + parser->next.len;
    if (parser->token.kind == TOKEN_END && parser->previous.kind == TOKEN_END)
        start = 0;
    return span_of(parser->text.ptr + start, end - start);
}

enum lf_code parser_syntax_error(const struct parser *parser, struct err *err)
{
    bool is_end = parser->token.kind == TOKEN_END;
    struct span token = is_end ? SPAN("<EOF>") : token_text(parser->text, parser->token);
    struct span near = near_token(parser);
    return ERR(err, LF_VALIDATION, "Invalid %s: Syntax error; token: \"%.*s\", near: \"%.*s\"", kind_name(parser),
               SPAN_ARG(token), SPAN_ARG(near));
}

enum lf_code parser_expect(struct parser *parser, enum token_kind kind, struct err *err)
{
    return parser_take(parser, kind) ? LF_OK : parser_syntax_error(parser, err);
}

/* Of the faults of words the first in the text is kept; they are not found in that order. */
static struct fault *word_fault(struct parser *parser, size_t at)
{
    if (parser->word_error.err.code != LF_OK && parser->word_at <= at)
        return &parser->word_error;
    parser->word_at = at;
    fault_clear(&parser->word_error);
    return &parser->word_error;
}

/* --- paths and values --- */

static struct expression_name *find_name(const struct expression_inputs *inputs, struct span placeholder)
{
    for (size_t i = 0; i < inputs->name_count; i++)
        if (span_equal(inputs->names[i].placeholder, placeholder))
            return &inputs->names[i];
    return NULL;
}

static struct expression_value *find_value(const struct expression_inputs *inputs, struct span placeholder)
{
    for (size_t i = 0; i < inputs->value_count; i++)
        if (span_equal(inputs->values[i].placeholder, placeholder))
            return &inputs->values[i];
    return NULL;
}

static struct span defined_name(struct parser *parser, struct span placeholder, struct fault *fault)
{
    struct expression_name *name = find_name(parser->inputs, placeholder);
    if (!name) {
        DEFER(fault, "Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %.*s",
              kind_name(parser), SPAN_ARG(placeholder));
        return placeholder;
    }
    name->is_used = true;
    return name->name;
}

/* Behind `count` elements. */
static enum lf_code take_name(struct parser *parser, size_t count, struct fault *fault, struct path_element *ret_element,
                              struct err *err)
{
    struct span text = token_text(parser->text, parser->token);
    size_t at = parser->token.at;
    bool is_value = count > 0 && parser_take(parser, TOKEN_VALUE); /* never defined as a name */
    if (is_value || parser_take(parser, TOKEN_NAME_PLACEHOLDER)) {
        *ret_element = (struct path_element){ .name = defined_name(parser, text, fault) };
        return LF_OK;
    }
    TRY(parser_expect(parser, TOKEN_NAME, err));
    if (expression_is_reserved(text))
        DEFER(word_fault(parser, at), "Invalid %s: Attribute name is a reserved keyword; reserved keyword: %.*s",
              kind_name(parser), SPAN_ARG(text));
    *ret_element = (struct path_element){ .name = text };
    return LF_OK;
}

static uint64_t index_value(struct span digits)
{
    uint64_t value = 0;
    if (digits.len > LIST_INDEX_DIGITS_MAX)
        return UINT64_MAX;
    for (size_t i = 0; i < digits.len; i++)
        value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
    return value;
}

/* Behind the '['. */
static enum lf_code take_index(struct parser *parser, struct path_element *ret_element, struct err *err)
{
    struct span digits = token_text(parser->text, parser->token);
    size_t at = parser->token.at;
    TRY(parser_expect(parser, TOKEN_INDEX, err));
    TRY(parser_expect(parser, TOKEN_BRACKET_CLOSE, err));
    uint64_t value = index_value(digits);
    if (value > LIST_INDEX_MAX)
        DEFER(word_fault(parser, at), "Invalid %s: List index is not within the allowable range; index: [%.*s]",
              kind_name(parser), SPAN_ARG(digits));
    *ret_element = (struct path_element){ .index = (size_t)value };
    return LF_OK;
}

static enum lf_code copy_path(struct parser *parser, const struct path_element *elements, size_t count,
                              struct document_path *ret_path, struct err *err)
{
    struct path_element *copy = arena_alloc(parser->arena, count * sizeof *copy, err);
    if (!copy)
        return err->code;
    memcpy(copy, elements, count * sizeof *copy);
    *ret_path = (struct document_path){ copy, count };
    return LF_OK;
}

/* Faults of operands go to `fault`: path_error or operand_error of the parser. */
static enum lf_code parse_path(struct parser *parser, struct fault *fault, struct document_path *ret_path, struct err *err)
{
    struct path_element elements[PATH_ELEMENTS_MAX], element;
    size_t count = 0;
    TRY(take_name(parser, 0, fault, &elements[count++], err));
    for (;;) {
        if (parser_take(parser, TOKEN_DOT))
            TRY(take_name(parser, count, fault, &element, err));
        else if (parser_take(parser, TOKEN_BRACKET_OPEN))
            TRY(take_index(parser, &element, err));
        else
            break;
        if (count < PATH_ELEMENTS_MAX)
            elements[count] = element;
        count++;
    }
    if (count > PATH_ELEMENTS_MAX)
        DEFER(fault, "Invalid %s: The document path has too many nesting levels; nesting levels: %zu", kind_name(parser), count);
    return copy_path(parser, elements, count < PATH_ELEMENTS_MAX ? count : PATH_ELEMENTS_MAX, ret_path, err);
}

enum lf_code parser_value(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    static const struct value undefined = { .type = VALUE_NULL };
    struct span placeholder = token_text(parser->text, parser->token);
    size_t at = parser->token.at;
    TRY(parser_expect(parser, TOKEN_VALUE, err));
    struct expression_value *found = find_value(parser->inputs, placeholder);
    if (found)
        found->is_used = true;
    else
        DEFER(&parser->operand_error,
              "Invalid %s: An expression attribute value used in expression is not defined; attribute value: %.*s",
              kind_name(parser), SPAN_ARG(placeholder));
    *ret_operand = (struct operand){ .node = { .kind = NODE_VALUE, .value = found ? &found->value : &undefined }, .at = at };
    return LF_OK;
}

/* --- operators and functions --- */

enum lf_code node_list_add(struct node_list *list, const struct expression_node *node, struct arena *arena, struct err *err)
{
    enum { NODES_MIN = 2 };
    size_t count = list->count;
    bool is_full = count == 0 || (count >= NODES_MIN && (count & (count - 1)) == 0);
    if (is_full) {
        struct expression_node *larger = arena_alloc(arena, (count ? 2 * count : NODES_MIN) * sizeof *larger, err);
        if (!larger)
            return err->code;
        if (count)
            memcpy(larger, list->nodes, count * sizeof *larger);
        list->nodes = larger;
    }
    list->nodes[list->count++] = *node;
    return LF_OK;
}

/* Checks an operator whose operands have no fault so far. */
static void check_operator(struct parser *parser, const struct expression_node *node)
{
    struct err err = ERR_INIT;
    parser->operators++;
    if (fault_is_open(&parser->operand_error) && operator_check(node, parser->kind, &err) != LF_OK)
        parser->operand_error = (struct fault){ .err = err };
}

enum lf_code parser_operator(struct parser *parser, enum expression_node_kind kind, const struct expression_node *operands,
                             size_t count, struct operand *ret_operand, struct err *err)
{
    size_t at = ret_operand->at;
    struct expression_node *copy = arena_alloc(parser->arena, count * sizeof *copy, err);
    if (!copy)
        return err->code;
    memcpy(copy, operands, count * sizeof *copy);
    *ret_operand = (struct operand){ .node = { .kind = kind, .operands = copy, .operand_count = count }, .at = at };
    check_operator(parser, &ret_operand->node);
    return LF_OK;
}

void parser_misused(struct parser *parser, const struct operand *operand)
{
    DEFER(word_fault(parser, operand->at),
          "Invalid %s: The function is not allowed to be used this way in an expression; function: %s", kind_name(parser),
          operator_rule(operand->node.kind)->name);
}

void parser_use_as_operand(struct parser *parser, const struct operand *operand)
{
    enum operator_use use = operator_rule(operand->node.kind)->use;
    if (use == USE_CONDITION || use == USE_UPDATE)
        parser_misused(parser, operand);
}

static enum expression_node_kind function_kind(struct parser *parser, struct span name, size_t at)
{
    enum expression_node_kind kind = operator_function(name);
    enum operator_use use = operator_rule(kind)->use;
    bool is_of_updates = use == USE_UPDATE || use == USE_UPDATE_OPERAND;
    if (kind == NODE_PATH)
        DEFER(word_fault(parser, at), "Invalid %s: Invalid function name; function: %.*s", kind_name(parser), SPAN_ARG(name));
    else if (is_of_updates != (parser->kind == EXPRESSION_UPDATE))
        DEFER(word_fault(parser, at), "Invalid %s: The function is not allowed in %s expression; function: %.*s",
              kind_name(parser), is_of_updates ? "a condition" : "an update", SPAN_ARG(name));
    return kind == NODE_PATH ? NODE_SIZE : kind; /* whatever has operands: it is not evaluated */
}

static enum lf_code take_operands(struct parser *parser, struct node_list *list, struct err *err)
{
    do {
        struct operand operand;
        TRY(parser_operand(parser, &operand, err));
        parser_use_as_operand(parser, &operand);
        TRY(node_list_add(list, &operand.node, parser->arena, err));
    } while (parser_take(parser, TOKEN_COMMA));
    return LF_OK;
}

static enum lf_code take_function(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    struct node_list list = { 0 };
    size_t at = parser->token.at;
    enum expression_node_kind kind = function_kind(parser, token_text(parser->text, parser->token), at);
    parser_advance(parser);
    TRY(parser_open(parser, err));
    TRY(take_operands(parser, &list, err));
    struct operand function = { .node = { .kind = kind, .operands = list.nodes, .operand_count = list.count }, .at = at };
    check_operator(parser, &function.node);
    TRY(parser_expect(parser, TOKEN_CLOSE, err));
    parser->depth--;
    *ret_operand = function;
    return LF_OK;
}

enum lf_code parser_simple_operand(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    size_t at = parser->token.at;
    if (parser->token.kind == TOKEN_VALUE)
        return parser_value(parser, ret_operand, err);
    if (parser->token.kind == TOKEN_NAME && parser->next.kind == TOKEN_OPEN)
        return take_function(parser, ret_operand, err);
    *ret_operand = (struct operand){ .node = { .kind = NODE_PATH }, .at = at };
    return parse_path(parser, &parser->operand_error, &ret_operand->node.path, err);
}

/* --- parentheses --- */

static enum lf_code redundant(const struct parser *parser, struct err *err)
{
    return ERR(err, LF_VALIDATION, "Invalid %s: The expression has redundant parentheses;", kind_name(parser));
}

enum lf_code parser_open(struct parser *parser, struct err *err)
{
    TRY(parser_expect(parser, TOKEN_OPEN, err));
    return ++parser->depth <= EXPRESSION_DEPTH_MAX ? LF_OK : redundant(parser, err);
}

enum lf_code parser_close(struct parser *parser, struct operand *operand, struct err *err)
{
    TRY(parser_expect(parser, TOKEN_CLOSE, err));
    parser->depth--;
    operand->is_redundant |= operand->is_parenthesized;
    operand->is_parenthesized = true;
    return LF_OK;
}

enum lf_code parser_check_parentheses(const struct parser *parser, const struct operand *operand, struct err *err)
{
    return operand->is_redundant ? redundant(parser, err) : LF_OK;
}

enum lf_code parser_operand(struct parser *parser, struct operand *ret_operand, struct err *err)
{
    if (parser->token.kind != TOKEN_OPEN)
        return parser_simple_operand(parser, ret_operand, err);
    TRY(parser_open(parser, err));
    TRY(parser_operand(parser, ret_operand, err));
    TRY(parser_close(parser, ret_operand, err));
    return parser_check_parentheses(parser, ret_operand, err);
}

/* --- lists of paths --- */

enum lf_code path_list_init(struct path_list *list, const struct parser *parser, struct err *err)
{
    enum { PATH_BYTES_MIN = 2 }; /* with what stands before the next one */
    list->count = list->fault_at = 0;
    list->paths = arena_alloc(parser->arena, (parser->text.len / PATH_BYTES_MIN + 1) * sizeof *list->paths, err);
    return list->paths ? LF_OK : err->code;
}

enum lf_code path_list_take(struct path_list *list, struct parser *parser, struct err *err)
{
    parser->path_error.is_stale = true;
    TRY(parse_path(parser, &parser->path_error, &list->paths[list->count], err));
    if (!fault_is_open(&parser->path_error))
        list->fault_at = list->count;
    list->count++;
    return LF_OK;
}

/* From the right: overlaps of a path with those behind it, then the path itself. */
static enum lf_code path_list_check(const struct path_list *list, const struct parser *parser, struct err *err)
{
    bool has_fault = parser->path_error.err.code != LF_OK;
    TRY(document_paths_check(list->paths, list->count, has_fault ? list->fault_at + 1 : 0, parser->kind, err));
    if (!has_fault)
        return LF_OK;
    *err = parser->path_error.err;
    return err->code;
}

/* --- the end --- */

static enum lf_code report(const struct fault *fault, struct err *err)
{
    if (fault->err.code == LF_OK)
        return LF_OK;
    *err = fault->err;
    return err->code;
}

enum lf_code parser_finish(struct parser *parser, const struct path_list *list, struct err *err)
{
    if (parser->token.kind != TOKEN_END)
        return parser_syntax_error(parser, err);
    TRY(report(&parser->word_error, err));
    TRY(report(&parser->section_error, err));
    if (list)
        TRY(path_list_check(list, parser, err));
    TRY(report(&parser->operand_error, err));
    if (parser->operators > EXPRESSION_OPERATORS_MAX)
        return ERR(err, LF_VALIDATION, "Invalid %s: The expression contains too many operators; operator count: %d",
                   kind_name(parser), EXPRESSION_OPERATORS_MAX + 1);
    return LF_OK;
}
