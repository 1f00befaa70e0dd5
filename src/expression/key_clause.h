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

/* No two clauses have one name. */
enum lf_code key_clauses_reduce(const struct key_clause *clauses, size_t count, const struct key_condition_schema *schema,
                                struct key_condition *ret_condition, struct err *err) MUST_CHECK;
