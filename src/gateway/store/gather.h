/*
 * gather: what many requests want of PostgreSQL, as one statement: point reads, writes, marks (mark.h).
 *
 *     fiber ─► gather_join ─► [members of this turn, per table and kind] ─end of turn─► run: one statement ─► fibers
 *
 * A lone request goes at once, at the end of its turn; there is no timer. While as many batches are under way as the gather
 * allows, those that come join the next one, so that under load each commit covers many. A batch that certainly did nothing
 * (PostgreSQL refused it, another transaction was in its way, a row is not what the map says) is halved and tried again, so that
 * an error stays with its request. One worker, one thread.
 */
#pragma once

#include "gateway/store/store.h"

struct gather;

/* What one request wants; on the stack of its fiber. */
struct gather_member {
    void *what;          /* for `run` */
    struct arena *arena; /* of the fiber: results go there */
    size_t count, bytes; /* of what is wanted, against the limits of a batch */

    struct gather_member *next; /* from here on gather's own */
    struct fiber *fiber;
    bool is_done;
    enum lf_code code;
    struct err *err;
};

/* One statement, or one transaction, for all members. After LF_CONNECT and LF_MEMORY it may have taken effect, after any other
 * error it has not. */
typedef enum lf_code gather_run(struct worker *worker, const struct table *table, struct gather_member *const *members,
                                size_t count, struct err *err);

struct gather_options {
    size_t count_max, bytes_max; /* of a batch of more than one member; at most GATHER_MEMBERS_MAX */
    size_t under_way_max;        /* batches; 0: no limit */
};
enum { GATHER_MEMBERS_MAX = 128 };

enum lf_code gather_new(struct worker *worker, const struct gather_options *options, struct gather **ret_gather,
                        struct err *err) MUST_CHECK;
void gather_free(struct gather *gather); /* NULL is fine */

/* Members of one table (NULL: of any), `run` and kind may meet. Suspends the fiber until the batch has run. Errors: those of
 * `run`. */
enum lf_code gather_join(struct gather *gather, const struct table *table, gather_run *run, unsigned kind,
                         struct gather_member *member, struct err *err) MUST_CHECK;

static inline size_t gather_count(struct gather_member *const *members, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += members[i]->count;
    return sum;
}
