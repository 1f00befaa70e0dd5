/*
 * request_table: the table that an item operation works on.
 *
 *     const struct table *table = NULL;
 *     TRY(request_table(call, request->table_name, &table, err));
 *     enum lf_code code = get_item(call, request, table, err);
 *     table_unref(table);
 *
 * DynamoDB looks for the table before it checks anything else that needs more than the request's shape.
 */
#pragma once

#include "gateway/call.h"

/* A reference to a table whose items can be used; unref it. `name` may be an ARN. LF_RESOURCE_NOT_FOUND, LF_VALIDATION. */
enum lf_code request_table(struct call *call, struct span name, const struct table **ret_table, struct err *err) MUST_CHECK;

/* The same for writing: LF_INTERNAL when the catalog is too old to know where to write. */
enum lf_code request_table_to_write(struct call *call, struct span name, const struct table **ret_table,
                                    struct err *err) MUST_CHECK;
