/*
 * ttl: deletes items whose time to live is over, in batches, as fast as they expire.
 *
 * What was written again since it was found stays: each deletion is guarded by the version that was read. Records in the stream
 * carry the service principal, as DynamoDB's do. As in DynamoDB, what expired more than five years ago is left alone; while
 * DynamoDB has the authority over a table, it is DynamoDB that deletes. Nobody does under a fence.
 */
#pragma once

#include "gateway/jobs/jobs.h"

enum { TTL_BATCH_ITEMS = 500 };

enum lf_code ttl_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                      struct err *err) MUST_CHECK;
