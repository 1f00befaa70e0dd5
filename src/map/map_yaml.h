/*
 * map_yaml: landfall.yaml, both ways (docs/map.md is the reference of the format).
 *
 * Reading is strict: unknown keys, wrong kinds, duplicates are errors with line and column, "landfall.yaml:12:9: …". Writing
 * gives the map with its evidence as comments, in a fixed order, so that the same map is the same bytes; reading what was written
 * gives an equal map. Uses libyaml for reading. Pure (text in, model out).
 */
#pragma once

#include "map/model.h"

/* `file` is for messages only. Everything is put in the arena; `text` may go away. Errors: LF_MAP, LF_SYNTAX, LF_LIMIT,
 * LF_MEMORY. Runs map_finish. */
enum lf_code map_read_yaml(struct span text, const char *file, struct arena *arena, struct map *ret_map,
                           struct err *err) MUST_CHECK;

void map_put_yaml(struct buf *buf, const struct map *map);

/* The line of one column as it stands under an entity's `columns:`, with its indentation. */
void map_put_yaml_column(struct buf *buf, const struct column *column);
