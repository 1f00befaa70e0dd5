/*
 * comparison: what the steps of a verification share.
 *
 *     sums (verify_sums)  ── equal: proven
 *        └─ keys of unequal segments (verify_keys)  ── which keys differ, are missing, are extra
 *              ├─ details of the first of them (verify_details)
 *              └─ repair of all of them (repair)
 *
 * One comparison is one view of the target: all its scans read in the same snapshot.
 */
#pragma once

#include "base/limits.h"
#include "move/parity.h"
#include "move/scan.h"
#include "move/verify.h"

struct comparison {
    const struct map *map;
    struct source *source;         /* borrowed; NULL when there are only the sums on record */
    const struct overlay *overlay; /* of the source's windows, borrowed; NULL when it has none */
    const struct verify_options *options;
    struct crew crew;
    struct snapshot snapshot;   /* owned */
    struct target_parts parts;  /* in arena */
    bool wanted[LIMIT_TABLES];  /* tables that are compared, by index of map->tables */
    struct parity *source_sums; /* by table, in arena */
    struct parity *target_sums;
    struct arena arena; /* of this comparison */
};

/* Of both sides. */
static inline struct scan comparison_scan(struct comparison *comparison, scan_visit *visit, void *context)
{
    return (struct scan){
        .map = comparison->map,
        .source = comparison->source,
        .overlay = comparison->overlay,
        .target = &comparison->parts,
        .wanted = comparison->wanted,
        .crew = &comparison->crew,
        .visit = visit,
        .context = context,
    };
}
