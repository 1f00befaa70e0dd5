#include "expression/legacy.h"

#include "expression/evaluate.h"
#include "expression/key_clause.h"

#define TYPE(type) (1u << (type))
#define TYPES_ANY (~0u)
#define TYPES_ORDERED (TYPE(VALUE_S) | TYPE(VALUE_N) | TYPE(VALUE_B))
#define TYPES_CONTAINED (TYPES_ORDERED | TYPE(VALUE_BOOL) | TYPE(VALUE_NULL))

enum { VALUES_ANY = -1 };

struct comparison {
    const char *name;
    enum expression_node_kind kind;
    int value_count;
    unsigned types; /* a bit 1 << value_type each */
};

static const struct comparison comparisons[] = {
    { "EQ", NODE_EQUAL, 1, TYPES_ANY },
    { "NE", NODE_NOT_EQUAL, 1, TYPES_ANY },
    { "LT", NODE_LESS, 1, TYPES_ORDERED },
    { "LE", NODE_LESS_OR_EQUAL, 1, TYPES_ORDERED },
    { "GT", NODE_GREATER, 1, TYPES_ORDERED },
    { "GE", NODE_GREATER_OR_EQUAL, 1, TYPES_ORDERED },
    { "BETWEEN", NODE_BETWEEN, 2, TYPES_ORDERED },
    { "IN", NODE_IN, VALUES_ANY, TYPES_ORDERED },
    { "BEGINS_WITH", NODE_BEGINS_WITH, 1, TYPE(VALUE_S) | TYPE(VALUE_B) },
    { "CONTAINS", NODE_CONTAINS, 1, TYPES_CONTAINED },
    { "NOT_CONTAINS", NODE_NOT, 1, TYPES_CONTAINED },
    { "NOT_NULL", NODE_ATTRIBUTE_EXISTS, 0, TYPES_ANY },
    { "NULL", NODE_ATTRIBUTE_NOT_EXISTS, 0, TYPES_ANY },
};

static const struct comparison *find_comparison(struct span name)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        if (span_equal(name, span_from_cstr(comparisons[i].name)))
            return &comparisons[i];
    return NULL;
}

/* --- what a condition may be --- */

static enum lf_code check_count(const struct comparison *comparison, size_t count, struct err *err)
{
    bool fits = comparison->value_count == VALUES_ANY ? count > 0 : count == (size_t)comparison->value_count;
    return fits ? LF_OK
                : ERR(err, LF_VALIDATION,
                      "One or more parameter values were invalid: Invalid number of argument(s) for the %s ComparisonOperator",
                      comparison->name);
}

static enum lf_code check_types(const struct comparison *comparison, const struct value *values, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!(comparison->types & TYPE(values[i].type)))
            return ERR(err, LF_VALIDATION,
                       "One or more parameter values were invalid: ComparisonOperator %s is not valid for %s AttributeValue type",
                       comparison->name, value_type_name(values[i].type));
    for (size_t i = 1; i < count; i++)
        if (values[i].type != values[0].type)
            return ERR(err, LF_VALIDATION,
                       "One or more parameter values were invalid: AttributeValues inside AttributeValueList must be of same "
                       "type");
    return LF_OK;
}

/* The comparison, with as many values as it takes. */
static enum lf_code find_fitting(const struct legacy_condition *condition, const struct comparison **ret_comparison,
                                 struct err *err)
{
    *ret_comparison = find_comparison(condition->comparison);
    if (!*ret_comparison)
        return ERR(err, LF_VALIDATION, "Comparison type does not exist in DynamoDB");
    return check_count(*ret_comparison, condition->value_count, err);
}

