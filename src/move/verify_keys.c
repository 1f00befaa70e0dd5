#include "move/verify_keys.h"

#include <stdlib.h>

#include "item/canonical.h"

bool segment_group_next(const struct comparison *comparison, struct segment_set left, struct segment_set ret_group)
{
    size_t flags = comparison->map->table_count * PARITY_SEGMENTS;
    uint64_t entries = 0;
    bool any = false;
    for (size_t i = 0; i < flags; i++) {
        ret_group.flags[i] = false;
        if (!left.flags[i])
            continue;
        size_t table = i / PARITY_SEGMENTS, segment = i % PARITY_SEGMENTS;
        uint64_t more =
            comparison->source_sums[table].segments[segment].count + comparison->target_sums[table].segments[segment].count;
        if (any && entries + more > VERIFY_GROUP_ENTRIES)
            continue;
        entries += more;
        any = true;
        left.flags[i] = false;
        ret_group.flags[i] = true;
    }
    return any;
}

struct entry_list {
    struct key_entry *items; /* owned, malloc */
    size_t count, capacity;
};

static enum lf_code entry_list_reserve(struct entry_list *list, size_t more, struct err *err)
{
    if (more <= list->capacity - list->count)
        return LF_OK;
    size_t capacity = list->capacity * 2 > list->count + more ? list->capacity * 2 : list->count + more;
    struct key_entry *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return ERR(err, LF_MEMORY, "out of memory for a list of %zu keys", capacity);
    list->items = items;
    list->capacity = capacity;
    return LF_OK;
}

struct key_listing {
    struct segment_set group;
    struct entry_list lists[LIMIT_JOBS]; /* one for each worker */
};

static enum lf_code list_item(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    enum { FIRST_ENTRIES = 1024 };
    struct key_listing *listing = context;
    struct entry_list *list = &listing->lists[worker];
    if (!listing->group.flags[item->table * PARITY_SEGMENTS + key_segment(&item->key)])
        return LF_OK;
    TRY(entry_list_reserve(list, list->capacity ? 1 : FIRST_ENTRIES, err));
    list->items[list->count++] = (struct key_entry){
        .key = key_hash128(&item->key), .item = item_hash(item->item), .table = (uint32_t)item->table, .side = item->side
    };
    return LF_OK;
}

/* All workers' entries in the first list. */
static enum lf_code gather(struct key_listing *listing, unsigned jobs, struct err *err)
{
    struct entry_list *all = &listing->lists[0];
    for (unsigned worker = 1; worker < jobs; worker++) {
        struct entry_list *list = &listing->lists[worker];
        if (list->count == 0)
            continue;
        TRY(entry_list_reserve(all, list->count, err));
        memcpy(all->items + all->count, list->items, list->count * sizeof *list->items);
        all->count += list->count;
        free(list->items);
        *list = (struct entry_list){ 0 };
    }
    return LF_OK;
}

static enum lf_code list_group(struct comparison *comparison, struct key_listing *listing, struct err *err)
{
    struct scan scan = comparison_scan(comparison, list_item, listing);
    TRY(scan_run(&scan, err));
    return gather(listing, comparison->crew.jobs, err);
}

enum lf_code keys_compare(struct comparison *comparison, struct segment_set group, struct key_differences *ret_differences,
                          struct err *err)
{
    struct key_listing listing = { .group = group };
    enum lf_code code = list_group(comparison, &listing, err);
    if (code == LF_OK)
        code = key_entries_merge(listing.lists[0].items, listing.lists[0].count, ret_differences, err);
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++)
        free(listing.lists[worker].items);
    return code;
}
