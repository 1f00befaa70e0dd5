/*
 * jobs: what goes on behind the requests, on a worker without a server.
 *
 *     sequencer   gives changes their numbers in commit order           stream/sequencer.h
 *     ttl         deletes what has expired                          jobs/ttl.h
 *     tables      fills and drops indexes, drops tables             table_work.h
 *     backups     copies the items of backups                        backup.h
 *     repair      brings up rows whose keys are marked for good       jobs/repair.h
 *     reverse     sends what changed in PostgreSQL to DynamoDB        jobs/reverse.h
 *     retry       items that constraints kept out of their tables      jobs/retry.h
 *     tidy        forgets old tokens of transactions and gateways that are gone   jobs/tidy.h
 *
 * Each job is a fiber that steps while its gateway leads it (leader.h). A step that fails is logged, and tried again after a
 * pause that grows. To add a job: its step in a file here, a line in jobs.c.
 */
#pragma once

#include "gateway/jobs/leader.h"

/* One step of a job; *ret_more: there is more to do right now. */
typedef enum lf_code job_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                              struct err *err);

/* Starts the jobs' fibers on the worker's loop, from outside of it; they end when `*stop` is set. */
enum lf_code jobs_start(struct worker *worker, const _Atomic bool *stop, struct err *err) MUST_CHECK;
