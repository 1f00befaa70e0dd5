/*
 * table_parts: the items of a request that names several tables, table by table, as stores take them.
 *
 *     items:  A/1  B/7  A/2      ──►      part A: keys 1, 2  at 0, 2      part B: key 7  at 1
 *
 * Everything lies in the arena. Pure.
 */
#pragma once

#include "gateway/call.h"
#include "gateway/store/store.h"

struct table_item {
    const struct table *table;
    const struct item_key *key;
};

struct table_part {
    const struct table *table;
    struct item_key *keys;
    struct stored_item *items; /* for who reads them */
    size_t *at;                /* where each stands in the request */
    size_t count;
};

struct table_parts {
    struct table_part *parts; /* in the order in which the request names their tables first */
    size_t count;
};

enum lf_code table_parts_new(const struct table_item *items, size_t count, struct arena *arena, struct table_parts *ret_parts,
                             struct err *err) MUST_CHECK;

/* The same parts in the order of their tables' ids, in which locks are taken. */
enum lf_code table_parts_by_id(const struct table_parts *parts, struct arena *arena, struct table_part ***ret_sorted,
                               struct err *err) MUST_CHECK;

/* Whether no item is there twice. */
bool table_items_are_distinct(const struct table_item *items, size_t count);

/* LF_VALIDATION when one is, in a transaction. */
enum lf_code table_items_check_distinct(const struct table_item *items, size_t count, struct err *err) MUST_CHECK;
