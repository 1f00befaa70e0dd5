/*
 * expression: the trees of DynamoDB's expressions, and the parser that condition, filter, key condition, projection and update
 * expressions share.
 *
 *     "a.b[3] = :v AND size(#n) > :w"     AND ── = ──┬─ path a.b[3]
 *                                              │    └─ value :v
 *                                              └ > ──┬─ size ── path #n
 *                                                    └─ value :w
 *
 * A tree is parsed once per request and evaluated any number of times; it lies in the arena given, its names and values are
 * borrowed from the request. Parsing checks all that DynamoDB checks before it looks at an item. Errors: LF_VALIDATION with the
 * whole text of AWS's ValidationException ("Invalid ConditionExpression: Syntax error; token: …"), LF_MEMORY. Source: AWS,
 * "Using expressions in DynamoDB", "Quotas in Amazon DynamoDB" (expression parameters). Pure; a tree may be read by many threads.
 */
#pragma once

#include "item/value.h"

enum {
    EXPRESSION_BYTES_MAX = 4096,       /* of one expression's text */
    EXPRESSION_OPERATORS_MAX = 300,    /* operators and functions of one expression */
    EXPRESSION_DEPTH_MAX = 150,        /* of parentheses within each other; Landfall's own, for the stack of a request is small */
    EXPRESSION_IN_OPERANDS_MAX = 100,  /* in the parentheses of IN */
    EXPRESSION_PLACEHOLDER_BYTES = 255 /* of #name or :value */
};

/* Which parameter of the request the text is: it decides what may stand in it, and how errors begin. */
enum expression_kind {
    EXPRESSION_CONDITION,
    EXPRESSION_FILTER,
    EXPRESSION_KEY_CONDITION,
    EXPRESSION_PROJECTION,
    EXPRESSION_UPDATE,
};

/* --- what the request gives beside its expressions --- */

struct expression_name {
    struct span placeholder; /* "#n" */
    struct span name;
    bool is_used; /* set by the parsers */
};

struct expression_value {
    struct span placeholder; /* ":v" */
    struct value value;
    bool is_used;
};

/* ExpressionAttributeNames and ExpressionAttributeValues of one request, borrowed. The parsers mark what they use. */
struct expression_inputs {
    struct expression_name *names;
    size_t name_count;
    bool has_names; /* the parameter is there, though perhaps empty */
    struct expression_value *values;
    size_t value_count;
    bool has_values;
};

/*
 * Before parsing: maps that are there are not empty, their keys are well-formed, and they come with an expression.
 * `absent_expressions` is NULL when the request has an expression that could use values, else what DynamoDB says of those that it
 * lacks, such as "ConditionExpression is null"; `has_expression` counts ProjectionExpression too.
 */
enum lf_code expression_inputs_check(const struct expression_inputs *inputs, bool has_expression, const char *absent_expressions,
                                     struct err *err) MUST_CHECK;

/* After all expressions of the request are parsed: every name and value was used. */
enum lf_code expression_inputs_check_used(const struct expression_inputs *inputs, struct err *err) MUST_CHECK;

/* --- trees --- */

/* a.b[3] is { a, NULL }, { b, NULL }, index 3; the first element is always a name. */
struct path_element {
    struct span name; /* ptr NULL for an index */
    size_t index;
};

struct document_path {
    const struct path_element *elements;
    size_t count;
};

enum expression_node_kind {
    /* operands */
    NODE_PATH,
    NODE_VALUE,
    NODE_SIZE,          /* 1 operand */
    NODE_IF_NOT_EXISTS, /* 2: a path, what stands for it */
    NODE_LIST_APPEND,   /* 2 */
    NODE_PLUS,          /* 2 */
    NODE_MINUS,         /* 2 */

    /* conditions on operands */
    NODE_EQUAL,
    NODE_NOT_EQUAL,
    NODE_LESS,
    NODE_LESS_OR_EQUAL,
    NODE_GREATER,
    NODE_GREATER_OR_EQUAL,
    NODE_BETWEEN,              /* 3: operand, lower, upper */
    NODE_IN,                   /* 2 or more: operand, candidates */
    NODE_ATTRIBUTE_EXISTS,     /* 1: a path */
    NODE_ATTRIBUTE_NOT_EXISTS, /* 1: a path */
    NODE_ATTRIBUTE_TYPE,       /* 2: a path, a string */
    NODE_BEGINS_WITH,          /* 2 */
    NODE_CONTAINS,             /* 2 */

    /* conditions on conditions */
    NODE_AND, /* 2 or more */
    NODE_OR,  /* 2 or more */
    NODE_NOT, /* 1 */
};

struct expression_node {
    enum expression_node_kind kind;
    union {
        struct document_path path; /* NODE_PATH */
        const struct value *value; /* NODE_VALUE */
        struct {
            const struct expression_node *operands;
            size_t operand_count;
        };
    };
};

/* A condition, filter or key condition expression; `kind` is one of those three. */
enum lf_code expression_parse_condition(struct span text, enum expression_kind kind, struct expression_inputs *inputs,
                                        struct arena *arena, const struct expression_node **ret_root, struct err *err) MUST_CHECK;

/* Of a filter over the items of a table or index: no path begins with one of its key attributes. */
enum lf_code expression_check_filter(const struct expression_node *root, const struct span *key_names, size_t key_name_count,
                                     struct err *err) MUST_CHECK;

/* What the path leads to in the item; NULL when there is nothing. */
const struct value *document_path_get(const struct document_path *path, const struct item *item);

/* Whether a name is a reserved word (api/reserved_words.txt), in any case. */
bool expression_is_reserved(struct span name);
