/*
 * shape_parts: what the files of shape.h share.
 *
 *     shape.c         looking up operations and members, names of tables
 *     shape_read.c    JSON into structs, SerializationException
 *     shape_value.c   attribute values: well-formed ones by ddbjson.h, others by their declared shape, to say what is wrong
 *     shape_check.c   constraints, ValidationException
 *     shape_reply.c   replies against their shapes
 */
#pragma once

#include <endian.h>

#include "codec/json.h"
#include "gateway/shape.h"

/* ---- look-ups ---- */

extern const struct operation_info operation_infos[];
extern const uint8_t operation_slots[];
extern const unsigned operation_slot_mask;
extern const uint64_t operation_slot_factor;

/* The cell of a name in a hash table that gen_operations.py made: from its first and last eight bytes and its length. */
static inline unsigned shape_slot(struct span name, uint64_t factor, unsigned mask)
{
    uint64_t head = 0, tail = 0;
    if (name.len >= sizeof tail) {
        memcpy(&head, name.ptr, sizeof head);
        memcpy(&tail, name.ptr + name.len - sizeof tail, sizeof tail);
    } else if (name.len) {
        memcpy(&head, name.ptr, name.len);
    }
    tail = le64toh(tail);
    uint64_t word = le64toh(head) ^ (tail << 29 | tail >> 35);
    return (unsigned)(((word + name.len) * factor) >> 40) & mask;
}

/* NULL when the structure has no such member. */
const struct shape_member *shape_find_member(const struct shape *structure, struct span name);

/* ---- reading ---- */

/* Where a value stands decides what DynamoDB says of one of the wrong type. */
enum shape_place { SHAPE_AS_MEMBER, SHAPE_AS_ELEMENT };

struct shape_reader {
    struct json_reader json;
    struct arena *arena;
    struct shape_head *head; /* of the request */
    ptrdiff_t rank;          /* position of the outermost member that is being read */
    ptrdiff_t rank_of_error; /* of the member that head->value_error is about */
};

/* json_next, its errors as DynamoDB's. */
enum lf_code shape_next(struct shape_reader *reader, struct json_token *ret_token, struct err *err) MUST_CHECK;

/* A value of this shape whose first token has been read and is not null, into the element at `ret_value`. */
enum lf_code shape_read_token(struct shape_reader *reader, const struct shape *shape, enum shape_place place,
                              const struct json_token *token, void *ret_value, struct err *err) MUST_CHECK;

/* An item, or null, that comes next. */
enum lf_code shape_read_item(struct shape_reader *reader, const struct shape *shape, enum shape_place place,
                             struct item *ret_item, struct err *err) MUST_CHECK;

/* An attribute value that comes next; *ret_is_null when it is null. */
enum lf_code shape_read_value(struct shape_reader *reader, enum shape_place place, bool *ret_is_null, struct value *ret_value,
                              struct err *err) MUST_CHECK;

/* ---- constraints ---- */

/* Room for the violations of a request: DynamoDB lists no more. */
enum { SHAPE_VIOLATIONS_MAX = 10 };

/* Whether the text is of the shape's pattern; true when it has none. */
bool shape_matches(const struct shape *shape, struct span text);

/* A member whose text is not among an enum's values holds this until the constraints have been checked: where in the body its
 * token stands, as a negative number. */
static inline int32_t shape_enum_unknown(size_t offset)
{
    return -(int32_t)offset - 1;
}

enum lf_code shape_check_request(const struct shape *shape, const void *request, struct span body, struct arena *arena,
                                 struct err *err) MUST_CHECK;
