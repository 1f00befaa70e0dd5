/*
 * verify_keys: which keys differ.
 *
 * The items of unequal segments of both sides are listed as (key, item) hashes, sorted and merged. A list is bounded: as many
 * segments at a time as VERIFY_GROUP_ENTRIES items fit, at least one.
 */
#pragma once

#include "move/comparison.h"
#include "move/key_merge.h"

enum { VERIFY_GROUP_ENTRIES = 500 * 1000 /* of 40 bytes */ };

/* A set of segments: one flag for each segment of each table of the map. */
struct segment_set {
    bool *flags; /* [table * PARITY_SEGMENTS + segment], borrowed */
};

/* Moves the next unequal segments from `left` to `ret_group`; false when none is left. */
bool segment_group_next(const struct comparison *comparison, struct segment_set left, struct segment_set ret_group);

/* Lists and merges a group. */
enum lf_code keys_compare(struct comparison *comparison, struct segment_set group, struct key_differences *ret_differences,
                          struct err *err) MUST_CHECK;
