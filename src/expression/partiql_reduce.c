/*
 * A WHERE is cut at its ANDs. One part gives the partition key its value: an equality, or, where the key is a single attribute,
 * an IN or an OR of equalities that gives it several. Sort attributes take, from the left, equalities and then one range. What no
 * key takes stays to be asked of each item.
 *
 *     pk IN ['a', 'b'] AND sk > 5 AND x = 1       two conditions (a, > 5), (b, > 5); filter x = 1
 */
#include "expression/key_clause.h"
#include "expression/parser.h"
#include "expression/partiql.h"
#include "item/canonical.h"

enum { CLAUSES_MAX = 2 * KEY_PART_ATTRIBUTES_MAX };

struct reduction {
    const struct key_condition_schema *schema;
    struct arena *arena;
    const struct expression_node *parts;
    size_t part_count;
    bool *is_taken;                         /* for each part */
    struct key_clause clauses[CLAUSES_MAX]; /* the partition's first */
    size_t clause_count;
    const struct value **partitions; /* what the one partition attribute is to be, distinct */
    size_t partition_count;
};

static enum lf_code check_type(const struct value *value, const struct key_attribute *attribute, struct err *err)
{
    if (value && value->type != attribute->type)
        return ERR(err, LF_VALIDATION, "Key attribute's data type should match its data type in table's schema: Key %.*s",
                   SPAN_ARG(attribute->name));
    return LF_OK;
}

/* Takes the first part that is a clause on the attribute; false when there is none. */
static bool take_clause(struct reduction *reduction, const struct key_attribute *attribute, bool is_equality)
{
    struct key_clause clause;
    for (size_t i = 0; i < reduction->part_count; i++) {
        bool fits = !reduction->is_taken[i] && key_clause_of(&reduction->parts[i], &clause) &&
                    span_equal(clause.name, attribute->name) && (clause.is_equality || !is_equality);
        if (!fits)
            continue;
        reduction->is_taken[i] = true;
        reduction->clauses[reduction->clause_count++] = clause;
        return true;
    }
    return false;
}

/* --- partitions --- */

static void add_partition(struct reduction *reduction, const struct value *value)
{
    for (size_t i = 0; i < reduction->partition_count; i++)
        if (value_equal(reduction->partitions[i], value))
            return;
    reduction->partitions[reduction->partition_count++] = value;
}

/* Values that a part allows the attribute; 0 when it may be something else too. */
static size_t count_values(const struct expression_node *part, struct span name)
{
    struct key_clause clause;
    if (key_clause_of(part, &clause))
        return clause.is_equality && span_equal(clause.name, name);
    if (part->kind != NODE_IN && part->kind != NODE_OR)
        return 0;
    size_t count = 0;
    bool is_in = part->kind == NODE_IN;
    if (is_in && (part->operands[0].kind != NODE_PATH || part->operands[0].path.count != 1 ||
                  !span_equal(part->operands[0].path.elements[0].name, name)))
        return 0;
    for (size_t i = is_in; i < part->operand_count; i++) {
        size_t more = is_in ? part->operands[i].kind == NODE_VALUE : count_values(&part->operands[i], name);
        if (more == 0)
            return 0;
        count += more;
    }
    return count;
}

static void add_values(struct reduction *reduction, const struct expression_node *part)
{
    struct key_clause clause;
    if (key_clause_of(part, &clause))
        add_partition(reduction, clause.value);
    else
        for (size_t i = part->kind == NODE_IN; i < part->operand_count; i++) {
            if (part->kind == NODE_IN)
                add_partition(reduction, part->operands[i].value);
            else
                add_values(reduction, &part->operands[i]);
        }
}

/* The values of a partition key that is one attribute, which becomes the first clause. */
static enum lf_code take_partitions(struct reduction *reduction, struct err *err)
{
    const struct key_attribute *attribute = &reduction->schema->partition[0];
    size_t count = 0, at = 0;
    for (; at < reduction->part_count && count == 0; at++)
        count = count_values(&reduction->parts[at], attribute->name);
    if (count == 0)
        return LF_OK;
    reduction->partitions = arena_calloc(reduction->arena, count, sizeof *reduction->partitions, err);
    if (!reduction->partitions)
        return err->code;
    reduction->is_taken[at - 1] = true;
    add_values(reduction, &reduction->parts[at - 1]);
    for (size_t i = 0; i < reduction->partition_count; i++)
        TRY(check_type(reduction->partitions[i], attribute, err));
    reduction->clauses[reduction->clause_count++] = (struct key_clause){ .name = attribute->name, .is_equality = true };
    return LF_OK;
}

