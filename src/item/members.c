#include "item/members.h"

#include "base/hash.h"

enum { MEMBERS_FEW = 32 };
_Static_assert(MEMBERS_INDEXED < UINT16_MAX, "slots hold a position + 1 in 16 bits");
_Static_assert((MEMBERS_SLOTS & (MEMBERS_SLOTS - 1)) == 0, "a mask picks the slot");

static uint64_t number_hash(struct number number)
{
    uint64_t sign_and_exponent = (uint64_t)number.exponent * 2 + number.negative;
    return hash64(span_of((const char *)&number.coefficient, sizeof number.coefficient), sign_and_exponent);
}

static uint64_t member_hash(const struct members *members, size_t at)
{
    if (members->attributes)
        return hash_name(members->attributes[at].name);
    const struct value *value = &members->values[at];
    return value->type == VALUE_N ? number_hash(value->number) : hash64(value->bytes, 0);
}

bool members_same(const struct members *a, size_t i, const struct members *b, size_t j)
{
    if (a->attributes)
        return span_equal(a->attributes[i].name, b->attributes[j].name);
    const struct value *x = &a->values[i], *y = &b->values[j];
    return x->type == VALUE_N ? number_equal(x->number, y->number) : span_equal(x->bytes, y->bytes);
}

/* The slot that holds the member, or the free one where it would be put. There is always a free one: half of them are. */
static size_t find_slot(const struct members_index *index, const struct members *others, size_t at)
{
    size_t slot = member_hash(others, at) & index->mask;
    while (index->slots[slot] && !members_same(&index->members, index->first + index->slots[slot] - 1, others, at))
        slot = (slot + 1) & index->mask;
    return slot;
}

static size_t slots_for(size_t count)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    return slots;
}

ptrdiff_t members_index_init(struct members_index *index, struct members members, size_t first)
{
    size_t left = members.count - first;
    index->members = members;
    index->first = first;
    index->count = left < MEMBERS_INDEXED ? left : MEMBERS_INDEXED;
    index->mask = slots_for(index->count) - 1;
    memset(index->slots, 0, (index->mask + 1) * sizeof index->slots[0]);

    for (size_t i = 0; i < index->count; i++) {
        size_t slot = find_slot(index, &members, first + i);
        if (index->slots[slot])
            return (ptrdiff_t)(first + i);
        index->slots[slot] = (uint16_t)(i + 1);
    }
    return MEMBERS_NONE;
}

ptrdiff_t members_index_find(const struct members_index *index, const struct members *others, size_t at)
{
    uint16_t found = index->slots[find_slot(index, others, at)];
    return found ? (ptrdiff_t)(index->first + found - 1) : MEMBERS_NONE;
}

/* Whether member `at` stands among those before it. */
static bool occurs_before(const struct members *members, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (members_same(members, i, members, at))
            return true;
    return false;
}

/* As members_duplicate, without an index: where a bit of few is still free, no member before it has this hash. */
static ptrdiff_t duplicate_of_few(const struct members *members)
{
    uint64_t taken[4] = { 0 };
    for (size_t at = 0; at < members->count; at++) {
        uint64_t hash = member_hash(members, at);
        uint64_t *word = &taken[hash >> 6 & 3], bit = UINT64_C(1) << (hash & 63);
        if ((*word & bit) && occurs_before(members, at))
            return (ptrdiff_t)at;
        *word |= bit;
    }
    return MEMBERS_NONE;
}

ptrdiff_t members_duplicate(struct members members)
{
    struct members_index index;
    if (members.count <= MEMBERS_FEW)
        return duplicate_of_few(&members);
    for (size_t first = 0; first < members.count; first += MEMBERS_INDEXED) {
        ptrdiff_t duplicate = members_index_init(&index, members, first);
        if (duplicate != MEMBERS_NONE)
            return duplicate;
        for (size_t at = first + index.count; at < members.count; at++) {
            if (members_index_find(&index, &members, at) != MEMBERS_NONE)
                return (ptrdiff_t)at;
        }
    }
    return MEMBERS_NONE;
}
