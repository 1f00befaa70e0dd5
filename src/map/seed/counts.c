#include <inttypes.h>

#include "map/seed/plan.h"

enum { DEPTH_MAX = 6, CHILDREN_PER_PARENT = 4 };

/* ---- what --counts says ---- */

static enum lf_code read_count(const struct span text, uint64_t *ret_count, struct err *err)
{
    struct number number;
    int64_t count;
    if (number_parse(text, &number, err) != LF_OK || !number_to_int64(number, &count) || count < 0 || count > LIMIT_SEED_ITEMS)
        return ERR(err, LF_USAGE, "--counts: '%.*s' is not a number from 0 to %d", SPAN_ARG(text), LIMIT_SEED_ITEMS);
    *ret_count = (uint64_t)count;
    return LF_OK;
}

static enum lf_code read_entry(struct seed *seed, struct span entry, struct err *err)
{
    size_t equals = span_find_byte(entry, '=');
    struct span name = span_of(entry.ptr, equals);
    const struct entity *of = map_find_entity(seed->map, name);
    if (equals == entry.len)
        return ERR(err, LF_USAGE, "--counts takes ENTITY=N,…, not '%.*s'", SPAN_ARG(entry));
    if (!of)
        return ERR(err, LF_USAGE, "--counts: the map has no entity '%.*s'", SPAN_ARG(name));
    struct seed_entity *entity = seed_own_entity(seed, of);
    entity->is_fixed = true;
    return read_count(span_from(entry, equals + 1), &entity->count, err);
}

enum lf_code seed_read_counts(struct seed *seed, struct err *err)
{
    struct span rest = seed->options.counts;
    while (rest.len)
        TRY(read_entry(seed, span_cut(&rest, ','), err));
    return LF_OK;
}

/* ---- shares ---- */

/* Parents come before children; where relations go round in a circle, DEPTH_MAX ends it. */
static void sink(struct seed_entity *entity)
{
    for (size_t i = 0; i < entity->entity->foreign_key_count; i++) {
        const struct seed_relation *relation = &entity->relations[i];
        if (relation->parent && !relation->is_tree && relation->parent->depth >= entity->depth && entity->depth < DEPTH_MAX)
            entity->depth = relation->parent->depth < DEPTH_MAX ? relation->parent->depth + 1 : DEPTH_MAX;
    }
}

static uint64_t weight_of(const struct seed_entity *entity)
{
    uint64_t weight = 1;
    for (unsigned depth = entity->is_parent || entity->depth ? entity->depth : 1; depth > 0; depth--)
        weight *= CHILDREN_PER_PARENT;
    return weight;
}

static uint64_t base_of(const struct seed_entity *entity, const struct seed_digit *digit)
{
    if (digit->relation != SEED_NONE)
        return entity->relations[digit->relation].parent->count;
    return seed_field_values(&entity->columns[digit->column].field);
}

/* How many distinct items there can be. */
static uint64_t capacity_of(struct seed_entity *entity)
{
    uint64_t product = 1, capacity = LIMIT_SEED_ITEMS;
    for (size_t i = 0; i < entity->digit_count; i++) {
        entity->digits[i].base = base_of(entity, &entity->digits[i]);
        if (__builtin_mul_overflow(product, entity->digits[i].base, &product))
            product = UINT64_MAX / 2;
    }
    entity->digit_product = product;
    if (entity->is_in_digits && product < capacity)
        capacity = product;
    for (size_t i = 0; i < entity->entity->foreign_key_count; i++) {
        const struct seed_relation *relation = &entity->relations[i];
        if (relation->is_driver && relation->is_needed && !relation->is_tree && relation->parent->count == 0)
            capacity = 0;
    }
    return capacity;
}

struct shares {
    struct seed_entity **entities; /* parents first */
    size_t count;
    uint64_t items; /* for those that are not fixed */
    uint64_t weight;
    size_t open; /* not fixed */
};

static enum lf_code order_entities(struct seed *seed, struct shares *shares, struct arena *arena, struct err *err)
{
    shares->entities = arena_calloc(arena, seed->entity_count, sizeof *shares->entities, err);
    if (!shares->entities)
        return err->code;
    for (unsigned round = 0; round < DEPTH_MAX; round++)
        for (size_t i = 0; i < seed->entity_count; i++)
            sink(&seed->entities[i]);
    for (unsigned depth = 0; depth <= DEPTH_MAX; depth++)
        for (size_t i = 0; i < seed->entity_count; i++)
            if (seed->entities[i].depth == depth)
                shares->entities[shares->count++] = &seed->entities[i];
    return LF_OK;
}

