#include "item/value.h"

static const struct span type_names[VALUE_TYPES] = {
    [VALUE_S] = { "S", 1 },       [VALUE_N] = { "N", 1 },   [VALUE_B] = { "B", 1 },   [VALUE_BOOL] = { "BOOL", 4 },
    [VALUE_NULL] = { "NULL", 4 }, [VALUE_SS] = { "SS", 2 }, [VALUE_NS] = { "NS", 2 }, [VALUE_BS] = { "BS", 2 },
    [VALUE_L] = { "L", 1 },       [VALUE_M] = { "M", 1 },
};

const char *value_type_name(enum value_type type)
{
    return type_names[type].ptr;
}

bool value_type_from_name(struct span name, enum value_type *ret_type)
{
    for (enum value_type type = 0; type < VALUE_TYPES; type++) {
        if (span_equal(name, type_names[type])) {
            *ret_type = type;
            return true;
        }
    }
    return false;
}

enum value_type value_member_type(enum value_type set)
{
    switch (set) {
    case VALUE_SS:
        return VALUE_S;
    case VALUE_NS:
        return VALUE_N;
    case VALUE_BS:
        return VALUE_B;
    default:
        return VALUE_TYPES;
    }
}

static const struct value *find(const struct attribute *attributes, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(attributes[i].name, name))
            return &attributes[i].value;
    }
    return NULL;
}

const struct value *item_get(const struct item *item, struct span name)
{
    return find(item->attributes, item->count, name);
}

const struct value *map_get(const struct value *map, struct span name)
{
    return find(map->map.attributes, map->map.count, name);
}

static size_t digits_of_uint64(uint64_t value)
{
    size_t digits = 0;
    for (; value; value /= 10)
        digits++;
    return digits;
}

/* Zero has none. 128-bit division is slow, so it is done at most once. */
static size_t significant_digits(struct number number)
{
    enum { LOW_DIGITS = 19 };
    static const uint64_t ten_to_low_digits = 10000000000000000000u;
    if (number.coefficient < ten_to_low_digits)
        return digits_of_uint64((uint64_t)number.coefficient);
    return LOW_DIGITS + digits_of_uint64((uint64_t)(number.coefficient / ten_to_low_digits));
}

/* A byte for two digits, in pairs that begin at the decimal point: 1.5 has two. */
static size_t number_size(struct number number)
{
    enum { NUMBER_SIZE_MAX = 21 };
    size_t digits = significant_digits(number) + (number.exponent % 2 != 0);
    size_t size = (digits + 1) / 2 + 1 + number.negative;
    return size < NUMBER_SIZE_MAX ? size : NUMBER_SIZE_MAX;
}

static size_t values_size(const struct value *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += value_size(&values[i]);
    return size;
}

static size_t attributes_size(const struct attribute *attributes, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += attributes[i].name.len + value_size(&attributes[i].value);
    return size;
}

size_t value_size(const struct value *value)
{
    enum { DOCUMENT_BYTES = 3 };
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        return value->bytes.len;
    case VALUE_N:
        return number_size(value->number);
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return values_size(value->list.values, value->list.count);
    case VALUE_L:
        return DOCUMENT_BYTES + value->list.count + values_size(value->list.values, value->list.count);
    case VALUE_M:
        return DOCUMENT_BYTES + value->map.count + attributes_size(value->map.attributes, value->map.count);
    default: /* BOOL, NULL */
        return 1;
    }
}

size_t item_size(const struct item *item)
{
    return attributes_size(item->attributes, item->count);
}
