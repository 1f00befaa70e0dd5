/*
 * projection: the parts of an item that ProjectionExpression, AttributesToGet or ReturnValues UPDATED_OLD and UPDATED_NEW ask
 * for.
 *
 *     paths a.b, a.c[2], a.c[0]     a ─┬─ b  whole
 *                                      └─ c ─┬─ [0] whole
 *                                            └─ [2] whole
 *
 * Elements of lists keep their order and close up: c becomes a list of two. What is not there is left out, with the maps and
 * lists that would only have held it. The result shares names and values with the item. Errors: LF_VALIDATION, LF_MEMORY. Pure.
 */
#pragma once

#include "expression/expression.h"

/* One step of the paths, and those that go on from it: names in order of first mention, indexes ascending. */
struct projection_step {
    struct path_element element;
    const struct projection_step *next;  /* the next one from the same parent */
    const struct projection_step *steps; /* NULL: the whole value */
    size_t path;                         /* that goes through here, the first of them: its place among the paths given */
};

struct projection {
    const struct projection_step *steps;
};

enum lf_code projection_parse(struct span text, struct expression_inputs *inputs, struct arena *arena,
                              struct projection *ret_projection, struct err *err) MUST_CHECK;

/* Of paths that do not overlap. */
enum lf_code projection_of_paths(const struct document_path *paths, size_t count, struct arena *arena,
                                 struct projection *ret_projection, struct err *err) MUST_CHECK;

/* ret_item may be empty. */
enum lf_code projection_apply(const struct projection *projection, const struct item *item, struct arena *arena,
                              struct item *ret_item, struct err *err) MUST_CHECK;
