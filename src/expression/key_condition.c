#include "expression/key_condition.h"

#include <assert.h>

#include "expression/key_clause.h"
#include "expression/operators.h"

enum { CLAUSES_MAX = 2 * KEY_PART_ATTRIBUTES_MAX };

struct clauses {
    struct key_clause clauses[CLAUSES_MAX];
    size_t count; /* may pass CLAUSES_MAX; those are not kept */
    const struct key_condition_schema *schema;
};

struct key_condition_schema key_condition_schema_of(const struct key_schema *schema)
{
    struct key_condition_schema usual = { .partition = { schema->partition }, .partition_count = 1 };
    if (key_schema_has_sort(schema))
        usual.sort[usual.sort_count++] = schema->sort;
    return usual;
}

static bool is_key(const struct key_condition_schema *schema, struct span name)
{
    for (size_t i = 0; i < schema->partition_count; i++)
        if (span_equal(schema->partition[i].name, name))
            return true;
    for (size_t i = 0; i < schema->sort_count; i++)
        if (span_equal(schema->sort[i].name, name))
            return true;
    return false;
}

static enum lf_code wrong_condition(const char *why, struct err *err)
{
    return ERR(err, LF_VALIDATION, "Invalid condition in KeyConditionExpression: %s", why);
}

/* Where among the operands the one path is. */
static enum lf_code find_path(const struct expression_node *node, size_t *ret_at, struct err *err)
{
    size_t paths = 0;
    for (size_t i = 0; i < node->operand_count; i++) {
        enum expression_node_kind kind = node->operands[i].kind;
        if (kind != NODE_PATH && kind != NODE_VALUE)
            return ERR(err, LF_VALIDATION, "KeyConditionExpressions cannot contain nested operations");
        if (kind == NODE_PATH)
            *ret_at = i;
        paths += kind == NODE_PATH;
    }
    if (paths == 1)
        return LF_OK;
    return wrong_condition(paths ? "Multiple attribute names used in one condition" : "No key attribute specified", err);
}

static enum lf_code check_path(const struct document_path *path, const struct clauses *clauses, struct err *err)
{
    struct span name = path->elements[0].name;
    if (path->count == 1)
        return LF_OK;
    if (!is_key(clauses->schema, name))
        return ERR(err, LF_VALIDATION, "KeyConditionExpressions cannot have conditions on nested attributes");
    return ERR(err, LF_VALIDATION,
               "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %.*s",
               SPAN_ARG(name));
}

static enum lf_code keep_clause(struct clauses *clauses, const struct key_clause *clause, struct err *err)
{
    size_t kept = clauses->count < CLAUSES_MAX ? clauses->count : CLAUSES_MAX;
    for (size_t i = 0; i < kept; i++)
        if (span_equal(clauses->clauses[i].name, clause->name))
            return ERR(err, LF_VALIDATION, "KeyConditionExpressions must only contain one condition per key");
    if (clauses->count < CLAUSES_MAX)
        clauses->clauses[clauses->count] = *clause;
    clauses->count++;
    return LF_OK;
}

static enum lf_code take_clause(const struct expression_node *node, struct clauses *clauses, struct err *err)
{
    size_t at = 0;
    TRY(find_path(node, &at, err));
    TRY(check_path(&node->operands[at].path, clauses, err));
    if (at != 0 && node->kind == NODE_BETWEEN)
        return wrong_condition("BETWEEN operator must have the key attribute as its first operand", err);
    if (at != 0 && node->kind == NODE_BEGINS_WITH)
        return wrong_condition("begins_with operator must have the key attribute as its first operand", err);
    struct key_clause clause;
    bool is_clause = key_clause_of(node, &clause);
    assert(is_clause);
    (void)is_clause;
    return keep_clause(clauses, &clause, err);
}

static enum lf_code take_clauses(const struct expression_node *node, struct clauses *clauses, struct err *err)
{
    if (node->kind == NODE_AND) {
        for (size_t i = 0; i < node->operand_count; i++)
            TRY(take_clauses(&node->operands[i], clauses, err));
        return LF_OK;
    }
    if (!key_clause_can_be(node->kind))
        return ERR(err, LF_VALIDATION, "Invalid operator used in KeyConditionExpression: %s", operator_rule(node->kind)->name);
    return take_clause(node, clauses, err);
}

enum lf_code key_condition_reduce(const struct expression_node *root, const struct key_condition_schema *schema,
                                  struct key_condition *ret_condition, struct err *err)
{
    struct clauses clauses = { .schema = schema };
    TRY(take_clauses(root, &clauses, err));
    if (clauses.count > CLAUSES_MAX)
        return ERR(err, LF_VALIDATION, "Query key condition not supported");
    return key_clauses_reduce(clauses.clauses, clauses.count, schema, ret_condition, err);
}
