/*
 * hash: XXH3 of xxHash, 64 and 128 bits, and the sums that parity is proved with.
 *
 * Sums, not XOR: two equal hashes must not cancel out. A 128-bit sum over n items is independent of their order and of how they
 * were split among threads. Not cryptographic: it proves that nothing was lost, not that nobody forged it.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/span.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(struct span bytes, uint64_t seed);
struct hash128 hash128(struct span bytes, uint64_t seed);

/* The bytes of a text of 1 to 16: its first and its last. */
struct hash_ends {
    uint64_t first, last;
};
static inline struct hash_ends hash_ends(const char *text, size_t len)
{
    struct hash_ends ends = { 0, 0 };
    if (len >= sizeof ends.first) {
        memcpy(&ends.first, text, sizeof ends.first);
        memcpy(&ends.last, text + len - sizeof ends.last, sizeof ends.last);
    } else if (len >= sizeof(uint32_t)) {
        uint32_t first, last;
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + len - sizeof last, sizeof last);
        ends = (struct hash_ends){ first, last };
    } else {
        ends.first =
            (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[len / 2] << 8 | (unsigned char)text[len - 1];
    }
    return ends;
}

/* For tables in memory of names that are mostly short: a few instructions, and another number on another machine. */
static inline uint64_t hash_name(struct span name)
{
    if (name.len == 0 || name.len > 2 * sizeof(uint64_t))
        return hash64(name, 0);
    struct hash_ends ends = hash_ends(name.ptr, name.len);
    uint64_t mixed = (ends.first ^ UINT64_C(0x9E3779B97F4A7C15)) * (2 * name.len + UINT64_C(0xD6E8FEB86659FD93)) + ends.last;
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return mixed ^ mixed >> 32;
}

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

/* An order for sorting and searching: below 0, 0, above 0. */
static inline int hash128_compare(struct hash128 a, struct hash128 b)
{
    return a.high != b.high ? (a.high > b.high) - (a.high < b.high) : (a.low > b.low) - (a.low < b.low);
}
