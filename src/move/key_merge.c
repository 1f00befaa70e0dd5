#include "move/key_merge.h"

#include <stdlib.h>

void key_differences_done(struct key_differences *differences)
{
    free(differences->items);
    *differences = (struct key_differences){ 0 };
}

struct hash128 key_hash128(const struct key *key)
{
    struct hash128 partition = hash128(key->partition, 0);
    return hash128_add(partition, hash128(key->sort, partition.low));
}

static int compare_difference(const void *left, const void *right)
{
    const struct key_difference *a = left, *b = right;
    int order = (a->table > b->table) - (a->table < b->table);
    return order ? order : hash128_compare(a->key, b->key);
}

const struct key_difference *key_differences_find(const struct key_differences *differences, size_t table, const struct key *key)
{
    struct key_difference wanted = { .key = key_hash128(key), .table = (uint32_t)table };
    if (differences->count == 0)
        return NULL;
    return bsearch(&wanted, differences->items, differences->count, sizeof wanted, compare_difference);
}

static int compare_key(const struct key_entry *a, const struct key_entry *b)
{
    int order = (a->table > b->table) - (a->table < b->table);
    return order ? order : hash128_compare(a->key, b->key);
}

static int compare_entry(const void *left, const void *right)
{
    const struct key_entry *a = left, *b = right;
    int order = compare_key(a, b);
    if (order == 0)
        order = (a->side > b->side) - (a->side < b->side);
    return order ? order : hash128_compare(a->item, b->item);
}

/* Entries of one key, the source's first, each side in order of item hash: what is left when equal ones are paired. */
static struct key_difference match_key(const struct key_entry *entries, size_t count)
{
    size_t sources = 0, equal = 0;
    while (sources < count && entries[sources].side == SCAN_SOURCE)
        sources++;
    for (size_t s = 0, t = sources; s < sources && t < count;) {
        int order = hash128_compare(entries[s].item, entries[t].item);
        equal += order == 0;
        s += order <= 0;
        t += order >= 0;
    }
    size_t source_left = sources - equal, target_left = count - sources - equal;
    size_t different = source_left < target_left ? source_left : target_left;
    return (struct key_difference){
        .key = entries[0].key,
        .table = entries[0].table,
        .different = (uint32_t)different,
        .missing = (uint32_t)(source_left - different),
        .extra = (uint32_t)(target_left - different),
        .in_source = sources > 0,
    };
}

static bool is_difference(const struct key_difference *difference)
{
    return difference->different || difference->missing || difference->extra;
}

static size_t key_run(const struct key_entry *entries, size_t count)
{
    size_t run = 1;
    while (run < count && compare_key(&entries[0], &entries[run]) == 0)
        run++;
    return run;
}

/* Fills `ret_items` (NULL: only counts) and returns the number of differing keys. */
static size_t merge(const struct key_entry *entries, size_t count, struct key_difference *ret_items)
{
    size_t found = 0;
    for (size_t at = 0; at < count;) {
        size_t run = key_run(entries + at, count - at);
        struct key_difference difference = match_key(entries + at, run);
        if (is_difference(&difference)) {
            if (ret_items)
                ret_items[found] = difference;
            found++;
        }
        at += run;
    }
    return found;
}

enum lf_code key_entries_merge(struct key_entry *entries, size_t count, struct key_differences *ret_differences, struct err *err)
{
    if (count)
        qsort(entries, count, sizeof *entries, compare_entry);
    struct key_differences differences = { .count = merge(entries, count, NULL) };
    if (differences.count) {
        differences.items = calloc(differences.count, sizeof *differences.items);
        if (!differences.items)
            return ERR(err, LF_MEMORY, "out of memory for %zu differing keys", differences.count);
        (void)merge(entries, count, differences.items);
    }
    *ret_differences = differences;
    return LF_OK;
}
