/*
 * generate: random items for property tests; the same seed gives the same items on every machine.
 *
 * All ten types, nested; numbers at the edges of DynamoDB's range; strings that trouble somebody: empty, U+0000, control
 * characters, quotes, astral characters, texts that look like a timestamp, a uuid, a number or JSON. Everything lies in the
 * arena; allocation failure ends the process.
 */
#pragma once

#include <stdint.h>

#include "item/value.h"

struct generator {
    uint64_t state;
};

/* The seed to use: LANDFALL_TEST_SEED, or the time. Prints it, so that a failure can be seen again. */
uint64_t generator_seed(void);
void generator_init(struct generator *generator, uint64_t seed);

uint64_t generate_uint64(struct generator *generator);
/* 0 … below - 1 */
size_t generate_below(struct generator *generator, size_t below);

struct span generate_text(struct generator *generator, struct arena *arena);
struct span generate_bytes(struct generator *generator, struct arena *arena);
/* Not empty. */
struct span generate_name(struct generator *generator, struct arena *arena);
struct number generate_number(struct generator *generator);

/* With at most `levels_max` lists and maps around any part of it. */
struct value generate_value(struct generator *generator, struct arena *arena, unsigned levels_max);
/* Up to a dozen attributes. */
struct item generate_item(struct generator *generator, struct arena *arena);

/* The same item with attributes, map entries and set members in another order; strings are shared. */
struct item generate_shuffled(struct generator *generator, struct arena *arena, const struct item *item);
/* The item with one thing changed somewhere, so that it is no longer equal. It must have an attribute. */
struct item generate_changed(struct generator *generator, struct arena *arena, const struct item *item);
