#include "map/value_list.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 8 };

/* Twice the capacity, in the arena, with the first `count` elements of `size` bytes copied. */
static enum lf_code grow(void **elements, size_t count, size_t *capacity, size_t size, struct arena *arena, struct err *err)
{
    size_t larger = *capacity ? *capacity * 2 : CAPACITY_MIN;
    if (larger > SIZE_MAX / size)
        return ERR(err, LF_MEMORY, "a list of %zu elements", count);
    void *copy = arena_alloc(arena, larger * size, err);
    if (!copy)
        return err->code;
    if (count)
        memcpy(copy, *elements, count * size);
    *elements = copy;
    *capacity = larger;
    return LF_OK;
}

enum lf_code value_list_add(struct value_list *list, struct arena *arena, struct value **ret_value, struct err *err)
{
    if (list->count == list->capacity) {
        void *values = list->values;
        TRY(grow(&values, list->count, &list->capacity, sizeof *list->values, arena, err));
        list->values = values;
    }
    *ret_value = &list->values[list->count++];
    return LF_OK;
}

enum lf_code attribute_list_add(struct attribute_list *list, struct arena *arena, struct attribute **ret_attribute,
                                struct err *err)
{
    if (list->count == list->capacity) {
        void *attributes = list->attributes;
        TRY(grow(&attributes, list->count, &list->capacity, sizeof *list->attributes, arena, err));
        list->attributes = attributes;
    }
    *ret_attribute = &list->attributes[list->count++];
    return LF_OK;
}

static int compare(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    assert(a->type == b->type);
    return a->type == VALUE_N ? number_compare(a->number, b->number) : span_compare(a->bytes, b->bytes);
}

static bool is_ascending(const struct value *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (compare(&values[i - 1], &values[i]) >= 0)
            return false;
    return true;
}

bool set_sort(struct value *values, size_t count)
{
    if (is_ascending(values, count))
        return true;
    qsort(values, count, sizeof *values, compare);
    return is_ascending(values, count);
}

size_t set_unite(struct value *values, size_t count)
{
    if (set_sort(values, count))
        return count;
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (compare(&values[kept - 1], &values[i]) != 0)
            values[kept++] = values[i];
    return kept;
}
