/*
 * seed: items that a map could have been drafted from (`landfall seed`).
 *
 * A *run* is (map, options). Its item `n` of a table follows from the run alone: nothing is remembered from one item to the next,
 * so any thread makes any item, in any order, and the same arguments give the same items on every machine.
 *
 *     item n of a table ──permute──► number k of entity e ──► columns ─┬─ own: by type, codec and name
 *                                                                      └─ foreign key ──► number p of the parent ──► its column
 *
 * Keys (of DynamoDB, primary, unique) are distinct by construction: a column that carries the number itself, or, where all
 * columns are foreign keys and closed lists, the number written in digits whose bases are their counts. Parents exist, some have
 * very many children; an entity that refers to itself is a forest. Parents are fewer than their children.
 *
 * Every item is claimed by its entity, which seed_new tries with some of each, except the odd ones: an attribute of another type,
 * a timestamp in another format, a string with U+0000, an attribute that the map does not know. Odd values spare keys.
 *
 * A seed is immutable once made: threads share it. Pure.
 */
#pragma once

#include "map/model.h"

struct seed_options {
    uint64_t items;     /* of the whole run, 1 … LIMIT_SEED_ITEMS */
    uint64_t seed;      /* another one gives other items */
    uint64_t odd_every; /* one item in so many is odd; 0: none */
    struct span counts; /* "Case=10,Message=1000": these exactly, all others share the rest; may be empty */
};

enum { LIMIT_SEED_ITEMS = 1000 * 1000 * 1000 };

struct seed;

/* In the arena, which like the map must last as long. Errors: LF_USAGE (counts), LF_LIMIT (keys that have not so many values),
 * LF_MAP (an entity whose items another one claims, or whose keys cannot be made distinct), LF_MEMORY. */
enum lf_code seed_new(const struct map *map, const struct seed_options *options, struct arena *arena,
                      const struct seed **ret_seed, struct err *err) MUST_CHECK;

/* Number of items of map->tables[table], and of an entity. */
uint64_t seed_table_items(const struct seed *seed, size_t table);
uint64_t seed_entity_items(const struct seed *seed, const struct entity *entity);

struct seed_item {
    const struct entity *entity; /* whose it is */
    bool is_odd;
    struct item item; /* in the arena or borrowed from the map */
};

/* `n` is below seed_table_items. Error: LF_MEMORY. */
enum lf_code seed_make(const struct seed *seed, size_t table, uint64_t n, struct arena *arena, struct seed_item *ret_item,
                       struct err *err) MUST_CHECK;
