/*
 * seed_run: the items of a seed as a full export (export_folder.h), on several threads.
 *
 * A table's items are cut into parts of a fixed number, each a file of its own: what stands in a file does not depend on the
 * number of threads.
 */
#pragma once

#include "map/seed.h"
#include "move/export_folder.h"

struct seed_run_options {
    const char *dir; /* must not exist or be empty */
    unsigned jobs;
};

/* Answers true to stop. */
typedef bool seed_report(void *context, uint64_t items_made, uint64_t items_total);

/* Errors: of export_folder.h; LF_INTERRUPTED. */
enum lf_code seed_run(const struct map *map, const struct seed *seed, const struct seed_run_options *options, seed_report *report,
                      void *context, struct export_result *ret_result, struct err *err) MUST_CHECK;
