/*
 * key_paths: keys are whole values. No path of an expression leads into a key attribute of the table or of one of its indexes.
 * Errors: LF_VALIDATION in AWS's words. Pure.
 */
#pragma once

#include "expression/update.h"
#include "gateway/catalog.h"

/* `condition` NULL has no paths. */
enum lf_code key_paths_check(const struct table *table, const struct expression_node *condition, struct err *err) MUST_CHECK;
enum lf_code key_paths_check_projection(const struct table *table, const struct projection *projection,
                                        struct err *err) MUST_CHECK;
enum lf_code key_paths_check_update(const struct table *table, const struct update *update, struct err *err) MUST_CHECK;
