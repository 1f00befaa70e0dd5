/*
 * live_keys: the keys that a scan has seen, as 64 bits of hash each, in a temporary file. Added by several threads, then taken by
 * one, some parity segments at a time, so that memory is bounded whatever the table's size.
 */
#pragma once

#include <pthread.h>
#include <stdio.h>

#include "base/limits.h"
#include "item/key.h"

struct live_keys {
    FILE *file;            /* owned; nobody else sees it */
    pthread_mutex_t mutex; /* of file and counts */
    uint64_t counts[PARITY_SEGMENTS];
    bool is_open;
};

/* Errors: LF_IO, LF_MEMORY. */
enum lf_code live_keys_open(struct live_keys *keys, struct err *err) MUST_CHECK;
void live_keys_close(struct live_keys *keys); /* safe on a zeroed one */

enum lf_code live_keys_add(struct live_keys *keys, const struct key *added, size_t count, struct err *err) MUST_CHECK;

/* The hashes of the segments from *next on, as many segments as have `keys_max` keys, at least one: `ret_segments` says which,
 * and *next becomes the one after them. `ret_hashes` is the caller's to free. LF_IO, LF_MEMORY. */
enum lf_code live_keys_take(struct live_keys *keys, uint64_t keys_max, unsigned *next, bool ret_segments[PARITY_SEGMENTS],
                            uint64_t **ret_hashes, size_t *ret_count, struct err *err) MUST_CHECK;
