#include "item/canonical.h"

#include "item/members.h"

#include <endian.h>

/* ---- equality ---- */

/* `at` positions of both collections belong together: are what they hold equal? Set members have been compared already. */
static bool same_content(const struct members *a, size_t i, const struct members *b, size_t j)
{
    return !a->attributes || value_equal(&a->attributes[i].value, &b->attributes[j].value);
}

/* How many pairs stand at the same place; mostly that is all of them. */
static size_t common_prefix(const struct members *a, const struct members *b)
{
    size_t at = 0;
    while (at < a->count && members_same(a, at, b, at))
        at++;
    return at;
}

/* Both have distinct members and as many, so they are equal when each of `a` is found in `b`. */
static bool members_equal_any_order(const struct members *a, size_t start, const struct members *b)
{
    size_t matched = start;
    struct members_index index;
    for (size_t first = start; first < b->count; first += MEMBERS_INDEXED) {
        (void)members_index_init(&index, *b, first);
        for (size_t i = start; i < a->count; i++) {
            ptrdiff_t found = members_index_find(&index, a, i);
            if (found == MEMBERS_NONE)
                continue;
            if (!same_content(a, i, b, (size_t)found))
                return false;
            matched++;
        }
    }
    return matched == a->count;
}

static bool members_equal(struct members a, struct members b)
{
    if (a.count != b.count)
        return false;
    size_t start = common_prefix(&a, &b);
    for (size_t i = 0; i < start; i++) {
        if (!same_content(&a, i, &b, i))
            return false;
    }
    return start == a.count || members_equal_any_order(&a, start, &b);
}

static bool lists_equal(const struct value *a, const struct value *b)
{
    if (a->list.count != b->list.count)
        return false;
    for (size_t i = 0; i < a->list.count; i++) {
        if (!value_equal(&a->list.values[i], &b->list.values[i]))
            return false;
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_S:
    case VALUE_B:
        return span_equal(a->bytes, b->bytes);
    case VALUE_N:
        return number_equal(a->number, b->number);
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_NULL:
        return true;
    case VALUE_L:
        return lists_equal(a, b);
    case VALUE_M:
        return members_equal(members_of_map(a->map.attributes, a->map.count), members_of_map(b->map.attributes, b->map.count));
    default:
        return members_equal(members_of_set(a), members_of_set(b));
    }
}

bool item_equal(const struct item *a, const struct item *b)
{
    return members_equal(members_of_map(a->attributes, a->count), members_of_map(b->attributes, b->count));
}

/* ---- hash ---- */

/* `seed` is where a value stands: in an attribute the hash of its name, so that a name and its value are hashed in one go. */
static struct hash128 seeded_hash(const struct value *value, uint64_t seed);

enum { SEED_NAME = VALUE_TYPES, SEED_ELEMENT };

/* Four words to one hash, the same on every machine. */
static struct hash128 mix(struct hash128 a, struct hash128 b, uint64_t seed)
{
    uint64_t words[] = { htole64(a.low), htole64(a.high), htole64(b.low), htole64(b.high) };
    return hash128(span_of((const char *)words, sizeof words), seed);
}

/* Sums and chains get their type and count, so that an empty set, list and map differ. */
static struct hash128 finish(struct hash128 sum, size_t count, enum value_type type, uint64_t seed)
{
    return mix(sum, (struct hash128){ count, type }, seed);
}

static struct hash128 number_hash(struct number number, uint64_t seed)
{
    struct hash128 coefficient = { (uint64_t)number.coefficient, (uint64_t)(number.coefficient >> 64) };
    struct hash128 rest = { (uint64_t)(int64_t)number.exponent, number.negative };
    return mix(coefficient, rest, seed + VALUE_N);
}

static struct hash128 attributes_hash(const struct attribute *attributes, size_t count, uint64_t seed)
{
    struct hash128 sum = { 0, 0 };
    for (size_t i = 0; i < count; i++)
        sum = hash128_add(sum, seeded_hash(&attributes[i].value, hash64(attributes[i].name, SEED_NAME)));
    return finish(sum, count, VALUE_M, seed);
}

static struct hash128 list_hash(const struct value *list, uint64_t seed)
{
    struct hash128 chain = { 0, 0 };
    for (size_t i = 0; i < list->list.count; i++)
        chain = mix(chain, seeded_hash(&list->list.values[i], 0), SEED_ELEMENT);
    return finish(chain, list->list.count, VALUE_L, seed);
}

static struct hash128 set_hash(const struct value *set, uint64_t seed)
{
    struct hash128 sum = { 0, 0 };
    for (size_t i = 0; i < set->list.count; i++)
        sum = hash128_add(sum, seeded_hash(&set->list.values[i], 0));
    return finish(sum, set->list.count, set->type, seed);
}

static struct hash128 seeded_hash(const struct value *value, uint64_t seed)
{
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        return hash128(value->bytes, seed + value->type);
    case VALUE_N:
        return number_hash(value->number, seed);
    case VALUE_BOOL:
        return finish((struct hash128){ value->boolean, 0 }, 1, VALUE_BOOL, seed);
    case VALUE_NULL:
        return finish((struct hash128){ 0, 0 }, 0, VALUE_NULL, seed);
    case VALUE_L:
        return list_hash(value, seed);
    case VALUE_M:
        return attributes_hash(value->map.attributes, value->map.count, seed);
    default:
        return set_hash(value, seed);
    }
}

struct hash128 value_hash(const struct value *value)
{
    return seeded_hash(value, 0);
}

struct hash128 item_hash(const struct item *item)
{
    return attributes_hash(item->attributes, item->count, 0);
}
