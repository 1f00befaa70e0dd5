#include "map/seed/random.h"

enum { ROUNDS = 4 };

/* Half of the bits that numbers below `size` have, rounded up. */
static unsigned half_bits(uint64_t size)
{
    unsigned bits = size > 2 ? 64 - (unsigned)__builtin_clzll(size - 1) : 1;
    return (bits + 1) / 2;
}

/* A Feistel network: each round changes one half by a number made of the other, so it can be taken back and is a bijection. */
static uint64_t scramble(uint64_t key, unsigned half, uint64_t at)
{
    uint64_t mask = ((uint64_t)1 << half) - 1, left = at >> half, right = at & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (seed_mix(key + round, right) & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

/* The network's domain is up to four times too large: what falls outside goes round again until it is inside. */
uint64_t seed_permute(uint64_t key, uint64_t size, uint64_t at)
{
    unsigned half = half_bits(size);
    do
        at = scramble(key, half, at);
    while (at >= size);
    return at;
}
