/*
 * key_merge: two lists of (key, item) hashes, sorted and merged into the keys that differ.
 *
 * Items of one key are matched first with equal items of the other side; what is then left on both sides is different, on one
 * side missing or extra: so an item that stands twice in the target is once extra. Pure.
 */
#pragma once

#include "move/scan.h"

struct key_entry {
    struct hash128 key, item;
    uint32_t table; /* index into map->tables */
    uint32_t side;  /* enum scan_side */
};

struct key_difference {
    struct hash128 key;
    uint32_t table;
    uint32_t different, missing, extra;
    bool in_source;
};

struct key_differences {
    struct key_difference *items; /* owned, malloc; sorted by table and key */
    size_t count;
};

void key_differences_done(struct key_differences *differences);

/* Tells keys apart in 128 bits. */
struct hash128 key_hash128(const struct key *key);

/* NULL when the key is not among them. */
const struct key_difference *key_differences_find(const struct key_differences *differences, size_t table, const struct key *key);

/* Sorts the entries on the way. LF_MEMORY only. */
enum lf_code key_entries_merge(struct key_entry *entries, size_t count, struct key_differences *ret_differences,
                               struct err *err) MUST_CHECK;
