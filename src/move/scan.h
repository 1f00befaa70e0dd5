/*
 * scan: every item of both sides, once, on all threads.
 *
 * Verification is a few scans, each with another visitor: sums, keys, the details of single keys. The workers first take chunks
 * of the source until there is none, then parts of the target. Lines that are not items, or whose key is not one, are rejects:
 * the backfill keeps them elsewhere, and here they do not count. A row of the target whose key is no key (changed by SQL) is
 * given the hash of its item as key, so that it shows as an extra item. Items of the source that were put aside because another
 * one has their key (rejected_items.h) do not count either.
 *
 * With an overlay the source's side is what its windows leave (overlay.h), with changes_only just the images in the windows.
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

/*
 * Who decides what of a scan is read here, and hears what was: a scan that several processes share. All are called by several
 * threads. A worker is at one chunk or one part at a time.
 */
struct scan_share {
    source_gate *open_file;
    enum lf_code (*chunk_read)(void *context, unsigned worker, const struct source_chunk *chunk, struct err *err);
    enum lf_code (*next_part)(void *context, size_t *ret_part, bool *ret_end, struct err *err);
    enum lf_code (*part_read)(void *context, unsigned worker, size_t part, struct err *err);
};

struct overlay;

struct scan {
    const struct map *map;
    struct source *source;             /* NULL: the target only */
    const struct overlay *overlay;     /* of the source's windows; NULL: these do not count */
    bool changes_only;                 /* of the source only what the overlay is made of */
    const struct target_parts *target; /* NULL: the source only */
    const bool *wanted;                /* by index of map->tables */
    struct crew *crew;                 /* of verification: connections and progress */
    scan_visit *visit;
    const struct scan_share *share; /* NULL: everything is read */
    void *context;                  /* of visit and share */
};

enum lf_code scan_run(struct scan *scan, struct err *err) MUST_CHECK;

/* For each table of the source its index in the map, of LIMIT_TABLES at most. Errors: LF_MAP, LF_LIMIT. */
enum lf_code scan_match_tables(const struct map *map, const struct source *source, size_t ret_indexes[],
                               struct err *err) MUST_CHECK;
