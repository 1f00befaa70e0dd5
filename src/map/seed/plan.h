/*
 * plan: what a run is made from, worked out once; for seed/ and seed.h only.
 *
 *     plan.c    where each column's value comes from: its own, the parent's, a template, a constant
 *     unique.c  what makes keys distinct: a column that carries the number, or digits
 *     counts.c  how many items each entity has
 *     item.c    items
 *     odd.c     what is odd about some of them
 */
#pragma once

#include "base/limits.h"
#include "map/seed.h"
#include "map/seed/values.h"

enum { SEED_NONE = 0xffffffff };

enum seed_source {
    SEED_OWN,
    SEED_CONSTANT, /* its attribute is a constant of the entity */
    SEED_TEMPLATE, /* its attribute is one that a template gives */
    SEED_PARENT,   /* a foreign key */
    SEED_NEVER,    /* always NULL: nothing that could stand there would be right */
};

struct seed_column {
    struct seed_field field;
    enum seed_source source;
    const struct value *constant;
    unsigned template_at;
    unsigned relation;  /* of SEED_PARENT */
    unsigned reference; /* the parent's column */
    unsigned digit;     /* of SEED_OWN: which digit of the key it is, or SEED_NONE */
    bool is_needed;     /* never NULL */
    bool is_key;        /* of the table's key or the primary key */
};

/* A foreign key that decides its columns. */
struct seed_relation {
    const struct foreign_key *key;
    struct seed_entity *parent;
    bool is_driver; /* else its columns are decided by another one */
    bool is_tree;   /* the parent is of the same entity */
    bool is_needed;
    unsigned digit;
    unsigned absent_share; /* of 1024 */
    uint64_t salt;
};

/* A column or relation whose number of values is the base of one digit. */
struct seed_digit {
    unsigned column;   /* or SEED_NONE */
    unsigned relation; /* or SEED_NONE */
    uint64_t base;
};

struct seed_entity {
    const struct entity *entity;
    struct seed_column *columns;
    struct seed_field **children; /* per child its columns */
    struct seed_relation *relations;
    bool is_in_digits; /* the number is written in digits; with none there is one item */
    struct seed_digit *digits;
    size_t digit_count;
    uint64_t digit_product;
    bool is_parent; /* somebody's */
    unsigned depth; /* of parents above it */
    bool is_fixed;  /* the count is settled */
    uint64_t count;
    uint64_t first; /* items of the run before its first */
    uint64_t salt;
};

struct seed_table {
    struct seed_entity *entities; /* as map_table's */
    uint64_t items;
    uint64_t salt;
};

struct seed {
    const struct map *map;
    struct seed_options options;
    struct seed_entity *entities; /* of all tables */
    size_t entity_count;
    struct seed_table *tables;
};

static inline struct seed_entity *seed_own_entity(const struct seed *seed, const struct entity *entity)
{
    const struct map_table *table = entity->dynamodb_table;
    return &seed->tables[table - seed->map->tables].entities[entity - table->entities];
}

/* Errors: LF_MAP. */
enum lf_code seed_make_unique(struct seed_entity *entity, struct err *err) MUST_CHECK;

/* Takes options.counts. Error: LF_USAGE. */
enum lf_code seed_read_counts(struct seed *seed, struct err *err) MUST_CHECK;

/* --counts says that there are none. */
static inline bool seed_is_left_out(const struct seed_entity *entity)
{
    return entity->is_fixed && entity->count == 0;
}

/* Gives every entity its share. Errors: LF_USAGE, LF_LIMIT, LF_MEMORY. */
enum lf_code seed_count_items(struct seed *seed, struct arena *arena, struct err *err) MUST_CHECK;

/* What column `at` of the entity's item `number` has as its attribute's value. LF_MEMORY only. */
enum lf_code seed_column_value(const struct seed *seed, const struct seed_entity *entity, size_t at, uint64_t number,
                               struct arena *arena, bool *ret_present, struct value *ret_value, struct err *err) MUST_CHECK;

/* The entity's item `number`, with nothing odd. LF_MEMORY only. */
enum lf_code seed_plain_item(const struct seed *seed, const struct seed_entity *entity, uint64_t number, struct arena *arena,
                             struct item *ret_item, struct err *err) MUST_CHECK;

/* Makes it odd; there is room for one more attribute. LF_MEMORY only. */
enum lf_code seed_make_odd(const struct seed_entity *entity, struct draw *draw, struct item *item, struct arena *arena,
                           struct err *err) MUST_CHECK;
