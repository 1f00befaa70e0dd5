/*
 * row_text: the texts of a template's variables, the same for encoder and decoder; inside row_*.c only.
 *
 * A variable has the text of its attribute where the column holds it, and none where the column is NULL, though the attribute may
 * stand in ddb_extra: SQL, which builds the same keys from the columns, sees only NULL there. Pure.
 */
#pragma once

#include "map/model.h"

/* What the columns of one row hold. */
struct held_values {
    const struct value **columns; /* per column; NULL where its field is */
    struct arena *arena;          /* borrowed: for texts of numbers and whole templates */
};

/* The text of an S, N, B or BOOL value; false for other types. A number's text is put in the arena. LF_MEMORY only. */
enum lf_code value_text(const struct value *value, struct arena *arena, bool *ret_present, struct span *ret_text,
                        struct err *err) MUST_CHECK;

/* What template `at` gives, as a value of the key attribute's type; absent when a variable is, or when a number's text is none.
 */
enum lf_code render_attribute(const struct entity *entity, size_t at, const struct held_values *held, bool *ret_present,
                              struct value *ret_value, struct err *err) MUST_CHECK;
