/*
 * verify: proves that source and target hold the same items, or says which differ.
 *
 * First the sums (parity.h): the source's are those the backfill stored, or are made again from the source (`reread`, or when no
 * load is on record); the target's are made from its rows. Segments whose sums are equal are proven. For the others both sides
 * are read again and compared by key (hash), then by attribute; memory is bounded by taking as many segments at a time as fit.
 * Everything is compared, never a sample, in both directions.
 *
 * Several processes, on any hosts, that compare the same share one run (verify_share.h): each part of the source and the target
 * is read by one of them, one compares the sums and what lies behind unequal ones, and all give the same result. What they have
 * read is recorded as they go, so a run that was killed is gone on with, as long as nothing tells that the target was changed
 * since. Repairs, and sources with windows, are done by one process alone.
 *
 * A source of a full export and windows stands for what the windows leave (overlay.h): it is always read, and the target is
 * expected to be at the end of the last window. Sums on record are those of full exports alone, so that without a source nothing
 * can be said once windows were applied (LF_PRECONDITION). A source of windows alone is refused (LF_SOURCE).
 *
 * A live source is compared as verify_live.h tells, by one process, and repairs nothing (LF_USAGE): what it lacks `follow`
 * brings.
 */
#pragma once

#include "base/stage_clock.h"
#include "map/model.h"
#include "move/control.h"
#include "source/source.h"

struct verify_options {
    const char *postgres;
    unsigned jobs;
    struct span map_yaml;          /* the map as written: only processes with the same one share a run */
    unsigned lease_seconds;        /* until a process that says nothing is taken for dead; 0: LEASE_SECONDS */
    struct stage_profile *profile; /* NULL: none is wanted */
    bool reread;                   /* read the source although its sums are on record */
    bool repair;        /* make the target equal: missing and different items are written from the source, extra ones deleted */
    size_t details_max; /* differences kept with their attributes */
    unsigned settle_seconds; /* that a difference of a live source must last to count */
};

enum verify_kind { VERIFY_DIFFERENT, VERIFY_MISSING, VERIFY_EXTRA };

struct verify_difference {
    enum verify_kind kind;
    struct span table;
    struct span key;         /* for people */
    struct span *attributes; /* names that differ, sorted; empty for missing and extra */
    size_t attribute_count;
    struct span source_json, target_json; /* DynamoDB JSON, "" where absent */
};

struct verify_result {
    uint64_t compared; /* items of the source */
    uint64_t different, missing, extra;
    uint64_t repaired; /* of these; proven by another comparison after the repair */
    uint64_t segments, segments_equal;
    bool source_reread;
    struct unmapped unmapped;          /* not compared */
    struct verify_difference *details; /* in the arena given, at most details_max */
    size_t detail_count;
    double seconds;
};

typedef bool verify_report(void *context, uint64_t items_read, uint64_t items_total);

/* `source` NULL: the sums on record; keys then cannot be told: differences are those of the segments' counts, at least one for
 * each unequal segment, without details. Errors: LF_PRECONDITION when there is no record, no control schema, or a repair without
 * a source; LF_INTERRUPTED when the report asks to stop. Each run that ends leaves its result in landfall.parity_run. */
enum lf_code verify_run(const struct map *map, struct source *source, const struct verify_options *options, verify_report *report,
                        void *context, struct arena *arena, struct verify_result *ret_result, struct err *err) MUST_CHECK;
