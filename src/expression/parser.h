/*
 * parser: what the parsers of all expressions share. Inside expression/ only.
 *
 * A text is read once, left to right. A syntax error ends the reading; of the other faults, which DynamoDB reports only for a
 * text that is well-formed, the first of each class is kept and parser_finish reports by class: redundant parentheses, words
 * (reserved names, functions, indexes), paths to be changed, operands, and last the number of operators. Pure.
 */
#pragma once

#include "expression/expression.h"
#include "expression/lex.h"

/* The first fault of its class; where DynamoDB reports the last path or action, what came before is made stale. */
struct fault {
    struct err err; /* none when its code is LF_OK */
    bool is_stale;
};

/* Whether there is room for another one. */
static inline bool fault_is_open(const struct fault *fault)
{
    return fault->err.code == LF_OK || fault->is_stale;
}

struct parser {
    struct span text;
    enum expression_kind kind;
    struct expression_inputs *inputs;
    struct arena *arena;
    struct token previous, token, next; /* token is the one to be read */
    unsigned depth;                     /* of parentheses that are open */
    unsigned operators;
    size_t word_at; /* where word_error stands */
    struct fault word_error;
    struct fault section_error; /* of updates */
    struct fault path_error;
    struct fault operand_error;
};

/* What has been read as an operand, or turned out to be a condition, or a sum of an update. */
struct operand {
    struct expression_node node;
    bool is_compound; /* not an operand any more: a condition, or a sum */
    bool is_parenthesized;
    bool is_redundant; /* twice */
    size_t at;         /* its first byte */
};

/* "ConditionExpression", … */
const char *expression_kind_name(enum expression_kind kind);

/* Checks the size of the text and reads its first token. */
enum lf_code parser_init(struct parser *parser, struct span text, enum expression_kind kind, struct expression_inputs *inputs,
                         struct arena *arena, struct err *err) MUST_CHECK;

void parser_advance(struct parser *parser);

/* Reads the token if it is of this kind. */
bool parser_take(struct parser *parser, enum token_kind kind);
enum lf_code parser_expect(struct parser *parser, enum token_kind kind, struct err *err) MUST_CHECK;

/* "Syntax error; token: …" at the token. */
enum lf_code parser_syntax_error(const struct parser *parser, struct err *err);

/* A :value. */
enum lf_code parser_value(struct parser *parser, struct operand *ret_operand, struct err *err) MUST_CHECK;

/* A path, value, function or one of them in parentheses. */
enum lf_code parser_operand(struct parser *parser, struct operand *ret_operand, struct err *err) MUST_CHECK;

/* The same without parentheses. */
enum lf_code parser_simple_operand(struct parser *parser, struct operand *ret_operand, struct err *err) MUST_CHECK;

/* Around the inside of parentheses, after '(' and at ')'; whether they were needed can be asked once the operand is known to
 * stand where it may. */
enum lf_code parser_open(struct parser *parser, struct err *err) MUST_CHECK;
enum lf_code parser_close(struct parser *parser, struct operand *operand, struct err *err) MUST_CHECK;
enum lf_code parser_check_parentheses(const struct parser *parser, const struct operand *operand, struct err *err) MUST_CHECK;

/* A function that gives no operand for the place it stands in is a fault. */
void parser_use_as_operand(struct parser *parser, const struct operand *operand);
void parser_misused(struct parser *parser, const struct operand *operand);

/* ret_operand is the operator over copies of the operands; `at` is where it begins. */
enum lf_code parser_operator(struct parser *parser, enum expression_node_kind kind, const struct expression_node *operands,
                             size_t count, struct operand *ret_operand, struct err *err) MUST_CHECK;

/* Paths that must not overlap: those of a projection, or those that an update changes. */
struct path_list {
    struct document_path *paths;
    size_t count;
    size_t fault_at; /* where path_error stands */
};

/* Room for all paths of the parser's text. */
enum lf_code path_list_init(struct path_list *list, const struct parser *parser, struct err *err) MUST_CHECK;
enum lf_code path_list_take(struct path_list *list, struct parser *parser, struct err *err) MUST_CHECK;

/* The text must end here; then the faults that were found. `list` may be NULL. */
enum lf_code parser_finish(struct parser *parser, const struct path_list *list, struct err *err) MUST_CHECK;

/* Keeps the first fault of a class: DEFER(&parser->operand_error, "Invalid %s: …", …). */
#define DEFER(fault, ...)                                         \
    do {                                                          \
        if (fault_is_open(fault)) {                               \
            (fault)->is_stale = false;                            \
            (void)ERR(&(fault)->err, LF_VALIDATION, __VA_ARGS__); \
        }                                                         \
    } while (0)

/* Nodes that are read one by one. */
struct node_list {
    struct expression_node *nodes;
    size_t count;
};
enum lf_code node_list_add(struct node_list *list, const struct expression_node *node, struct arena *arena,
                           struct err *err) MUST_CHECK;
