/*
 * write: read, decide, write, without a lock held between round trips.
 *
 *     needs no old item ──► one statement, gathered with others
 *     else: read ─► decide(old) ─► guarded write ─┬─ applied: done
 *                                                 └─ lost the race: transaction { lock ─► decide(old) ─► write }
 *
 * `decide` may be called more than once, each time with the item as it then is. Requests on one key that meet in one worker take
 * turns (key_queue.h). All functions run on a fiber.
 */
#pragma once

#include "gateway/store/store.h"

/* What to do, given the old item (not present: there is none). `writes` false leaves everything as it is. Errors end the write
 * and are passed on (a failed condition). */
struct write_decision {
    bool writes;
    const struct item *item; /* NULL: delete */
};
typedef enum lf_code write_decide(void *context, struct stored_item *old, const struct item *old_item, struct arena *arena,
                                  struct write_decision *ret_decision, struct err *err);

struct write_options {
    write_decide *decide;
    void *context;
    bool by_ttl;
};

/* Errors: the decision's; LF_CONNECT when it is unknown whether the write took effect; those of stores. */
enum lf_code write_item(struct worker *worker, const struct table *table, const struct item_key *key,
                        const struct write_options *options, struct arena *arena, struct err *err) MUST_CHECK;

/* Puts, or deletes, whatever is there, for those who need no old item. */
struct blind_write {
    struct item_key key;
    const struct item *item; /* NULL: delete */
};

/* The keys differ. Each write is by itself: after an error some may have taken effect. Tables with a stream take the long way. */
enum lf_code write_blindly(struct worker *worker, const struct table *table, const struct blind_write *writes, size_t count,
                           struct arena *arena, struct err *err) MUST_CHECK;
