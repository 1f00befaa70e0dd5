#include "item/copy.h"

static enum lf_code copy_attributes(const struct attribute *attributes, size_t count, struct arena *arena,
                                    struct attribute **ret_copy, struct err *err)
{
    struct attribute *copy = arena_calloc(arena, count, sizeof *copy, err);
    if (!copy)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        TRY(arena_copy(arena, attributes[i].name, &copy[i].name, err));
        TRY(value_copy(&attributes[i].value, arena, &copy[i].value, err));
    }
    *ret_copy = copy;
    return LF_OK;
}

static enum lf_code copy_values(const struct value *values, size_t count, struct arena *arena, struct value **ret_copy,
                                struct err *err)
{
    struct value *copy = arena_calloc(arena, count, sizeof *copy, err);
    if (!copy)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(value_copy(&values[i], arena, &copy[i], err));
    *ret_copy = copy;
    return LF_OK;
}

enum lf_code value_copy(const struct value *value, struct arena *arena, struct value *ret_copy, struct err *err)
{
    struct value copy = *value;
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        TRY(arena_copy(arena, value->bytes, &copy.bytes, err));
        break;
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
    case VALUE_L:
        TRY(copy_values(value->list.values, value->list.count, arena, &copy.list.values, err));
        break;
    case VALUE_M:
        TRY(copy_attributes(value->map.attributes, value->map.count, arena, &copy.map.attributes, err));
        break;
    default:
        break;
    }
    *ret_copy = copy;
    return LF_OK;
}

enum lf_code item_copy(const struct item *item, struct arena *arena, struct item *ret_copy, struct err *err)
{
    struct attribute *attributes = NULL;
    TRY(copy_attributes(item->attributes, item->count, arena, &attributes, err));
    *ret_copy = (struct item){ attributes, item->count };
    return LF_OK;
}
