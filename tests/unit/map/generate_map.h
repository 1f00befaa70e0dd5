/*
 * generate_map: random valid maps for property tests; the same seed gives the same map.
 *
 * Names are chosen to hurt: reserved words, words and numbers of YAML, quotes, control characters, long and non-ASCII text.
 */
#pragma once

#include <stdint.h>

#include "map/model.h"

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 … below - 1 */
size_t random_below(struct random *random, size_t below);

/* A map that map_finish accepts (it is not run). Allocation failure ends the process. */
struct map generate_map(struct random *random, struct arena *arena);
