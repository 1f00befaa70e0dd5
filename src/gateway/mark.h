/*
 * mark: keys whose item in PostgreSQL may not be DynamoDB's, while DynamoDB has the authority (landfall.dirty_key, docs/live.md).
 *
 *     marks_take ─► (DynamoDB is asked) ─┬─ done:    marks_settle: row written, mark deleted, one transaction
 *                                        ├─ refused: marks_settle: mark deleted; with the row, if the mark was taken over
 *                                        └─ unknown: marks_leave: the repairer's, at once and again when nothing can land any
 * more
 *
 * A mark carries a token that only grows; whoever uses the mark names the token, and finds out so if it was taken over. Marks of
 * many requests share a commit, and so do rows. One worker; all functions run on a fiber.
 */
#pragma once

#include "gateway/store/item_columns.h"
#include "gateway/worker.h"

enum { MARK_WAIT_MS_MAX = 10000, MARK_LANDING_SECONDS = 16 * 60 /* a signature's quarter of an hour, and slack */ };

struct marks;
enum lf_code marks_new(struct worker *worker, struct marks **ret_marks, struct err *err) MUST_CHECK;
void marks_free(struct marks *marks); /* NULL is fine */

struct mark {
    const struct table *table; /* borrowed, as the next */
    const struct item_key *key;
    struct item_place place;
    int64_t token;   /* 0: not ours */
    int64_t attempt; /* at taking it, by which it is found if the answer was lost */
    bool was_left;   /* taken over: the row lacks what somebody else wrote, so it is written even if we have changed nothing */
    /* Of a settlement: what the row is to be. */
    bool writes;
    const struct item *item; /* NULL: there is none */
};

/* The place of a key; no token yet. */
enum lf_code mark_init(const struct table *table, const struct item_key *key, struct arena *arena, struct mark *ret_mark,
                       struct err *err) MUST_CHECK;

/* All of them or none; waits while others work under one. One that was left it takes over. The keys differ. Errors:
 * LF_INTERNAL_SERVER when it is more than MARK_WAIT_MS_MAX since `since_ms`; those of db_write: what may have been taken all the
 * same is left. */
enum lf_code marks_take(struct worker *worker, struct mark *marks, size_t count, int64_t since_ms, struct arena *arena,
                        struct err *err) MUST_CHECK;

/* Takes the marks away, with the rows of those that are written; what is not ours any more is left alone, and a mark under which
 * something may still land is left to the repairer. After an error each mark is as it was, or settled. Errors: those of stores;
 * LF_SQL. */
enum lf_code marks_settle(struct worker *worker, struct mark *marks, size_t count, struct arena *arena,
                          struct err *err) MUST_CHECK;

/* Leaves them to the repairer, now or when PostgreSQL is there again; what was sent cannot land any more in `seconds`. */
void marks_leave(struct worker *worker, const struct mark *marks, size_t count, unsigned seconds);

/* Whether any of these keys, or (`is_partition`) any of their partitions, is marked. */
enum lf_code marks_are_there(struct worker *worker, const struct table *table, const struct item_place *places, size_t count,
                             bool is_partition, bool *ret_any, struct err *err) MUST_CHECK;
