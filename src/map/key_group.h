/*
 * key_group: some entities of a DynamoDB table, and which keys are theirs (docs/live.md, "Mixed tables").
 *
 *     key ── shape of the key templates ──► the group's ─┬─ has the authority where the group has
 *                                                        └─ else, or claimed by no template: the rest's
 *
 * The shape of a template is its literals with anything between them. What a key belongs to is told from the key alone, so the
 * shapes of the group's entities and those of the others must have no key in common: key_group_check proves it. A key that has
 * the shape of an entity of the group and is no item of it is the group's, too. Pure.
 */
#pragma once

#include "map/model.h"

struct key_group {
    const struct map_table *table; /* borrowed */
    bool *has;                     /* by index of table->entities; in the arena */
};

/* Of entities' names, one a line. Errors: LF_MAP when the table has no such entity; LF_MEMORY. */
enum lf_code key_group_make(const struct map_table *table, struct span names, struct arena *arena, struct key_group *ret_group,
                            struct err *err) MUST_CHECK;

/* All entities of the table; what no template claims is no group's. LF_MEMORY. */
enum lf_code key_group_all(const struct map_table *table, struct arena *arena, struct key_group *ret_group,
                           struct err *err) MUST_CHECK;

/* Of the group's entities those that the other, of the same table, has not. LF_MEMORY. */
enum lf_code key_group_without(const struct key_group *group, const struct key_group *other, struct arena *arena,
                               struct key_group *ret_group, struct err *err) MUST_CHECK;

/* Its entities' names, one a line, in the map's order; empty: it has none. LF_MEMORY. */
enum lf_code key_group_names(const struct key_group *group, struct arena *arena, struct span *ret_names,
                             struct err *err) MUST_CHECK;

/* LF_PRECONDITION, naming two templates that have keys in common, of an entity in the group and one that is not. */
enum lf_code key_group_check(const struct key_group *group, struct err *err) MUST_CHECK;

/* Of a key, or an item with its key. What has no key of the table's is not the group's. */
bool key_group_has(const struct key_group *group, const struct item *item);

/* The first entity whose templates have the key's shape; NULL: none. */
const struct entity *key_group_entity(const struct map_table *table, const struct item *item);

/* The shape as a pattern of LIKE over key bytes: "case|%". Numbers and binaries: any. LF_MEMORY. */
enum lf_code key_group_pattern(const struct key_template *key, const struct key_attribute *attribute, struct arena *arena,
                               struct span *ret_pattern, struct err *err) MUST_CHECK;

/* Of the keys with this partition key whose sort key's bytes lie between the bounds, whether some, or all, can be the group's. */
struct key_bounds {
    struct span from, to; /* ptr NULL: none */
    bool has_to;          /* the upper one lies within */
};
enum key_group_reach { KEY_GROUP_NONE, KEY_GROUP_SOME, KEY_GROUP_ALL };
enum key_group_reach key_group_reach(const struct key_group *group, const struct value *partition,
                                     const struct key_bounds *bounds);