static enum lf_code check_condition(const struct legacy_condition *condition, const struct comparison **ret_comparison,
                                    struct err *err)
{
    const struct comparison *comparison;
    TRY(find_fitting(condition, &comparison, err));
    TRY(check_types(comparison, condition->values, condition->value_count, err));
    if (comparison->kind == NODE_BETWEEN && value_order(&condition->values[0], &condition->values[1]) > 0)
        return ERR(err, LF_VALIDATION,
                   "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
    *ret_comparison = comparison;
    return LF_OK;
}

/* --- conditions as trees --- */

static enum lf_code make_path(struct span name, struct arena *arena, struct document_path *ret_path, struct err *err)
{
    struct path_element *element = arena_alloc(arena, sizeof *element, err);
    if (!element)
        return err->code;
    *element = (struct path_element){ .name = name };
    *ret_path = (struct document_path){ element, 1 };
    return LF_OK;
}

/* The operator over the attribute and the values. */
static enum lf_code make_operator(enum expression_node_kind kind, struct span name, const struct value *values, size_t count,
                                  struct arena *arena, struct expression_node *ret_node, struct err *err)
{
    struct expression_node *operands = arena_calloc(arena, count + 1, sizeof *operands, err);
    if (!operands)
        return err->code;
    TRY(make_path(name, arena, &operands[0].path, err));
    for (size_t i = 0; i < count; i++)
        operands[i + 1] = (struct expression_node){ .kind = NODE_VALUE, .value = &values[i] };
    *ret_node = (struct expression_node){ .kind = kind, .operands = operands, .operand_count = count + 1 };
    return LF_OK;
}

/* NOT_CONTAINS wants an attribute: attribute_exists(name) AND NOT contains(name, value). */
static enum lf_code make_not_contains(const struct legacy_condition *condition, struct arena *arena,
                                      struct expression_node *ret_node, struct err *err)
{
    struct expression_node *operands = arena_calloc(arena, 3, sizeof *operands, err);
    if (!operands)
        return err->code;
    struct expression_node *contains = &operands[2];
    TRY(make_operator(NODE_ATTRIBUTE_EXISTS, condition->name, NULL, 0, arena, &operands[0], err));
    TRY(make_operator(NODE_CONTAINS, condition->name, condition->values, 1, arena, contains, err));
    operands[1] = (struct expression_node){ .kind = NODE_NOT, .operands = contains, .operand_count = 1 };
    *ret_node = (struct expression_node){ .kind = NODE_AND, .operands = operands, .operand_count = 2 };
    return LF_OK;
}

static enum lf_code make_condition(const struct legacy_condition *condition, struct arena *arena,
                                   struct expression_node *ret_node, struct err *err)
{
    const struct comparison *comparison;
    TRY(check_condition(condition, &comparison, err));
    if (comparison->kind == NODE_NOT)
        return make_not_contains(condition, arena, ret_node, err);
    return make_operator(comparison->kind, condition->name, condition->values, condition->value_count, arena, ret_node, err);
}

static enum lf_code check_conditional_operator(struct span conditional_operator, size_t count, struct err *err)
{
    if (!conditional_operator.ptr || count > 1)
        return LF_OK;
    return ERR(err, LF_VALIDATION, "%s",
               count == 0 ? "ConditionalOperator cannot be used without Filter or Expected"
                          : "ConditionalOperator can only be used when Filter or Expected has two or more elements");
}

/* Room for `count` conditions below one root; NULL for none. ConditionalOperator is checked when the conditions have been. */
static enum lf_code make_root(size_t count, struct span conditional_operator, struct arena *arena,
                              struct expression_node **ret_root, struct expression_node **ret_operands, struct err *err)
{
    *ret_root = NULL;
    if (count == 0)
        return LF_OK;
    struct expression_node *nodes = arena_calloc(arena, count + 1, sizeof *nodes, err);
    if (!nodes)
        return err->code;
    bool is_or = span_equal(conditional_operator, SPAN("OR"));
    nodes[0] = (struct expression_node){ .kind = is_or ? NODE_OR : NODE_AND, .operands = nodes + 1, .operand_count = count };
    *ret_root = nodes;
    *ret_operands = nodes + 1;
    return LF_OK;
}

enum lf_code legacy_filter(const struct legacy_condition *conditions, size_t count, struct span conditional_operator,
                           struct arena *arena, const struct expression_node **ret_root, struct err *err)
{
    struct expression_node *root, *operands = NULL;
    TRY(make_root(count, conditional_operator, arena, &root, &operands, err));
    for (size_t i = 0; i < count; i++)
        TRY(make_condition(&conditions[i], arena, &operands[i], err));
    *ret_root = root;
    return check_conditional_operator(conditional_operator, count, err);
}

enum lf_code legacy_check_query_filter(const struct legacy_condition *conditions, size_t count, const struct span *key_names,
                                       size_t key_name_count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t key = 0; key < key_name_count; key++)
            if (span_equal(conditions[i].name, key_names[key]))
                return ERR(err, LF_VALIDATION,
                           "QueryFilter can only contain non-primary key attributes: Primary key attribute: %.*s",
                           SPAN_ARG(key_names[key]));
    return LF_OK;
}

/* --- Expected --- */

static enum lf_code wrong_expected(const struct legacy_expected *expected, const char *why, struct err *err)
{
    return ERR(err, LF_VALIDATION, "One or more parameter values were invalid: %s for Attribute: %.*s", why,
               SPAN_ARG(expected->condition.name));
}

static enum lf_code check_plain(const struct legacy_expected *expected, struct err *err)
{
    if (expected->has_values)
        return wrong_expected(expected, "AttributeValueList can only be used with a ComparisonOperator", err);
    bool must_be_absent = expected->has_exists && !expected->exists;
    if (must_be_absent && expected->value)
        return wrong_expected(expected, "Value cannot be used when Exists is false", err);
    if (!must_be_absent && !expected->value)
        return wrong_expected(expected,
                              expected->has_exists ? "Value must be provided when Exists is true"
                                                   : "Value must be provided when Exists is null",
                              err);
    return LF_OK;
}

