/*
 * table_update: what an UpdateTable request makes of a table's definition, and what DynamoDB says against it.
 *
 * Errors: LF_VALIDATION, LF_RESOURCE_NOT_FOUND, LF_RESOURCE_IN_USE, LF_LIMIT_EXCEEDED, LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/table_change.h"

struct table_update {
    struct create_table_request definition;
    struct table_notes notes;
    struct span created; /* the index that is to be made; ptr NULL: none */
    struct span deleted;
};

/* What can be said without knowing the table. */
enum lf_code table_update_check(const struct update_table_request *request, struct err *err) MUST_CHECK;

/* The definition lies in the arena and in what the table and the request point to. */
enum lf_code table_update_make(const struct table *table, const struct update_table_request *request, struct arena *arena,
                               struct table_update *ret_update, struct err *err) MUST_CHECK;
