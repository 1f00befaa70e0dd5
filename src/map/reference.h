/*
 * reference: what a foreign key of landfall.yaml points at, "case(docket_number)".
 *
 *     reference = name "(" name { "," name } ")"
 *     name      = letters, digits, "_" and non-ASCII, or anything in double quotes ("" is a quote), as in SQL
 *
 * Spaces around names do not count. Pure.
 */
#pragma once

#include "map/model.h"

struct reference {
    struct span table;
    struct span *columns;
    size_t count;
};

/* Names are in the arena. Errors: LF_SYNTAX, LF_LIMIT (more columns than an index may have), LF_MEMORY. */
enum lf_code reference_parse(struct span text, struct arena *arena, struct reference *ret_reference, struct err *err) MUST_CHECK;

/* The text that reference_parse reads back. */
void reference_put(struct buf *buf, const struct foreign_key *key);
