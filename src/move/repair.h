/*
 * repair: makes the target equal for the keys that differ.
 *
 * For each key the rows that hold it, in whichever table, give way to the source's item, where there is one, written by the same
 * encoder that the backfill uses, in one transaction (repair_batch.h). Rows of keys that the source does not have are deleted
 * first, so that the items find room; those that other rows still refer to are tried again when the items are written. Items that
 * broke a constraint, perhaps only because what they refer to was written after them, are written again while that helps. Other
 * writers of these tables must rest meanwhile. Verification repairs by it what differs, the backfill brings in changes by it
 * (changes.h).
 */
#pragma once

#include "move/repair_batch.h"

struct repair {
    const struct map *map;
    const char *postgres;
    struct crew *crew;
    const struct target_parts *target;
    const bool *wanted; /* by index of map->tables */
    struct source *source;
    const struct overlay *overlay; /* as of scan.h, as the next */
    bool changes_only;
    repair_finish *finish; /* committed with the last batch, or alone where that was too early to know; NULL: nothing */
    void *finish_context;
};

enum lf_code repair_run(const struct repair *repair, const struct key_differences *differences, struct err *err) MUST_CHECK;
