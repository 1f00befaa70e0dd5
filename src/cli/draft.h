/*
 * draft: reads a source and drafts its map: a sample first, then everything, on several threads (map/infer.h).
 *
 * The sample is read by one thread, file after file, so the same data gives the same sample; in the second pass each worker
 * owns a chunk, an arena and its counters. Progress goes to standard error. A line that is not an item stops it.
 */
#pragma once

#include "base/stage_clock.h"
#include "map/infer.h"
#include "source/source.h"

struct draft_result {
    struct map map; /* in the arena given */
    struct evidence evidence;
    uint64_t items;
};

/* Reads `source` to its end; `profile` may be NULL. Errors: those of the source, of an item ("file:line: …"), LF_INTERRUPTED. */
enum lf_code draft_map(struct source *source, const struct infer_options *options, unsigned jobs, struct stage_profile *profile,
                       struct arena *arena, struct draft_result *ret_result, struct err *err) MUST_CHECK;

/* Writes the map with its evidence, and a last line by which `draft_check_overwrite` knows whether people have edited it. */
enum lf_code draft_write(const char *path, const struct map *map, struct err *err) MUST_CHECK;

/* LF_PRECONDITION when there is a file that is no untouched draft. */
enum lf_code draft_check_overwrite(const char *path, struct arena *arena, struct err *err) MUST_CHECK;
