/*
 * update_check: an update and its condition against the table they are for: paths into keys, changes of the key, empty or
 * mistyped values for keys of indexes. Errors: LF_VALIDATION in AWS's words. Pure.
 */
#pragma once

#include "expression/update.h"
#include "gateway/catalog.h"

/* `condition` may be NULL. */
enum lf_code update_check(const struct table *table, const struct update *update, const struct expression_node *condition,
                          struct err *err) MUST_CHECK;