static enum lf_code check_compared(const struct legacy_expected *expected, struct err *err)
{
    const struct comparison *comparison = find_comparison(expected->condition.comparison);
    if (expected->has_exists)
        return wrong_expected(expected, "Exists and ComparisonOperator cannot be used together", err);
    if (expected->value || expected->has_values || !comparison || comparison->value_count == 0)
        return LF_OK;
    return ERR(err, LF_VALIDATION,
               "One or more parameter values were invalid: Value or AttributeValueList must be used with ComparisonOperator: %s "
               "for Attribute: %.*s",
               comparison->name, SPAN_ARG(expected->condition.name));
}

/* The condition that its members make. */
static enum lf_code read_expected(const struct legacy_expected *expected, struct legacy_condition *ret_condition, struct err *err)
{
    struct legacy_condition condition = expected->condition;
    bool is_compared = condition.comparison.ptr != NULL;
    if (expected->value && expected->has_values)
        return wrong_expected(expected, "Value and AttributeValueList cannot be used together", err);
    TRY(is_compared ? check_compared(expected, err) : check_plain(expected, err));
    if (expected->value) {
        condition.values = expected->value;
        condition.value_count = 1;
    }
    if (!is_compared)
        condition.comparison = expected->value ? SPAN("EQ") : SPAN("NULL");
    *ret_condition = condition;
    return LF_OK;
}

static enum lf_code make_expected(const struct legacy_expected *expected, struct arena *arena, struct expression_node *ret_node,
                                  struct err *err)
{
    struct legacy_condition condition;
    TRY(read_expected(expected, &condition, err));
    return make_condition(&condition, arena, ret_node, err);
}

enum lf_code legacy_check_expected_members(const struct legacy_expected *expected, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct legacy_condition condition;
        const struct comparison *comparison;
        TRY(read_expected(&expected[i], &condition, err));
        TRY(find_fitting(&condition, &comparison, err));
    }
    return LF_OK;
}

enum lf_code legacy_expect(const struct legacy_expected *expected, size_t count, struct span conditional_operator,
                           struct arena *arena, const struct expression_node **ret_root, struct err *err)
{
    struct expression_node *root, *operands = NULL;
    TRY(make_root(count, conditional_operator, arena, &root, &operands, err));
    for (size_t i = 0; i < count; i++)
        TRY(make_expected(&expected[i], arena, &operands[i], err));
    *ret_root = root;
    return check_conditional_operator(conditional_operator, count, err);
}

/* --- KeyConditions --- */

/* False for operators that no index can answer. */
static bool range_of(enum expression_node_kind kind, enum key_range *ret_range)
{
    static const struct {
        enum expression_node_kind kind;
        enum key_range range;
    } ranges[] = {
        { NODE_EQUAL, KEY_RANGE_ALL },
        { NODE_LESS, KEY_RANGE_LESS },
        { NODE_LESS_OR_EQUAL, KEY_RANGE_LESS_OR_EQUAL },
        { NODE_GREATER, KEY_RANGE_GREATER },
        { NODE_GREATER_OR_EQUAL, KEY_RANGE_GREATER_OR_EQUAL },
        { NODE_BETWEEN, KEY_RANGE_BETWEEN },
        { NODE_BEGINS_WITH, KEY_RANGE_BEGINS_WITH },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i].kind == kind) {
            *ret_range = ranges[i].range;
            return true;
        }
    }
    return false;
}

static bool is_partition(const struct key_condition_schema *schema, struct span name)
{
    for (size_t i = 0; i < schema->partition_count; i++)
        if (span_equal(schema->partition[i].name, name))
            return true;
    return false;
}

static enum lf_code make_clause(const struct legacy_condition *condition, const struct key_condition_schema *schema,
                                struct key_clause *ret_clause, struct err *err)
{
    const struct comparison *comparison;
    enum key_range range = KEY_RANGE_ALL;
    TRY(check_condition(condition, &comparison, err));
    if (!range_of(comparison->kind, &range))
        return ERR(err, LF_VALIDATION, "%s",
                   is_partition(schema, condition->name) ? "Query key condition not supported"
                                                         : "Attempted conditional constraint is not an indexable operation");
    *ret_clause = (struct key_clause){
        .name = condition->name,
        .is_equality = comparison->kind == NODE_EQUAL,
        .range = range,
        .value = &condition->values[0],
        .upper = comparison->kind == NODE_BETWEEN ? &condition->values[1] : NULL,
    };
    return LF_OK;
}

enum lf_code legacy_key_conditions(const struct legacy_condition *conditions, size_t count,
                                   const struct key_condition_schema *schema, struct key_condition *ret_condition,
                                   struct err *err)
{
    struct key_clause clauses[2 * KEY_PART_ATTRIBUTES_MAX];
    if (count == 0 || count > sizeof clauses / sizeof *clauses)
        return ERR(err, LF_VALIDATION, "Conditions can be of length 1 or 2 only");
    for (size_t i = 0; i < count; i++)
        TRY(make_clause(&conditions[i], schema, &clauses[i], err));
    return key_clauses_reduce(clauses, count, schema, ret_condition, err);
}
