/*
 * pace: so many units of capacity a second and not more, over all threads that spend them.
 *
 *     pace_wait(expected) ─ the call ─ pace_settle(expected, what it has cost)
 *
 * Who wants to spend reserves what it expects to, behind what is reserved already, and waits until that is paid for; nothing is
 * saved up while nobody spends. What is not known before, the cost of a page of a scan, is corrected after. Any thread.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct pace {
    double units_per_s; /* 0: no limit */
    pthread_mutex_t lock;
    double paid_s; /* when all that is reserved will be paid for, on the monotonic clock; guarded */
};

void pace_init(struct pace *pace, double units_per_s);
void pace_done(struct pace *pace);

/* Waits; *is_over (may be NULL) ends that early. */
void pace_wait(struct pace *pace, double expected_units, const _Atomic bool *is_over);
void pace_settle(struct pace *pace, double expected_units, double units);

/* Seconds from `now_s` until `units` may be spent, which are reserved by that. Pure but for the pace. */
double pace_reserve(struct pace *pace, double units, double now_s);
