#include "map/seed/plan.h"

/* Columns that must be distinct together. */
struct column_set {
    bool has[LIMIT_COLUMNS];
    size_t count;
    bool is_key; /* of DynamoDB or primary; else a unique index, where NULL is unlike NULL */
};

static void set_add(struct column_set *set, unsigned column)
{
    set->count += !set->has[column];
    set->has[column] = true;
}

static void set_add_template(const struct seed_entity *entity, struct column_set *set, unsigned at)
{
    const struct template *template = &entity->entity->templates[at].template;
    for (size_t i = 0; i < template->count; i++)
        if (template->parts[i].is_variable)
            set_add(set, template->parts[i].column);
}

/* A column that a template gives is distinct as far as the template's variables are. */
static void set_resolve(const struct seed_entity *entity, struct column_set *set)
{
    for (unsigned i = 0; i < entity->entity->column_count; i++)
        if (set->has[i] && entity->columns[i].source == SEED_TEMPLATE)
            set_add_template(entity, set, entity->columns[i].template_at);
}

static struct column_set set_of(const struct seed_entity *entity, const unsigned *columns, size_t count, bool is_key)
{
    struct column_set set = { .is_key = is_key };
    for (size_t i = 0; i < count; i++)
        set_add(&set, columns[i]);
    set_resolve(entity, &set);
    return set;
}

static struct column_set set_of_table_key(const struct seed_entity *entity)
{
    struct column_set set = { .is_key = true };
    for (unsigned i = 0; i < entity_key_count(entity->entity); i++)
        set_add_template(entity, &set, i);
    set_resolve(entity, &set);
    return set;
}

/* ---- ways to be distinct ---- */

static bool has_relation(const struct column_set *set, const struct seed_relation *relation)
{
    for (size_t i = 0; i < relation->key->count; i++)
        if (!set->has[relation->key->columns[i]])
            return false;
    return true;
}

static bool has_digits(const struct seed_entity *entity, const struct column_set *set)
{
    for (size_t i = 0; i < entity->digit_count; i++) {
        const struct seed_digit *digit = &entity->digits[i];
        if (digit->column != SEED_NONE ? !set->has[digit->column] : !has_relation(set, &entity->relations[digit->relation]))
            return false;
    }
    return entity->is_in_digits;
}

static bool is_distinct(const struct seed_entity *entity, const struct column_set *set)
{
    for (unsigned i = 0; i < entity->entity->column_count; i++)
        if (set->has[i] && entity->columns[i].field.is_unique)
            return true;
    return has_digits(entity, set);
}

/* Lets the best column carry the number; false when there is none. */
static bool carry(struct seed_entity *entity, const struct column_set *set)
{
    struct seed_column *best = NULL;
    unsigned best_rank = 0;
    for (unsigned i = 0; i < entity->entity->column_count; i++) {
        struct seed_column *column = &entity->columns[i];
        unsigned rank = seed_field_rank(&column->field);
        if (!set->has[i] || column->source != SEED_OWN || rank <= best_rank)
            continue;
        best = column;
        best_rank = rank;
    }
    if (best)
        best->field.is_unique = true;
    return best != NULL;
}

static void add_digit(struct seed_entity *entity, unsigned column, unsigned relation)
{
    entity->digits[entity->digit_count++] = (struct seed_digit){ .column = column, .relation = relation };
}

/* Writes the number in digits, one per foreign key and closed column. */
static void write_in_digits(struct seed_entity *entity, const struct column_set *set)
{
    entity->is_in_digits = true;
    for (unsigned i = 0; i < entity->entity->foreign_key_count; i++) {
        struct seed_relation *relation = &entity->relations[i];
        if (!relation->is_driver || relation->is_tree || !has_relation(set, relation))
            continue;
        relation->digit = (unsigned)entity->digit_count;
        relation->absent_share = 0;
        add_digit(entity, SEED_NONE, i);
    }
    for (unsigned i = 0; i < entity->entity->column_count; i++) {
        struct seed_column *column = &entity->columns[i];
        if (!set->has[i] || column->source != SEED_OWN || seed_field_values(&column->field) == 0)
            continue;
        column->digit = (unsigned)entity->digit_count;
        add_digit(entity, i, SEED_NONE);
    }
}

/* NULLs are distinct; false when none of the columns may be NULL. */
static bool leave_empty(struct seed_entity *entity, const struct column_set *set)
{
    for (unsigned i = 0; i < entity->entity->column_count; i++) {
        struct seed_column *column = &entity->columns[i];
        if (!set->has[i] || column->is_needed || column->source == SEED_CONSTANT || column->source == SEED_TEMPLATE)
            continue;
        column->source = SEED_NEVER;
        return true;
    }
    return false;
}

static enum lf_code make_distinct(struct seed_entity *entity, const struct column_set *set, struct err *err)
{
    if (is_distinct(entity, set) || carry(entity, set))
        return LF_OK;
    if (!set->is_key && leave_empty(entity, set))
        return LF_OK;
    if (!entity->is_in_digits) {
        write_in_digits(entity, set);
        return LF_OK;
    }
    struct span name = entity->entity->name;
    return ERR(err, LF_MAP,
               "entity %.*s has two keys of which each would decide the other's columns; no items can be made for it "
               "(--counts %.*s=0 leaves it out)",
               SPAN_ARG(name), SPAN_ARG(name));
}

/* ---- all keys of an entity ---- */

static struct column_set set_at(const struct seed_entity *entity, size_t at)
{
    const struct entity *of = entity->entity;
    if (at == 0)
        return set_of_table_key(entity);
    if (at == 1)
        return set_of(entity, of->primary_key, of->primary_key_count, true);
    return set_of(entity, of->indexes[at - 2].columns, of->indexes[at - 2].count, false);
}

static bool is_to_be_distinct(const struct entity *entity, size_t at)
{
    return at == 0 || (at == 1 ? entity->primary_key_count > 0 : entity->indexes[at - 2].unique);
}

/* The narrowest first: a wider key that contains it is distinct with it. */
enum lf_code seed_make_unique(struct seed_entity *entity, struct err *err)
{
    size_t sets = 2 + entity->entity->index_count;
    for (size_t width = 0; width <= entity->entity->column_count; width++)
        for (size_t i = 0; i < sets; i++) {
            if (!is_to_be_distinct(entity->entity, i))
                continue;
            struct column_set set = set_at(entity, i);
            if (set.count == width)
                TRY(make_distinct(entity, &set, err));
        }
    return LF_OK;
}
