/*
 * generate_row: random values that a codec is made for, and random items that an entity is made for; same seed, same items.
 *
 * Most of what is generated is held by its column and claimed by its entity; the rest is beside it in every way there is.
 * Everything lies in the arena; allocation failure ends the process.
 */
#pragma once

#include "../item/generate.h"
#include "map/column_codec.h"
#include "map/model.h"

struct value generate_for_codec(struct generator *generator, struct arena *arena, const struct column_codec *codec);

struct item generate_for_entity(struct generator *generator, struct arena *arena, const struct entity *entity);
