/*
 * lease: how several processes, on one host or many, share a piece of work, and how what a dead one held comes back.
 *
 *     lease_join ─ a row in landfall.worker ─┬─ take a part ─ do it ─ finish (its result is recorded) ─┬─ lease_leave
 *                                            └─ a thread renews the row, buries the dead ─────────────┘
 *
 * A part of the work is a number: a file of a load, a part of a verify. It is free when nobody in landfall.worker holds it. A
 * worker is dead when it did not renew its row in time by the server's clock, or at once when the session that renews is gone: no
 * lock of a session is held, so poolers do no harm. Sessions named after a dead worker (lease_session) are ended, because others
 * wait for what they have under way.
 *
 * Leases save work, they do not guard data: one that only seemed dead goes on and may do a part a second time. That no row is
 * written twice is seen to by the transactions themselves (chunk_load.h); of two results the first stays.
 *
 * All functions may be called by any thread; they share one connection.
 */
#pragma once

#include "base/arena.h"
#include "pg/conn.h"

enum {
    LEASE_SECONDS = 30,          /* until a worker that says nothing is taken for dead */
    LEASE_PART_LAST = 0x7fffffff /* by convention what one of them does when all other parts are done */
};

/* Begins a transaction on which others may have to wait: the server ends it when its process hangs in the middle. */
enum lf_code lease_begin_short(struct pg_conn *conn, struct err *err) MUST_CHECK;

struct lease;

/* Joins the work of this name (at most 63 bytes). `seconds` 0: LEASE_SECONDS. Errors: LF_CONNECT, LF_SQL, LF_MEMORY. */
enum lf_code lease_join(const char *postgres, const char *work, unsigned seconds, struct lease **ret_lease,
                        struct err *err) MUST_CHECK;
/* Gives back what it still holds. NULL is fine. */
void lease_leave(struct lease *lease);
static inline void lease_leave_ptr(struct lease **lease)
{
    lease_leave(*lease);
}
#define LEASE_CLEANUP __attribute__((cleanup(lease_leave_ptr)))

/* landfall.worker.id */
int64_t lease_worker(const struct lease *lease);

/* The work's name. */
const char *lease_work(const struct lease *lease);

/* Names the session after the worker: it is ended when the worker is taken for dead. */
enum lf_code lease_session(const struct lease *lease, struct pg_conn *conn, struct err *err) MUST_CHECK;

/* This part, unless somebody else holds it or it is done; again without harm. */
enum lf_code lease_take(struct lease *lease, uint64_t part, bool *ret_taken, struct err *err) MUST_CHECK;

/* The parts 0 … count - 1, for lease_take_next. Again without harm. */
enum lf_code lease_offer(struct lease *lease, uint64_t count, struct err *err) MUST_CHECK;

/* The first free part of those offered, from `first` up to `end`, `end` excluded. */
enum lf_code lease_take_next(struct lease *lease, uint64_t first, uint64_t end, uint64_t *ret_part, bool *ret_taken,
                             struct err *err) MUST_CHECK;

/* Records the result of a part that is held (landfall.lease.result); the first one stays. */
enum lf_code lease_finish(struct lease *lease, uint64_t part, struct span result, struct err *err) MUST_CHECK;

/* How many of the parts before `end` have no result, and how many of these nobody holds. */
enum lf_code lease_count_left(struct lease *lease, uint64_t end, uint64_t *ret_left, uint64_t *ret_free,
                              struct err *err) MUST_CHECK;

/* Forgets all parts: the work is done. */
enum lf_code lease_clear(struct lease *lease, struct err *err) MUST_CHECK;
