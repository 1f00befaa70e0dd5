/*
 * authorise: whether the caller may do this operation with the tables that its request names.
 *
 * Which grant an operation needs and where its request names tables is said in api/operations.yaml. What is refused is
 * LF_ACCESS_DENIED, in AWS's words. What PartiQL and shard iterators
 * name is found by the operations, which ask for each table by `authorise_table`. What names no table needs a grant for all
 * (`*`).
 */
#pragma once

#include "gateway/call.h"

enum lf_code authorise(const struct call *call, const struct operation_info *operation, const void *request,
                       struct err *err) MUST_CHECK;
enum lf_code authorise_table(const struct call *call, const struct operation_info *operation, enum operation_grant grant,
                             struct span table_name, struct err *err) MUST_CHECK;
