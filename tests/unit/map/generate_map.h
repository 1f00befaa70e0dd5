/*
 * generate_map: random valid maps for property tests; the same seed gives the same map.
 *
 * Names are chosen to hurt: reserved words, words and numbers of YAML, quotes, control characters, long and non-ASCII text.
 */
#pragma once

#include "generate.h"
#include "map/model.h"

/* A map that map_finish accepts (it is not run). Allocation failure ends the process. */
struct map generate_map(struct generator *generator, struct arena *arena);
