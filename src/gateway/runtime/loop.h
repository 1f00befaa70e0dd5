/*
 * loop: one worker's event loop (epoll), owned by one thread.
 *
 *     turn:  epoll_wait ─► callbacks of ready descriptors ─► due timers ─► posted tasks ─► ready fibers ─► end-of-turn tasks ─┐
 *              ▲                                                              ▲                                             │
 *              │                                                              └────────── as long as one made work ◄────────┤
 *              └────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * End-of-turn tasks are where coalescing happens: all requests that arrived in one turn have by then said what they need.
 */
#pragma once

#include <stdint.h>

#include "gateway/runtime/fiber.h"

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_ready(void *context, unsigned events);

/* A descriptor being watched. Embedded in its owner, who fills the first three. */
struct loop_watch {
    int fd;
    loop_ready *ready;
    void *context;
    unsigned events; /* as last set; 0: not watched */
};

struct loop_timer {
    void (*fire)(void *context);
    void *context;
    int64_t due_ms;   /* by loop_now_ms */
    size_t heap_slot; /* 0: not set */
};

struct loop_task {
    void (*run)(void *context);
    void *context;
    struct loop_task *next;
    bool is_queued;
};

/* Errors: LF_IO, LF_MEMORY. */
enum lf_code loop_new(size_t fibers_max, struct loop **ret_loop, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop);

/* Until loop_stop, and then until no fiber is left or `drain_ms` are over. */
enum lf_code loop_run(struct loop *loop, int64_t drain_ms, struct err *err) MUST_CHECK;
void loop_stop(struct loop *loop); /* from any thread, also from a signal handler */

/* Begin, change or (events 0) end watching. Level-triggered. */
enum lf_code loop_watch_set(struct loop *loop, struct loop_watch *watch, unsigned events, struct err *err) MUST_CHECK;
void loop_watch_end(struct loop *loop, struct loop_watch *watch); /* before its descriptor is closed */

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms); /* sets again what is set */
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);
int64_t loop_now_ms(const struct loop *loop); /* monotonic, as of this turn */

/* Once, at the end of this turn, after the fibers that are ready have run. Queued twice, it runs once. */
void loop_at_turn_end(struct loop *loop, struct loop_task *task);

/* Once, in the loop's thread. From any thread; the task must live until it has run. */
void loop_post(struct loop *loop, struct loop_task *task);

struct fiber_pool *loop_fibers(struct loop *loop);

/* Suspends the calling fiber. */
void fiber_sleep(struct loop *loop, int64_t ms);
