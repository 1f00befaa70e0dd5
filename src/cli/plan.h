/* plan: the migration files of a map, written so that writing them again changes nothing. */
#pragma once

#include "map/model.h"
#include "move/migrate.h"

/* Writes the files into `dir`, under the versions they already have there, else under versions of now (UTC). Errors: as
 * migrate_plan. */
enum lf_code plan_write(const struct map *map, const char *dir, bool replace, struct arena *arena, size_t *ret_written,
                        struct err *err) MUST_CHECK;
