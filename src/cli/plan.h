/* plan: the migration files of a map, written so that writing them again changes nothing. */
#pragma once

#include "map/model.h"
#include "move/migrate.h"

/* Writes the files into `dir`, under the versions they already have there, else under versions of now (UTC). Errors: as
 * migrate_plan. */
enum lf_code plan_write(const struct map *map, const char *dir, bool replace, struct arena *arena, size_t *ret_written,
                        struct err *err) MUST_CHECK;

/* A version for one more migration: the last before the contract of `dir`, behind which nothing may come; without one, now. */
enum lf_code plan_next_version(const char *dir, struct arena *arena, struct span *ret_version, struct err *err) MUST_CHECK;
