#include "gateway/operations/table_parts.h"

#include <stdlib.h>

static struct table_part *part_of(struct table_parts *parts, const struct table *table)
{
    for (size_t i = 0; i < parts->count; i++)
        if (parts->parts[i].table == table)
            return &parts->parts[i];
    parts->parts[parts->count].table = table;
    return &parts->parts[parts->count++];
}

static enum lf_code make_room(struct table_part *part, size_t count, struct arena *arena, struct err *err)
{
    part->keys = arena_calloc(arena, count, sizeof *part->keys, err);
    part->items = part->keys ? arena_calloc(arena, count, sizeof *part->items, err) : NULL;
    part->at = part->items ? arena_calloc(arena, count, sizeof *part->at, err) : NULL;
    return part->at ? LF_OK : err->code;
}

enum lf_code table_parts_new(const struct table_item *items, size_t count, struct arena *arena, struct table_parts *ret_parts,
                             struct err *err)
{
    struct table_parts parts = { .parts = arena_calloc(arena, count + 1, sizeof *parts.parts, err) };
    if (!parts.parts)
        return err->code;
    for (size_t i = 0; i < count; i++)
        part_of(&parts, items[i].table)->count++;
    for (size_t i = 0; i < parts.count; i++) {
        TRY(make_room(&parts.parts[i], parts.parts[i].count, arena, err));
        parts.parts[i].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct table_part *part = part_of(&parts, items[i].table);
        part->keys[part->count] = *items[i].key;
        part->at[part->count++] = i;
    }
    *ret_parts = parts;
    return LF_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left = (*(struct table_part *const *)a)->table->id, right = (*(struct table_part *const *)b)->table->id;
    return (left > right) - (left < right);
}

enum lf_code table_parts_by_id(const struct table_parts *parts, struct arena *arena, struct table_part ***ret_sorted,
                               struct err *err)
{
    struct table_part **sorted = arena_calloc(arena, parts->count + 1, sizeof(struct table_part *), err);
    if (!sorted)
        return err->code;
    for (size_t i = 0; i < parts->count; i++)
        sorted[i] = &parts->parts[i];
    qsort(sorted, parts->count, sizeof *sorted, compare_ids);
    *ret_sorted = sorted;
    return LF_OK;
}

static bool is_same_item(const struct table_item *a, const struct table_item *b)
{
    return a->table == b->table && span_equal(a->key->bytes.partition, b->key->bytes.partition) &&
           span_equal(a->key->bytes.sort, b->key->bytes.sort);
}

bool table_items_are_distinct(const struct table_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (is_same_item(&items[i], &items[k]))
                return false;
    return true;
}

enum lf_code table_items_check_distinct(const struct table_item *items, size_t count, struct err *err)
{
    if (!table_items_are_distinct(items, count))
        return ERR(err, LF_VALIDATION, "Transaction request cannot include multiple operations on one item");
    return LF_OK;
}
