#include "gateway/key_queue.h"

#include <stdlib.h>

#include "gateway/runtime/fiber.h"

enum { BUCKETS = 1024 };

struct key_queue {
    struct key_turn *buckets[BUCKETS]; /* in order of arrival */
};

enum lf_code key_queue_new(struct key_queue **ret_queue, struct err *err)
{
    *ret_queue = calloc(1, sizeof **ret_queue);
    return *ret_queue ? LF_OK : ERR(err, LF_MEMORY, "no memory for the queue of keys");
}

void key_queue_free(struct key_queue *queue)
{
    free(queue);
}

static struct key_turn **bucket_of(struct key_queue *queue, int64_t id)
{
    return &queue->buckets[(uint64_t)id % BUCKETS];
}

static struct key_turn *find(struct key_turn *from, int64_t id)
{
    while (from && from->id != id)
        from = from->next;
    return from;
}

static int compare_turns(const void *a, const void *b)
{
    int64_t left = ((const struct key_turn *)a)->id, right = ((const struct key_turn *)b)->id;
    return (left > right) - (left < right);
}

/* Two keys of one request with the same id are one turn. */
static bool repeats(const struct key_turn *turns, size_t at)
{
    return at > 0 && turns[at].id == turns[at - 1].id;
}

static void enter(struct key_queue *queue, struct key_turn *turn)
{
    struct key_turn **last = bucket_of(queue, turn->id);
    while (*last)
        last = &(*last)->next;
    turn->fiber = fiber_self();
    turn->next = NULL;
    *last = turn;
    while (find(*bucket_of(queue, turn->id), turn->id) != turn)
        fiber_suspend();
}

void key_queue_enter(struct key_queue *queue, struct key_turn *turns, size_t count)
{
    qsort(turns, count, sizeof *turns, compare_turns);
    for (size_t i = 0; i < count; i++)
        if (!repeats(turns, i))
            enter(queue, &turns[i]);
}

static void leave(struct key_queue *queue, struct key_turn *turn)
{
    struct key_turn **at = bucket_of(queue, turn->id);
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    struct key_turn *following = find(turn->next, turn->id);
    if (following)
        fiber_wake(following->fiber);
}

void key_queue_leave(struct key_queue *queue, struct key_turn *turns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!repeats(turns, i))
            leave(queue, &turns[i]);
}
