#include "source/exports.h"

#include <stdlib.h>

#include "source/discover.h"
#include "source/folder.h"
#include "source/manifest.h"

enum { NAMES_BYTES_MAX = 256 * 1024 * 1024, LOOK_BYTES_MAX = 1024 * 1024 * 1024, EXPORTS_MIN = 64 };

void exports_init(struct exports *exports)
{
    *exports = (struct exports){ 0 };
    arena_init(&exports->arena, NAMES_BYTES_MAX);
}

void exports_done(struct exports *exports)
{
    arena_done(&exports->arena);
    free(exports->items);
    *exports = (struct exports){ 0 };
}

/* What there is ------------------------------------------------------------------------------------------------------------- */

struct looking {
    struct exports *exports;
    struct tree *tree; /* owned, as the next */
    struct arena arena;
    struct span table;
    size_t known; /* exports seen before: sorted by name */
};

static int compare_names(const void *left, const void *right)
{
    const struct export_found *a = left, *b = right;
    return span_compare(a->name, b->name);
}

static bool is_known(const struct looking *looking, struct span name)
{
    const struct export_found key = { .name = name };
    return looking->known && bsearch(&key, looking->exports->items, looking->known, sizeof key, compare_names);
}

static enum lf_code grow(struct exports *exports, struct err *err)
{
    if (exports->count < exports->capacity)
        return LF_OK;
    size_t capacity = exports->capacity ? 2 * exports->capacity : EXPORTS_MIN;
    struct export_found *items = realloc(exports->items, capacity * sizeof *items);
    if (!items)
        return ERR(err, LF_MEMORY, "out of memory for %zu exports", capacity);
    exports->items = items;
    exports->capacity = capacity;
    return LF_OK;
}

static enum lf_code add(struct looking *looking, const struct folder *folder, struct err *err)
{
    struct exports *exports = looking->exports;
    struct manifest manifest;
    if (is_known(looking, folder->name))
        return LF_OK;
    TRY(manifest_read_summary(looking->tree, folder->path, &looking->arena, &manifest, err));
    TRY(grow(exports, err));
    struct export_found found = {
        .is_ours = span_equal(manifest.table, looking->table),
        .is_full = !manifest.is_incremental,
        .from_us = manifest.is_incremental ? manifest.from_us : manifest.to_us,
        .to_us = manifest.to_us,
    };
    TRY(arena_copy(&exports->arena, folder->name, &found.name, err));
    exports->items[exports->count++] = found;
    return LF_OK;
}

/* AWS puts _started there first. Who copies exports may bring the manifests one after the other. */
static enum lf_code walk(struct looking *looking, const struct folder *folder, unsigned depth, struct err *err)
{
    bool has_summary = folder_has_file(folder, SPAN("manifest-summary.json"));
    bool has_files = folder_has_file(folder, SPAN("manifest-files.json"));
    if (has_summary && has_files)
        return add(looking, folder, err);
    looking->exports->has_unfinished |= has_summary || has_files || folder_has_file(folder, SPAN("_started"));
    for (size_t i = 0; depth < SOURCE_DEPTH_MAX && i < folder->names.folder_count; i++) {
        struct folder child;
        if (span_equal(folder->base, SPAN("AWSDynamoDB")) && span_equal(folder->names.folders[i], SPAN("data")))
            continue;
        TRY(folder_open_child(folder, folder->names.folders[i], &looking->arena, &child, err));
        TRY(walk(looking, &child, depth + 1, err));
    }
    return LF_OK;
}

/* A bucket in which nothing lies yet is an empty folder. */
static enum lf_code look(struct looking *looking, const char *place, struct err *err)
{
    struct span path;
    struct folder top;
    TRY(arena_copy(&looking->arena, span_from_cstr(place), &path, err));
    TRY(tree_open(path, &looking->tree, err));
    TRY(folder_open(looking->tree, path, &looking->arena, &top, err));
    return walk(looking, &top, 0, err);
}

enum lf_code exports_look(struct exports *exports, const char *place, struct span table, struct err *err)
{
    struct looking looking = { .exports = exports, .table = table, .known = exports->count };
    arena_init(&looking.arena, LOOK_BYTES_MAX);
    exports->has_unfinished = false;
    enum lf_code code = look(&looking, place, err);
    tree_close(looking.tree);
    arena_done(&looking.arena);
    if (exports->count > looking.known)
        qsort(exports->items, exports->count, sizeof *exports->items, compare_names);
    return code;
}

/* In which order ------------------------------------------------------------------------------------------------------------ */

enum export_next exports_next(const struct export_found *items, size_t count, int64_t position_us, size_t *ret_index)
{
    enum export_next next = EXPORT_NONE;
    size_t index = 0;
    for (size_t i = 0; i < count; i++) {
        const struct export_found *item = &items[i];
        if (!item->is_ours || item->is_full || item->to_us <= position_us)
            continue;
        enum export_next kind = item->from_us <= position_us ? EXPORT_NEXT : EXPORT_GAP;
        bool is_better =
            kind == next && (kind == EXPORT_NEXT ? item->to_us > items[index].to_us : item->from_us < items[index].from_us);
        if (next == EXPORT_NONE || is_better || (kind == EXPORT_NEXT && next == EXPORT_GAP)) {
            next = kind;
            index = i;
        }
    }
    if (next != EXPORT_NONE)
        *ret_index = index;
    return next;
}

bool exports_begin(const struct export_found *items, size_t count, int64_t *ret_us)
{
    const struct export_found *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct export_found *item = &items[i];
        if (!item->is_ours || item->to_us == MANIFEST_TIME_UNKNOWN)
            continue;
        bool is_better =
            !found || (item->is_full && !found->is_full) ||
            (item->is_full == found->is_full && (item->is_full ? item->to_us > found->to_us : item->from_us < found->from_us));
        if (is_better)
            found = item;
    }
    if (found)
        *ret_us = found->from_us;
    return found != NULL;
}
