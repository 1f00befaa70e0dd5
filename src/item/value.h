/*
 * value: DynamoDB's attribute values and items, in memory.
 *
 * An item is a tree of values. All of it (nodes, names, strings) lies in one arena or is borrowed from the line it was read from;
 * nothing is freed by itself. Strings and binaries are bytes; numbers are exact decimals in their one form, so texts such as
 * "1.50" and "1.5" are already equal here. Equality, order and hash of whole items are in canonical.h.
 */
#pragma once

#include "base/arena.h"
#include "codec/number.h"

enum value_type {
    VALUE_S,
    VALUE_N,
    VALUE_B,
    VALUE_BOOL,
    VALUE_NULL,
    VALUE_SS,
    VALUE_NS,
    VALUE_BS,
    VALUE_L,
    VALUE_M,
    VALUE_TYPES,
};

struct attribute;

struct value {
    enum value_type type;
    union {
        struct span bytes;    /* S, B */
        struct number number; /* N */
        bool boolean;         /* BOOL */
        struct {              /* L and the sets; members of a set are S, N or B values, in no particular order, distinct */
            struct value *values;
            size_t count;
        } list;
        struct { /* M */
            struct attribute *attributes;
            size_t count;
        } map;
    };
};

struct attribute {
    struct span name;
    struct value value;
};

/* An item; attributes in no particular order, names distinct. */
struct item {
    struct attribute *attributes;
    size_t count;
};

/* "S", "N", … as DynamoDB JSON writes them. */
const char *value_type_name(enum value_type type);

/* True and the type for "S", "N", … */
bool value_type_from_name(struct span name, enum value_type *ret_type);

/* For SS, NS, BS the type of their members, else VALUE_TYPES. */
enum value_type value_member_type(enum value_type set);

/* NULL when there is none. Linear: items are small. */
const struct value *item_get(const struct item *item, struct span name);
const struct value *map_get(const struct value *map, struct span name);

static inline struct value value_string(struct span text)
{
    return (struct value){ .type = VALUE_S, .bytes = text };
}

static inline struct value value_number(struct number number)
{
    return (struct value){ .type = VALUE_N, .number = number };
}

/* The size of an item as DynamoDB bills and limits it: names and values in UTF-8 bytes; numbers 1 byte per two digits plus 1 (an
 * approximation AWS gives itself) and, as measured, in pairs that begin at the decimal point, 1 for a minus sign, 21 at most;
 * NULL and BOOL 1, lists and maps 3 plus 1 per element. Source: AWS, "DynamoDB item sizes and formats". */
size_t item_size(const struct item *item);
size_t value_size(const struct value *value);
