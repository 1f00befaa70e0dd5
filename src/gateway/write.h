/*
 * write: read, decide, write, without a lock held between round trips.
 *
 *     needs no old item ──► one statement, gathered with others
 *     else: read ─► decide(old) ─► guarded write ─┬─ applied: done
 *                                                 └─ lost the race: transaction { lock ─► decide(old) ─► write }
 *
 * `decide` may be called more than once, each time with the item as it then is. Requests on one key that meet in one worker run
 * one after the other.
 */
#pragma once

#include "gateway/store/store.h"

/* What to do, given the old item (count 0 and `stored` not present when there is none). *ret_new: the item to write; set
 * *ret_deletes to delete; leave both alone to write nothing. Errors end the write and are passed on (a failed condition). */
struct write_decision {
    const struct item *item;
    bool deletes;
};
typedef enum lf_code write_decide(void *context, struct stored_item *old, const struct item *old_item, struct arena *arena,
                                  struct write_decision *ret_decision, struct err *err);

struct write_result {
    struct stored_item old;  /* as it was when the write took effect */
    struct item old_item;    /* count 0: there was none */
    const struct item *item; /* as written, NULL: deleted or nothing */
};

/* `decide` sees the old item. */
enum lf_code write_item(struct worker *worker, const struct table *table, const struct item_key *key, write_decide *decide,
                        void *context, struct arena *arena, struct write_result *ret_result, struct err *err) MUST_CHECK;

/* Puts (or, `item` NULL, deletes) whatever is there; nobody asked for the old item. Tables with a stream or several places per
 * key take the long way by themselves. */
enum lf_code write_blindly(struct worker *worker, const struct table *table, const struct item_key *key, const struct item *item,
                           struct arena *arena, struct err *err) MUST_CHECK;

/* Requests on one key that meet in one worker, in a row. */
struct key_queue;
enum lf_code key_queue_new(struct key_queue **ret_queue, struct err *err) MUST_CHECK;
void key_queue_free(struct key_queue *queue); /* NULL is fine */
