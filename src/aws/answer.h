/*
 * answer: takes the JSON of an answer apart, level by level. A value stays text until somebody wants it: an item of a page goes
 * on as the bytes that came. Inside aws/ and source/. Texts are borrowed from what is read or in the arena. Errors: LF_SYNTAX,
 * LF_ITEM, LF_LIMIT, LF_MEMORY. Pure.
 */
#pragma once

#include "item/value.h"

struct answer_field {
    struct span name;
    struct span value; /* JSON; empty when the member is not there, or null */
};

/* Finds the values of these members of an object; others are skipped. An empty text has no members. */
enum lf_code answer_fields(struct span object, struct arena *arena, struct answer_field *fields, size_t count,
                           struct err *err) MUST_CHECK;

/* The elements of an array, as JSON; none of an empty text. */
enum lf_code answer_elements(struct span array, struct arena *arena, struct span **ret_elements, size_t *ret_count,
                             struct err *err) MUST_CHECK;

/* What a string or number says; "" of an empty text. */
enum lf_code answer_text(struct span value, struct arena *arena, struct span *ret_text, struct err *err) MUST_CHECK;

/* A number that is no attribute's: capacity, seconds. 0 of an empty text. */
enum lf_code answer_double(struct span value, struct arena *arena, double *ret_number, struct err *err) MUST_CHECK;

/* An item without the name Item; no attributes of an empty text. */
enum lf_code answer_item(struct span value, struct arena *arena, struct item *ret_item, struct err *err) MUST_CHECK;
