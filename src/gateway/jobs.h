/*
 * jobs: what goes on behind the requests, on a worker without a server.
 *
 *     elected through landfall.leader:  sequencer (streams in commit order) · TTL · indexes being filled, tables being dropped
 *
 * Each job is a fiber that holds its leadership by a token that only grows; every step's transaction checks it, so that a leader
 * that was paused does no harm when it wakes. A job that fails logs, waits with backoff, and goes on.
 */
#pragma once

#include "gateway/worker.h"

/* Starts the jobs' fibers on the worker's loop; they end when `*stop` is set. */
enum lf_code jobs_start(struct worker *worker, const _Atomic bool *stop, struct err *err) MUST_CHECK;
