/*
 * route_stream: requests about streams of a table that moves, or has moved.
 *
 * Such a table may have two: DynamoDB's, which goes on for as long as reverse sync writes there, and one here, if it was switched
 * on. Each is known by its label, in its ARN and in iterators, whoever has the authority over the items: what is not of the one
 * here is asked of DynamoDB. Of a table without a phase there is only ours.
 */
#pragma once

#include "gateway/dispatch.h"
#include "gateway/route_tables.h"

/* Whether the request names a stream, of a table with a phase. */
bool route_is_of_stream(const struct call *call, const struct route_tables *tables);

/* Its whole answer; the caller may read the table. */
enum lf_code route_stream(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                          struct err *err) MUST_CHECK;

/* Which of them ListStreams tells of, where it names a table: that which is read. */
enum lf_code route_list_streams(struct call *call, const struct list_streams_request *request, operation_run *run,
                                struct err *err) MUST_CHECK;
