/*
 * sketch: counters of bounded size whose sums do not depend on the order of what they saw.
 *
 * hash_sample keeps every distinct 64-bit hash until it is full, then only hashes whose low `shift` bits are zero, so two samples
 * of the same values hold the same hashes: distinct counts and containment ("every child has its parent") can be read off them.
 * uniqueness keeps all hashes of a candidate key within a budget and is exact. Owned by one thread; memory from malloc.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/hash.h"

struct hash_sample {
    uint64_t *slots; /* owned, open addressing, 0 is empty */
    uint32_t capacity, count, limit;
    unsigned shift;
};

void hash_sample_init(struct hash_sample *sample, uint32_t limit);
void hash_sample_done(struct hash_sample *sample);
/* *ret_was_there (may be NULL): the hash is in the sample since earlier. */
enum lf_code hash_sample_add(struct hash_sample *sample, uint64_t hash, bool *ret_was_there, struct err *err) MUST_CHECK;
/* Adds what `other` saw; *ret_overlaps (may be NULL) when some hash is in both. */
enum lf_code hash_sample_merge(struct hash_sample *sample, const struct hash_sample *other, bool *ret_overlaps,
                               struct err *err) MUST_CHECK;
/* Number of distinct values: exact while the sample is not full, an estimate (about 2 %) then. */
uint64_t hash_sample_distinct(const struct hash_sample *sample);
bool hash_sample_is_exact(const struct hash_sample *sample);

struct containment {
    uint64_t checked; /* distinct values of the child that were looked up */
    uint64_t orphans; /* of these, not in the parent */
};
struct containment hash_sample_contained(const struct hash_sample *child, const struct hash_sample *parent);

/* Are all values of a candidate key distinct? */
struct uniqueness {
    struct hash_sample seen; /* finds duplicates early */
    uint64_t *hashes;        /* owned */
    size_t count, capacity;
    bool duplicate; /* proven not to be a key */
};

void uniqueness_init(struct uniqueness *uniqueness);
void uniqueness_done(struct uniqueness *uniqueness);
/* `used_bytes` is shared by all threads; past `budget_bytes` nothing more is kept and uniqueness_prove says unknown. */
enum lf_code uniqueness_add(struct uniqueness *uniqueness, uint64_t hash, _Atomic uint64_t *used_bytes, uint64_t budget_bytes,
                            struct err *err) MUST_CHECK;
/* Takes the hashes of `other`, which is empty afterwards: two copies of millions would not fit the budget. */
enum lf_code uniqueness_merge(struct uniqueness *uniqueness, struct uniqueness *other, struct err *err) MUST_CHECK;
/* True when all `expected` values were kept and no two are equal. Sorts in place. */
bool uniqueness_prove(struct uniqueness *uniqueness, uint64_t expected);

/* The few distinct values of a closed set, exact up to its size. */
enum { SMALL_SET_VALUES = 12, SMALL_SET_VALUE_BYTES = 40 };
struct small_set {
    char values[SMALL_SET_VALUES][SMALL_SET_VALUE_BYTES];
    unsigned char lengths[SMALL_SET_VALUES];
    uint64_t counts[SMALL_SET_VALUES];
    unsigned count;
    bool overflow; /* more values, or a long one */
};
void small_set_add(struct small_set *set, struct span value, uint64_t times);
void small_set_merge(struct small_set *set, const struct small_set *other);
/* Sorts by value, so that the order does not depend on what came first. */
void small_set_sort(struct small_set *set);

/* Three examples for people: the values with the smallest hashes, so the same data shows the same examples. */
enum { EXAMPLES = 3, EXAMPLE_BYTES = 48 }; /* EXAMPLE_COUNT of infer.h */
struct examples {
    uint64_t hashes[EXAMPLES];
    char texts[EXAMPLES][EXAMPLE_BYTES];
    unsigned char lengths[EXAMPLES];
    unsigned count;
};
void examples_add(struct examples *examples, uint64_t hash, struct span text);
void examples_merge(struct examples *examples, const struct examples *other);