/* A partition key of several attributes: each by equality, or none is taken. */
static enum lf_code take_wide_partition(struct reduction *reduction, struct err *err)
{
    const struct key_condition_schema *schema = reduction->schema;
    for (size_t i = 0; i < schema->partition_count; i++) {
        if (!take_clause(reduction, &schema->partition[i], true)) {
            memset(reduction->is_taken, 0, reduction->part_count * sizeof *reduction->is_taken);
            return LF_OK;
        }
        TRY(check_type(reduction->clauses[i].value, &schema->partition[i], err));
    }
    reduction->partitions = &reduction->clauses[0].value;
    reduction->partition_count = 1;
    return LF_OK;
}

/* --- the rest --- */

static enum lf_code take_sort(struct reduction *reduction, struct err *err)
{
    const struct key_condition_schema *schema = reduction->schema;
    for (size_t i = 0; i < schema->sort_count; i++) {
        if (!take_clause(reduction, &schema->sort[i], true) && !take_clause(reduction, &schema->sort[i], false))
            return LF_OK;
        const struct key_clause *clause = &reduction->clauses[reduction->clause_count - 1];
        TRY(check_type(clause->value, &schema->sort[i], err));
        TRY(check_type(clause->upper, &schema->sort[i], err));
        if (!clause->is_equality)
            return LF_OK;
    }
    return LF_OK;
}

static enum lf_code make_conditions(struct reduction *reduction, struct partiql_target *target, struct err *err)
{
    struct key_condition *conditions = arena_calloc(reduction->arena, reduction->partition_count, sizeof *conditions, err);
    if (!conditions)
        return err->code;
    for (size_t i = 0; i < reduction->partition_count; i++) {
        reduction->clauses[0].value = reduction->partitions[i];
        TRY(key_clauses_reduce(reduction->clauses, reduction->clause_count, reduction->schema, &conditions[i], err));
    }
    target->conditions = conditions;
    target->count = reduction->partition_count;
    return LF_OK;
}

static enum lf_code make_filter(const struct reduction *reduction, struct partiql_target *target, struct err *err)
{
    struct node_list left = { 0 };
    for (size_t i = 0; i < reduction->part_count; i++)
        if (!reduction->is_taken[i])
            TRY(node_list_add(&left, &reduction->parts[i], reduction->arena, err));
    if (left.count == 0)
        return LF_OK;
    struct expression_node *filter = arena_alloc(reduction->arena, sizeof *filter, err);
    if (!filter)
        return err->code;
    *filter = (struct expression_node){ .kind = NODE_AND, .operands = left.nodes, .operand_count = left.count };
    target->filter = filter;
    return LF_OK;
}

enum lf_code partiql_reduce(const struct expression_node *where, const struct key_condition_schema *schema, struct arena *arena,
                            struct partiql_target *ret_target, struct err *err)
{
    struct partiql_target target = { 0 };
    struct reduction reduction = { .schema = schema, .arena = arena, .parts = where, .part_count = where ? 1 : 0 };
    if (where && where->kind == NODE_AND) {
        reduction.parts = where->operands;
        reduction.part_count = where->operand_count;
    }
    reduction.is_taken = arena_calloc(arena, reduction.part_count, sizeof *reduction.is_taken, err);
    if (!reduction.is_taken)
        return err->code;
    TRY(schema->partition_count == 1 ? take_partitions(&reduction, err) : take_wide_partition(&reduction, err));
    if (reduction.partition_count) {
        TRY(take_sort(&reduction, err));
        TRY(make_conditions(&reduction, &target, err));
    }
    TRY(make_filter(&reduction, &target, err));
    *ret_target = target;
    return LF_OK;
}

bool partiql_target_is_item(const struct partiql_target *target, const struct key_condition_schema *schema)
{
    return target->count == 1 && target->conditions[0].sort_count == schema->sort_count;
}

enum lf_code partiql_reduce_to_item(const struct expression_node *where, const struct key_condition_schema *schema,
                                    struct arena *arena, struct partiql_target *ret_target, struct err *err)
{
    struct partiql_target target;
    TRY(partiql_reduce(where, schema, arena, &target, err));
    if (!partiql_target_is_item(&target, schema))
        return ERR(err, LF_VALIDATION, "Where clause does not contain a mandatory equality on all key attributes");
    *ret_target = target;
    return LF_OK;
}
