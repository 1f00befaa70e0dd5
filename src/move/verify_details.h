/* verify_details: what exactly differs, for the first of the differing keys, and the record of it in landfall.parity_diff. */
#pragma once

#include "move/verify_keys.h"

/* Reads both sides once more and appends to `result->details` (in `arena`, room for details_max). */
enum lf_code details_collect(struct comparison *comparison, const struct key_differences *differences, struct arena *arena,
                             struct verify_result *result, struct err *err) MUST_CHECK;

/* The names of attributes that are only in one of the items or differ, sorted; in the arena. */
enum lf_code attributes_compare(const struct item *source, const struct item *target, struct arena *arena,
                                struct verify_difference *ret_difference, struct err *err) MUST_CHECK;
