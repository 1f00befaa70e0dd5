/* operators: what each operator and function takes, and how DynamoDB calls it. Inside expression/ only. Pure. */
#pragma once

#include "expression/expression.h"

enum operator_use {
    USE_NOWHERE,           /* paths and values: no operators */
    USE_SYMBOL,            /* written between its operands */
    USE_CONDITION,         /* a function that is true or false */
    USE_CONDITION_OPERAND, /* a function of conditions that gives a value */
    USE_UPDATE,            /* a function that gives a value to an update */
    USE_UPDATE_OPERAND,    /* the same, and also as an operand of another */
};

struct operator_rule {
    const char *name;
    enum operator_use use;
    unsigned operand_count; /* 0: any */
    unsigned types;         /* a bit 1 << value_type for each type of operands that is known before an item is; 0: any */
    bool requires_path;     /* the first operand is a path */
    bool is_distinct;       /* the first operand is not among the others */
};

const struct operator_rule *operator_rule(enum expression_node_kind kind);

/* The function of this name, or NODE_PATH when there is none. */
enum expression_node_kind operator_function(struct span name);

/* "STRING", "NUMBER_SET", …: the types' names where DynamoDB writes them out. */
const char *value_type_word(enum value_type type);

/* Whether the operands are what the operator takes: LF_VALIDATION. `kind` begins the message. */
enum lf_code operator_check(const struct expression_node *node, enum expression_kind kind, struct err *err) MUST_CHECK;
