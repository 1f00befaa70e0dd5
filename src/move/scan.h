/*
 * scan: every item of both sides, once, on all threads.
 *
 * Verification is a few scans, each with another visitor: sums, keys, the details of single keys. The workers first take chunks
 * of the source until there is none, then parts of the target. Lines that are not items, or whose key is not one, are rejects:
 * the backfill keeps them elsewhere, and here they do not count. A row of the target whose key is no key (changed by SQL) is
 * given the hash of its item as key, so that it shows as an extra item.
 */
#pragma once

#include "map/model.h"
#include "move/crew.h"
#include "move/target.h"
#include "source/source.h"

enum scan_side { SCAN_SOURCE, SCAN_TARGET, SCAN_SIDES };

struct scan_item {
    enum scan_side side;
    size_t table; /* index into map->tables */
    const struct item *item;
    struct key key;
    const struct target_item *row; /* of the target, else NULL */
    struct arena *arena;           /* reset after the visit */
};

/* Called by several threads; `worker` is 0 … jobs - 1. */
typedef enum lf_code scan_visit(void *context, unsigned worker, const struct scan_item *item, struct err *err);

struct scan {
    const struct map *map;
    struct source *source;             /* NULL: the target only */
    const struct target_parts *target; /* NULL: the source only */
    const bool *wanted;                /* by index of map->tables */
    struct crew *crew;                 /* of verification: connections and progress */
    scan_visit *visit;
    void *context;
};

enum lf_code scan_run(struct scan *scan, struct err *err) MUST_CHECK;
