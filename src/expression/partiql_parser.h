/* partiql_parser: what the parsers of PartiQL's statements, conditions and values share. Inside expression/ only. Pure. */
#pragma once

#include "expression/parser.h"
#include "expression/partiql.h"
#include "expression/partiql_lex.h"

struct partiql_parser {
    struct span text; /* the statement */
    struct span rest; /* behind the token */
    struct partiql_token token;
    const struct value *parameters;
    size_t parameter_count;
    size_t parameters_used;
    unsigned depth;     /* of what is open */
    bool is_assignment; /* behind SET: other functions than in conditions */
    struct arena *arena;
};

void partiql_advance(struct partiql_parser *parser);
bool partiql_take_word(struct partiql_parser *parser, const char *keyword);
bool partiql_take_symbol(struct partiql_parser *parser, const char *symbol);
enum lf_code partiql_expect_word(struct partiql_parser *parser, const char *keyword, struct err *err) MUST_CHECK;
enum lf_code partiql_expect_symbol(struct partiql_parser *parser, const char *symbol, struct err *err) MUST_CHECK;
enum lf_code partiql_malformed(const struct partiql_parser *parser, struct err *err);

/* Around whatever nests: '(' and what opens a list, set or map. LF_VALIDATION when it is too deep. */
enum lf_code partiql_enter(struct partiql_parser *parser, struct err *err) MUST_CHECK;

/* The name of a table, index or attribute. */
enum lf_code partiql_name(struct partiql_parser *parser, struct span *ret_name, struct err *err) MUST_CHECK;

/* a.b[3], a['b'] */
enum lf_code partiql_path(struct partiql_parser *parser, struct document_path *ret_path, struct err *err) MUST_CHECK;

/* Whether a literal or parameter begins here; it; and a map literal as an item. */
bool partiql_at_value(const struct partiql_parser *parser);
enum lf_code partiql_value(struct partiql_parser *parser, struct value *ret_value, struct err *err) MUST_CHECK;

/* A condition, or an operand in its place, which partiql_require_condition refuses; and an operand. */
enum lf_code partiql_condition(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err) MUST_CHECK;
enum lf_code partiql_require_condition(const struct expression_node *node, struct err *err) MUST_CHECK;
enum lf_code partiql_operand(struct partiql_parser *parser, struct expression_node *ret_node, struct err *err) MUST_CHECK;

/* The operator over a copy of the operands, checked. */
enum lf_code partiql_operator(struct partiql_parser *parser, enum expression_node_kind kind,
                              const struct expression_node *operands, size_t count, struct expression_node *ret_node,
                              struct err *err) MUST_CHECK;

/* Takes "Invalid …Expression: " off the message: there are no such parameters here. */
enum lf_code partiql_plain(enum lf_code code, struct err *err);
