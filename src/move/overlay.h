/*
 * overlay: what the windows of a source (its incremental exports) leave of each key that they touch.
 *
 *     full export:  a  b  c  d
 *     window 1:        b' -c    e
 *     window 2:        b"       e'  f
 *     overlay:         2  1-    2   2         the last window that has the key, and whether it was deleted there
 *
 * Windows hold one record for each key, as it is at their end, and later windows know more. So the items that stand in the end
 * are those of the full export whose key is not in the overlay, and of each window the images of the keys whose last window it
 * is: that is what a scan with an overlay visits, and why windows need not be applied one by one. Memory: 64 to 128 bytes for
 * each key, at most OVERLAY_KEYS_MAX. Made by one thread, then immutable.
 */
#pragma once

#include "map/model.h"
#include "move/key_merge.h"
#include "source/source.h"

enum { OVERLAY_KEYS_MAX = 16 * 1024 * 1024 };

struct overlay_key {
    struct hash128 key;
    uint32_t table;  /* index into map->tables */
    uint32_t window; /* index into source->windows + 1; 0 is a free slot */
    bool is_delete;
};

struct overlay {
    struct overlay_key *slots; /* owned, malloc; a power of two of them, NULL while there is no key */
    size_t slot_count, count;
};

/*
 * Reads the windows flagged in `pending`, in their order; `map_tables` gives for each table of the source its index in the map.
 * Errors: LF_SYNTAX, LF_ITEM, LF_LIMIT of a bad line ("file:line: byte N: …": a change that is lost would be seen by nobody, so
 * there are no rejects here), LF_LIMIT past OVERLAY_KEYS_MAX, those of source_next.
 */
enum lf_code overlay_read(const struct map *map, const struct source *source, const size_t *map_tables, const bool *pending,
                          struct overlay *ret_overlay, struct err *err) MUST_CHECK;
void overlay_done(struct overlay *overlay); /* safe on a zeroed one */

/* NULL when no window has the key. */
const struct overlay_key *overlay_find(const struct overlay *overlay, size_t table, const struct key *key);

/* All keys as differences, in_source where they are not deleted. LF_MEMORY only. */
enum lf_code overlay_differences(const struct overlay *overlay, struct key_differences *ret_differences,
                                 struct err *err) MUST_CHECK;
