/*
 * build: what every decoder of items needs besides its grammar: arrays that grow in the arena, and DynamoDB's rules about names,
 * nesting, sets and sizes, in DynamoDB's words. For decoders only; `offset` is where in the input the thing stands. Pure.
 */
#pragma once

#include "item/value.h"

/* Room for one more element behind `count`: arrays double at powers of two, so that the count alone tells when. */
static inline enum lf_code build_room(struct arena *arena, void **array, size_t count, size_t element_size, struct err *err)
{
    enum { ELEMENTS_MIN = 8 };
    bool is_full = count == 0 || (count >= ELEMENTS_MIN && (count & (count - 1)) == 0);
    if (!is_full)
        return LF_OK;
    void *larger = arena_alloc(arena, (count ? 2 * count : ELEMENTS_MIN) * element_size, err);
    if (!larger)
        return err->code;
    if (count)
        memcpy(larger, *array, count * element_size);
    *array = larger;
    return LF_OK;
}

/* Not empty (LF_ITEM), not too long (LF_LIMIT). */
enum lf_code build_check_name(struct span name, size_t offset, struct err *err) MUST_CHECK;

/* No two of the same name: LF_ITEM. */
enum lf_code build_check_distinct(const struct attribute *attributes, size_t count, size_t offset, struct err *err) MUST_CHECK;

/* Whether a list or map may begin at `level`, which is 1 for the attributes of an item: LF_LIMIT. */
enum lf_code build_check_level(unsigned level, size_t offset, struct err *err) MUST_CHECK;

/* A set of these members, which must be one or more and distinct: LF_ITEM. */
enum lf_code build_set(enum value_type type, struct value *members, size_t count, size_t offset, struct value *ret_value,
                       struct err *err) MUST_CHECK;

/* At most LIMIT_ITEM_BYTES: LF_LIMIT. */
enum lf_code build_check_item(const struct item *item, size_t offset, struct err *err) MUST_CHECK;
