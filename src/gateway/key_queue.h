/*
 * key_queue: requests that write the same key and meet in one worker take turns, in the order in which they came.
 *
 * So a hot key costs waiting, not lost races. Between workers and gateways the guard of the write decides (write.h). One worker,
 * one thread.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>

struct key_queue;
struct fiber;

/* A place in the queue of one key; on the stack of its fiber, or in its arena. */
struct key_turn {
    int64_t id; /* of the key: store_lock_id */
    struct fiber *fiber;
    struct key_turn *next;
};

enum lf_code key_queue_new(struct key_queue **ret_queue, struct err *err) MUST_CHECK;
void key_queue_free(struct key_queue *queue); /* NULL is fine */

/* Waits for its turn at each of the keys, whose ids are set; sorts them. Suspends the fiber. */
void key_queue_enter(struct key_queue *queue, struct key_turn *turns, size_t count);
void key_queue_leave(struct key_queue *queue, struct key_turn *turns, size_t count);
