/*
 * exports: which exports of a table lie in a place, a folder or "s3://bucket/prefix", and in which order the incremental ones
 * follow each other. For who comes back again and again: what was seen before is not read again.
 *
 *     position ──────┬──────────┬───────────────┬─────────►
 *                    [  window  )               [ window )      none that begins here or earlier: a gap
 *               [     window    )                               reaches further: taken instead
 *
 * An export is there from when both of its manifests are. What lies in the place besides, and exports of other tables, do not
 * matter.
 */
#pragma once

#include "base/arena.h"

/* Of a full export `from_us` is that of to_us, both MANIFEST_TIME_UNKNOWN when the manifest gives no time. */
struct export_found {
    struct span name; /* its folder, relative to the place */
    bool is_ours;     /* of the table that was asked for */
    bool is_full;
    int64_t from_us, to_us; /* as of timestamp.h: from inclusive, to exclusive */
};

struct exports {
    struct arena arena;         /* of the names */
    struct export_found *items; /* owned, malloc */
    size_t count, capacity;
    bool has_unfinished; /* an export that lacks a manifest, of whichever table */
};

void exports_init(struct exports *exports);
void exports_done(struct exports *exports);

/* Adds what has come since. Errors: those of tree_open and manifest_read_summary; LF_LIMIT. */
enum lf_code exports_look(struct exports *exports, const char *place, struct span table, struct err *err) MUST_CHECK;

enum export_next { EXPORT_NONE, EXPORT_NEXT, EXPORT_GAP };

/* What follows a state of the table at `position_us`: nothing; the window *ret_index, of those that begin no later the one that
 * reaches furthest; or, where all that end later begin later, too, the first of these. Pure. */
enum export_next exports_next(const struct export_found *items, size_t count, int64_t position_us, size_t *ret_index);

/* From when a chain of them begins: when the last full one was taken, or else where the first window begins. False: there is
 * none. Pure. */
bool exports_begin(const struct export_found *items, size_t count, int64_t *ret_us);