static enum lf_code add_up(const struct seed *seed, struct shares *shares, struct err *err)
{
    uint64_t fixed = 0;
    shares->weight = shares->open = 0;
    for (size_t i = 0; i < shares->count; i++) {
        const struct seed_entity *entity = shares->entities[i];
        fixed += entity->is_fixed ? entity->count : 0;
        shares->open += !entity->is_fixed;
        shares->weight += entity->is_fixed ? 0 : weight_of(entity);
    }
    if (fixed > seed->options.items)
        return ERR(err, LF_USAGE, "--counts adds up to %" PRIu64 " items, more than the %" PRIu64 " of the run", fixed,
                   seed->options.items);
    shares->items = seed->options.items - fixed;
    return LF_OK;
}

/* One for everybody first, parents before children; then by weight; the last one gets what is left over. */
static void share_out(struct shares *shares)
{
    uint64_t left = shares->items, spare = shares->items > shares->open ? shares->items - shares->open : 0;
    struct seed_entity *last = NULL;
    for (size_t i = 0; i < shares->count; i++) {
        struct seed_entity *entity = shares->entities[i];
        if (entity->is_fixed)
            continue;
        uint64_t share = (left > 0) + (uint64_t)((seed_uint128)spare * weight_of(entity) / shares->weight);
        entity->count = share;
        left -= share;
        last = entity;
    }
    if (last)
        last->count += left;
}

/* False when an entity could not take its share, which is then fixed at what it can. */
static enum lf_code check_capacities(struct shares *shares, bool *ret_settled, struct err *err)
{
    *ret_settled = true;
    for (size_t i = 0; i < shares->count; i++) {
        struct seed_entity *entity = shares->entities[i];
        uint64_t capacity = capacity_of(entity);
        if (entity->count <= capacity)
            continue;
        if (entity->is_fixed)
            return ERR(err, LF_LIMIT, "entity %.*s: its keys have %" PRIu64 " values, too few for %" PRIu64 " items",
                       SPAN_ARG(entity->entity->name), capacity, entity->count);
        entity->count = capacity;
        entity->is_fixed = true;
        *ret_settled = false;
    }
    return LF_OK;
}

static enum lf_code check_sum(const struct seed *seed, const struct shares *shares, struct err *err)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < shares->count; i++)
        sum += shares->entities[i]->count;
    if (sum == seed->options.items)
        return LF_OK;
    return ERR(err, LF_LIMIT, "%" PRIu64 " items are asked for, but with the keys of this map and --counts there are %" PRIu64,
               seed->options.items, sum);
}

/* ---- numbers ---- */

/* Each entity's items have numbers of their own in the run; a column that carries them must be wide enough. */
static enum lf_code number_items(struct seed *seed, struct err *err)
{
    uint64_t first = 0;
    for (size_t i = 0; i < seed->entity_count; i++) {
        struct seed_entity *entity = &seed->entities[i];
        entity->first = first;
        first += entity->count;
        for (size_t c = 0; c < entity->entity->column_count; c++) {
            const struct seed_field *field = &entity->columns[c].field;
            if (field->is_unique && first > seed_field_capacity(field->column))
                return ERR(err, LF_LIMIT, "entity %.*s: column %.*s has too few values for so many items",
                           SPAN_ARG(entity->entity->name), SPAN_ARG(field->column->name));
        }
    }
    for (size_t t = 0; t < seed->map->table_count; t++)
        for (size_t e = 0; e < seed->map->tables[t].entity_count; e++)
            seed->tables[t].items += seed->tables[t].entities[e].count;
    return LF_OK;
}

enum lf_code seed_count_items(struct seed *seed, struct arena *arena, struct err *err)
{
    struct shares shares = { 0 };
    bool settled = false;
    TRY(order_entities(seed, &shares, arena, err));
    while (!settled) {
        TRY(add_up(seed, &shares, err));
        share_out(&shares);
        TRY(check_capacities(&shares, &settled, err));
    }
    TRY(check_sum(seed, &shares, err));
    return number_items(seed, err);
}
