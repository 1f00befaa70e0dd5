#include "gateway/store/gather.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/worker.h"

enum { OPEN_MAX = 64 };

/* On the stack of the first member's fiber, which runs it for all. */
struct batch {
    const struct table *table;
    gather_run *run;
    unsigned kind;
    struct gather_member *first, **last;
    size_t count, bytes;
    bool is_closed;
};

struct gather {
    struct worker *worker;
    struct gather_options options;
    struct loop_task flush;
    struct batch *open[OPEN_MAX]; /* the oldest first */
    size_t open_count;
    size_t under_way;
};

/* Running ----------------------------------------------------------------------------------------------------------------------
 */

/* Whether fewer members may fare better: it is certain that nothing was done, and not for want of room. */
static bool is_worth_halving(enum lf_code code)
{
    return code && code != LF_CONNECT && code != LF_MEMORY && code != LF_THROTTLING;
}

static void run_members(struct worker *worker, const struct batch *batch, struct gather_member **members, size_t count)
{
    struct err err = ERR_INIT;
    enum lf_code code = batch->run(worker, batch->table, members, count, &err);
    if (count > 1 && is_worth_halving(code)) {
        run_members(worker, batch, members, count / 2);
        run_members(worker, batch, members + count / 2, count - count / 2);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        members[i]->code = code;
        if (code)
            *members[i]->err = err;
    }
}

static void settle(struct gather_member **members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        members[i]->is_done = true;
        if (members[i]->fiber != fiber_self())
            fiber_wake(members[i]->fiber);
    }
}

static void run_batch(struct worker *worker, const struct batch *batch)
{
    struct gather_member *members[GATHER_MEMBERS_MAX];
    size_t count = 0;
    for (struct gather_member *member = batch->first; member; member = member->next)
        members[count++] = member;
    run_members(worker, batch, members, count);
    settle(members, count);
}

/* Gathering --------------------------------------------------------------------------------------------------------------------
 */

static bool is_busy(const struct gather *gather)
{
    return gather->options.under_way_max && gather->under_way >= gather->options.under_way_max;
}

static void flush(void *context)
{
    struct gather *gather = context;
    size_t closed = 0;
    for (; closed < gather->open_count && !is_busy(gather); closed++, gather->under_way++) {
        gather->open[closed]->is_closed = true;
        fiber_wake(gather->open[closed]->first->fiber);
    }
    gather->open_count -= closed;
    memmove(gather->open, gather->open + closed, gather->open_count * sizeof(struct batch *));
}

static void run_closed(struct gather *gather, const struct batch *batch)
{
    run_batch(gather->worker, batch);
    gather->under_way--;
    if (gather->open_count)
        loop_at_turn_end(gather->worker->loop, &gather->flush);
}

static void join(struct batch *batch, struct gather_member *member)
{
    *batch->last = member;
    batch->last = &member->next;
    batch->count += member->count;
    batch->bytes += member->bytes;
}

static void follow(struct batch *batch, struct gather_member *member)
{
    join(batch, member);
    while (!member->is_done)
        fiber_suspend();
}

static void lead(struct gather *gather, struct batch *batch, struct gather_member *member)
{
    batch->last = &batch->first;
    join(batch, member);
    if (gather->open_count == OPEN_MAX) {
        run_batch(gather->worker, batch);
        return;
    }
    gather->open[gather->open_count++] = batch;
    loop_at_turn_end(gather->worker->loop, &gather->flush);
    while (!batch->is_closed)
        fiber_suspend();
    run_closed(gather, batch);
}

static bool takes(const struct gather *gather, const struct batch *batch, const struct batch *wanted,
                  const struct gather_member *member)
{
    return batch->table == wanted->table && batch->run == wanted->run && batch->kind == wanted->kind &&
           batch->count + member->count <= gather->options.count_max && batch->bytes + member->bytes <= gather->options.bytes_max;
}

enum lf_code gather_join(struct gather *gather, const struct table *table, gather_run *run, unsigned kind,
                         struct gather_member *member, struct err *err)
{
    struct batch wanted = { .table = table, .run = run, .kind = kind };
    size_t at = 0;
    if (!member->count)
        return LF_OK;
    member->fiber = fiber_self();
    member->err = err;
    while (at < gather->open_count && !takes(gather, gather->open[at], &wanted, member))
        at++;
    if (at < gather->open_count)
        follow(gather->open[at], member);
    else
        lead(gather, &wanted, member);
    return member->code;
}

/* Life -------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code gather_new(struct worker *worker, const struct gather_options *options, struct gather **ret_gather, struct err *err)
{
    struct gather *gather = calloc(1, sizeof *gather);
    if (!gather)
        return ERR(err, LF_MEMORY, "no memory to gather requests");
    gather->worker = worker;
    gather->options = *options;
    gather->flush = (struct loop_task){ .run = flush, .context = gather };
    *ret_gather = gather;
    return LF_OK;
}

void gather_free(struct gather *gather)
{
    free(gather);
}
