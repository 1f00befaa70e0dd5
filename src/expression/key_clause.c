#include "expression/key_clause.h"

#define NOT_VALID "One or more parameter values are not valid. "

bool key_clause_can_be(enum expression_node_kind kind)
{
    return kind == NODE_EQUAL || (kind >= NODE_LESS && kind <= NODE_BETWEEN) || kind == NODE_BEGINS_WITH;
}

/* `kind` with its operands exchanged. */
static enum expression_node_kind mirrored(enum expression_node_kind kind)
{
    switch (kind) {
    case NODE_LESS:
        return NODE_GREATER;
    case NODE_LESS_OR_EQUAL:
        return NODE_GREATER_OR_EQUAL;
    case NODE_GREATER:
        return NODE_LESS;
    case NODE_GREATER_OR_EQUAL:
        return NODE_LESS_OR_EQUAL;
    default:
        return kind;
    }
}

static enum key_range range_of(enum expression_node_kind kind)
{
    switch (kind) {
    case NODE_LESS:
        return KEY_RANGE_LESS;
    case NODE_LESS_OR_EQUAL:
        return KEY_RANGE_LESS_OR_EQUAL;
    case NODE_GREATER:
        return KEY_RANGE_GREATER;
    case NODE_GREATER_OR_EQUAL:
        return KEY_RANGE_GREATER_OR_EQUAL;
    case NODE_BETWEEN:
        return KEY_RANGE_BETWEEN;
    default:
        return KEY_RANGE_BEGINS_WITH;
    }
}

/* Where the path is among operands of which all others are values; the count of operands when it is not so. */
static size_t path_at(const struct expression_node *node)
{
    size_t at = node->operand_count;
    for (size_t i = 0; i < node->operand_count; i++) {
        bool is_path = node->operands[i].kind == NODE_PATH && node->operands[i].path.count == 1;
        if (!is_path && node->operands[i].kind != NODE_VALUE)
            return node->operand_count;
        if (is_path && at < node->operand_count)
            return node->operand_count;
        at = is_path ? i : at;
    }
    return at;
}

bool key_clause_of(const struct expression_node *node, struct key_clause *ret_clause)
{
    if (!key_clause_can_be(node->kind))
        return false;
    size_t at = path_at(node);
    bool is_ordered = node->kind == NODE_BETWEEN || node->kind == NODE_BEGINS_WITH;
    if (at == node->operand_count || (is_ordered && at != 0))
        return false;
    *ret_clause = (struct key_clause){
        .name = node->operands[at].path.elements[0].name,
        .is_equality = node->kind == NODE_EQUAL,
        .range = range_of(at == 0 ? node->kind : mirrored(node->kind)),
        .value = node->operands[at == 0 ? 1 : 0].value,
        .upper = node->kind == NODE_BETWEEN ? node->operands[2].value : NULL,
    };
    return true;
}

static const struct key_clause *find_clause(const struct key_clause *clauses, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(clauses[i].name, name))
            return &clauses[i];
    return NULL;
}

static enum lf_code not_supported(struct err *err)
{
    return ERR(err, LF_VALIDATION, "Query key condition not supported");
}

static enum lf_code missed(struct span name, struct err *err)
{
    return ERR(err, LF_VALIDATION, "Query condition missed key schema element: %.*s", SPAN_ARG(name));
}

static enum lf_code check_type(const struct value *value, const struct key_attribute *attribute, struct err *err)
{
    if (value && value->type != attribute->type)
        return ERR(err, LF_VALIDATION,
                   "One or more parameter values were invalid: Condition parameter type does not match schema type");
    return LF_OK;
}

static enum lf_code check_not_empty(const struct value *value, const struct key_attribute *attribute, struct span index_name,
                                    struct err *err)
{
    if (!value || value->type == VALUE_N || value->bytes.len)
        return LF_OK;
    const char *type = value->type == VALUE_S ? "string" : "binary";
    if (!index_name.ptr)
        return ERR(err, LF_VALIDATION,
                   NOT_VALID "The AttributeValue for a key attribute cannot contain an empty %s value. Key: %.*s", type,
                   SPAN_ARG(attribute->name));
    return ERR(err, LF_VALIDATION,
               NOT_VALID "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute "
                         "cannot contain an empty %s value. IndexName: %.*s, IndexKey: %.*s",
               type, SPAN_ARG(index_name), SPAN_ARG(attribute->name));
}

static enum lf_code check_values(const struct key_clause *clause, const struct key_attribute *attribute, struct span index_name,
                                 struct err *err)
{
    TRY(check_not_empty(clause->value, attribute, index_name, err));
    return check_not_empty(clause->upper, attribute, index_name, err);
}

static enum lf_code check_types(const struct key_clause *clause, const struct key_attribute *attribute, struct err *err)
{
    TRY(check_type(clause->value, attribute, err));
    return check_type(clause->upper, attribute, err);
}

static enum lf_code reduce_partition(const struct key_clause *clauses, size_t count, const struct key_condition_schema *schema,
                                     struct key_condition *condition, struct err *err)
{
    for (size_t i = 0; i < schema->partition_count; i++) {
        const struct key_attribute *attribute = &schema->partition[i];
        const struct key_clause *clause = find_clause(clauses, count, attribute->name);
        if (!clause)
            return missed(attribute->name, err);
        TRY(check_types(clause, attribute, err));
        if (!clause->is_equality)
            return not_supported(err);
        TRY(check_values(clause, attribute, schema->index_name, err));
        condition->partition[i] = *clause->value;
    }
    return LF_OK;
}

static void add_sort(const struct key_clause *clause, struct key_condition *condition)
{
    if (clause->is_equality) {
        condition->sort[condition->sort_count++] = *clause->value;
        return;
    }
    condition->range = clause->range;
    condition->range_value = *clause->value;
    if (clause->upper)
        condition->range_upper = *clause->upper;
}

/* From the left, `left` clauses, of which all must be met with. */
static enum lf_code reduce_sort(const struct key_clause *clauses, size_t count, size_t left,
                                const struct key_condition_schema *schema, struct key_condition *condition, struct err *err)
{
    condition->sort_count = 0;
    condition->range = KEY_RANGE_ALL;
    for (size_t i = 0; left; i++) {
        if (i == schema->sort_count || condition->range != KEY_RANGE_ALL)
            return not_supported(err);
        const struct key_attribute *attribute = &schema->sort[i];
        const struct key_clause *clause = find_clause(clauses, count, attribute->name);
        if (!clause)
            return missed(attribute->name, err);
        TRY(check_types(clause, attribute, err));
        TRY(check_values(clause, attribute, schema->index_name, err));
        add_sort(clause, condition);
        left--;
    }
    return LF_OK;
}

enum lf_code key_clauses_reduce(const struct key_clause *clauses, size_t count, const struct key_condition_schema *schema,
                                struct key_condition *ret_condition, struct err *err)
{
    enum { USUAL_CLAUSES_MAX = 2 };
    struct key_condition condition = { 0 };
    bool is_usual = schema->partition_count == 1 && schema->sort_count <= 1;
    if (is_usual && (count == 0 || count > USUAL_CLAUSES_MAX))
        return ERR(err, LF_VALIDATION, "Conditions can be of length 1 or 2 only");
    if (is_usual && count > schema->partition_count + schema->sort_count)
        return not_supported(err);
    TRY(reduce_partition(clauses, count, schema, &condition, err));
    TRY(reduce_sort(clauses, count, count - schema->partition_count, schema, &condition, err));
    *ret_condition = condition;
    return LF_OK;
}
