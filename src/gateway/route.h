/*
 * route: who answers a request: PostgreSQL, DynamoDB, or both.
 *
 *     tables that the request names ─► fenced, and it writes? wait ─► whose are they?
 *         PostgreSQL's ─────────────────────────────────────────────► the operation (operations/)
 *         DynamoDB's:    phase `follow`, or unknown to the catalog ─► as it came to DynamoDB, its answer as it came back
 *                        phase `dual write`, a write ───────────────► both sides (dual_write.h)
 *                                            a read ────────────────► DynamoDB, or the share of PostgreSQL (read_share.h)
 *         some of each:  a batch ───────────────────────────────────► in two parts (route_split.h)
 *                        anything else ─────────────────────────────► ValidationException
 *         mixed:         keys ──────────────────────────────────────► as above, by key (route_keys.h)
 *                        a range of keys ───────────────────────────► the operation, on pages of both (store/mixed_pages.h)
 *                        no items, but what the table is ───────────► DynamoDB
 *
 *         a stream:      of a table with a phase ────────────────────► whose its label is (route_stream.h)
 *
 * Requests that name no table: ListTables lists those of both; DescribeLimits and DescribeEndpoints are ours; what is not asked
 * of a table by name, and operations that the gateway does not know, go to DynamoDB. Without an upstream there is only
 * PostgreSQL, and tables that are DynamoDB's are refused. Runs on the request's fiber.
 */
#pragma once

#include "gateway/dispatch.h"

/* Runs and answers the call, whose caller is authorised. Errors: the operation's; LF_INTERNAL_SERVER. */
enum lf_code route_run(struct call *call, const void *request, operation_run *run, struct err *err) MUST_CHECK;

/* An operation that the gateway itself does not serve, by its target: LF_UNKNOWN_OPERATION without an upstream;
 * LF_ACCESS_DENIED unless the caller may administer everything. */
enum lf_code route_unknown(struct call *call, struct span target, struct err *err) MUST_CHECK;
