/*
 * parity: the sums that source and target are compared by.
 *
 * The items of one DynamoDB table are spread over PARITY_SEGMENTS segments by the hash of their key. A segment's sum is the
 * number of its items and the sum of their hashes (item/canonical.h) modulo 2^128; it does not depend on order or on who added.
 * Equal sums on both sides prove equal segments. Stored as bytes: for each segment that is not empty  segment(2) count(8) low(8)
 * high(8), big-endian, in order of segment.
 */
#pragma once

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"
#include "item/key.h"

struct parity_sum {
    uint64_t count;
    struct hash128 sum;
};

struct parity {
    struct parity_sum segments[PARITY_SEGMENTS];
};

void parity_add_item(struct parity *parity, const struct key *key, const struct item *item);
/* The item must have been added before. */
void parity_subtract_item(struct parity *parity, const struct key *key, const struct item *item);
void parity_add(struct parity *parity, const struct parity *other);
/* `other` must have been added before. */
void parity_subtract(struct parity *parity, const struct parity *other);
uint64_t parity_count(const struct parity *parity);
void parity_put(struct buf *buf, const struct parity *parity);
enum lf_code parity_read(struct span bytes, struct parity *ret_parity, struct err *err) MUST_CHECK;
