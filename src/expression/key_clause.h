/* key_clause: single conditions on key attributes, from either syntax, put together. Inside expression/ only. Pure. */
#pragma once

#include "expression/key_condition.h"

struct key_clause {
    struct span name;
    bool is_equality;
    enum key_range range; /* when it is none */
    const struct value *value;
    const struct value *upper; /* BETWEEN only */
};

/* Whether conditions on keys may use the operator at all. */
bool key_clause_can_be(enum expression_node_kind kind);

/* True and the clause when the node compares one attribute, whole, with values. */
bool key_clause_of(const struct expression_node *node, struct key_clause *ret_clause);

/* No two clauses have one name. */
enum lf_code key_clauses_reduce(const struct key_clause *clauses, size_t count, const struct key_condition_schema *schema,
                                struct key_condition *ret_condition, struct err *err) MUST_CHECK;
