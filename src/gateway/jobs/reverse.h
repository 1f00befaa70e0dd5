/*
 * reverse: reverse sync (docs/live.md): while PostgreSQL has the authority over a table, DynamoDB gets what changes.
 *
 *     landfall.reverse_change ─► keys, the items that they have now ─► landfall.reverse_sent ─► BatchWriteItem
 *            ▲      (triggers)        one transaction of the leader, in phase `postgres`            │
 *            │                                                       done: keys gone, sent confirmed ┤
 *            └──────────── again at once, and once more when the signature has expired: unknown ◄────┘
 *
 * What is sent is the item that is there, so keys come in any order and may be sent twice. DynamoDB's throttling makes batches
 * smaller, down to one item. An item that DynamoDB cannot hold stays in reverse_change with the reason. Asked on the loop
 * (upstream.h), because the items are read by fibers.
 */
#pragma once

#include "gateway/jobs/jobs.h"

enum { REVERSE_BATCH_ITEMS = 25, REVERSE_BATCH_BYTES = 8 * 1024 * 1024, REVERSE_STEP_MS = 100 };

/* A job's step (jobs.h). */
enum lf_code reverse_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                          struct err *err) MUST_CHECK;
