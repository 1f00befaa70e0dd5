/*
 * random: numbers that follow from other numbers, for seed/ only.
 *
 * Integers throughout: floating point is not the same on every machine. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 seed_uint128;

/* Of two numbers one that tells nothing of them (splitmix64's finalizer). */
static inline uint64_t seed_mix(uint64_t a, uint64_t b)
{
    uint64_t mixed = a + (b + 1) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

/* `fraction` of 2^64 as that part of `below`. */
static inline uint64_t seed_scale(uint64_t fraction, uint64_t below)
{
    return (uint64_t)(((seed_uint128)fraction * below) >> 64);
}

/* A draw for each value: a sequence that starts from its salt. */
struct draw {
    uint64_t state;
};

static inline uint64_t draw_next(struct draw *draw)
{
    draw->state = seed_mix(draw->state, 0);
    return draw->state;
}

/* 0 … below - 1, all alike. */
static inline uint64_t draw_below(struct draw *draw, uint64_t below)
{
    return seed_scale(draw_next(draw), below);
}

static inline uint64_t seed_square(uint64_t fraction)
{
    return seed_scale(fraction, fraction);
}

/* 0 … below - 1, small ones far more often: the share of the first m of them is (m / below)^(1/4), as with Zipf's law. */
static inline uint64_t seed_skewed(uint64_t fraction, uint64_t below)
{
    return seed_scale(seed_square(seed_square(fraction)), below);
}

static inline uint64_t draw_skewed(struct draw *draw, uint64_t below)
{
    return seed_skewed(draw_next(draw), below);
}

/* A bijection of 0 … size - 1, another for each key. `at` is below size. */
uint64_t seed_permute(uint64_t key, uint64_t size, uint64_t at);
