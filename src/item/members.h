/*
 * members: the entries of a map by their names, or the members of a set by their values, found by hash without allocation.
 *
 * A fixed table on the stack holds up to MEMBERS_INDEXED of them; larger collections are gone through in runs of that many, so
 * the work is count * (count / MEMBERS_INDEXED + 1) look-ups and the memory constant. Inside item/ only. Pure.
 */
#pragma once

#include "item/value.h"

enum { MEMBERS_INDEXED = 1024, MEMBERS_SLOTS = 2 * MEMBERS_INDEXED, MEMBERS_NONE = -1 };

/* One of the two arrays; the other is NULL. Borrowed. */
struct members {
    const struct attribute *attributes; /* compared by name */
    const struct value *values;         /* S, N or B, compared by value */
    size_t count;
};

static inline struct members members_of_map(const struct attribute *attributes, size_t count)
{
    return (struct members){ .attributes = attributes, .count = count };
}

static inline struct members members_of_set(const struct value *set)
{
    return (struct members){ .values = set->list.values, .count = set->list.count };
}

/* The members first … first + count - 1 of one collection; slots hold their position + 1, 0 is free. */
struct members_index {
    struct members members;
    size_t first;
    size_t count;
    size_t mask;
    uint16_t slots[MEMBERS_SLOTS];
};

/* Indexes at most MEMBERS_INDEXED members from `first` on. Returns the position of one that equals an earlier one, or
 * MEMBERS_NONE. */
ptrdiff_t members_index_init(struct members_index *index, struct members members, size_t first);

/* Where in the indexed collection the member `at` of `others` is, or MEMBERS_NONE. */
ptrdiff_t members_index_find(const struct members_index *index, const struct members *others, size_t at);

/* Whether member `i` of `a` and member `j` of `b` are the same. */
bool members_same(const struct members *a, size_t i, const struct members *b, size_t j);

/* The position of a member that occurs twice, or MEMBERS_NONE. */
ptrdiff_t members_duplicate(struct members members);
