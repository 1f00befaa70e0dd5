/*
 * fiber: a request as a function that may wait.
 *
 * An operation reads, decides and writes; between these it waits for PostgreSQL. On a fiber it is written top-down, as if it
 * blocked: `db_query` hands its statement to the loop, suspends the fiber, and returns with the answer. A fiber belongs to the
 * worker whose loop started it and never leaves its thread.
 *
 *     loop ──fiber_start──► running ──fiber_suspend──► waiting ──fiber_wake──► ready ──(the loop's turn)──► running ──► end
 *
 * Stacks are mapped once, with a guard page below, and kept for the next request. Code on a fiber must not keep large arrays on
 * its stack (FIBER_STACK_BYTES) and must not hold a lock across fiber_suspend. ASan and TSan are told of every switch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { FIBER_STACK_BYTES = 256 * 1024 };

struct fiber;
struct fiber_pool;

typedef void fiber_main(void *context);

/* At most `fibers_max` at a time. Errors: LF_MEMORY. */
enum lf_code fiber_pool_new(size_t fibers_max, struct fiber_pool **ret_pool, struct err *err) MUST_CHECK;
/* NULL is fine. Fibers that are left never run again; what they hold is not given back. */
void fiber_pool_free(struct fiber_pool *pool);

/* Runs `main` until it first suspends or ends. Not from within a fiber. Errors: LF_LIMIT when fibers_max run, LF_MEMORY. */
enum lf_code fiber_start(struct fiber_pool *pool, fiber_main *main, void *context, struct err *err) MUST_CHECK;

/* The fiber that runs now, NULL on the loop itself. */
struct fiber *fiber_self(void);

/* Gives the thread back to the loop until somebody wakes this fiber. Only on a fiber. */
void fiber_suspend(void);

/* Makes a suspended fiber ready. From its own thread, on the loop or on another fiber. */
void fiber_wake(struct fiber *fiber);

/* Runs what is ready, and what becomes ready by it. Called by the loop; false when there was nothing. */
bool fiber_pool_run_ready(struct fiber_pool *pool);

size_t fiber_pool_count(const struct fiber_pool *pool); /* fibers that have begun and not ended */
