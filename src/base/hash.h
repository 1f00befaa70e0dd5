/*
 * hash: XXH3 of xxHash, 64 and 128 bits, and the sums that parity is proved with.
 *
 * Sums, not XOR: two equal hashes must not cancel out. A 128-bit sum over n items is independent of their order and of how they
 * were split among threads. Not cryptographic: it proves that nothing was lost, not that nobody forged it.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(struct span bytes, uint64_t seed);
struct hash128 hash128(struct span bytes, uint64_t seed);

/* Addition modulo 2^128. */
static inline struct hash128 hash128_add(struct hash128 a, struct hash128 b)
{
    uint64_t low = a.low + b.low;
    return (struct hash128){ low, a.high + b.high + (low < a.low) };
}

/* Subtraction modulo 2^128. */
static inline struct hash128 hash128_subtract(struct hash128 a, struct hash128 b)
{
    return (struct hash128){ a.low - b.low, a.high - b.high - (a.low < b.low) };
}

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}
