#include "gateway/worker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { LOG_LINES_PER_SECOND = 10 };

/* xorshift64*: request ids need to differ, no more. */
uint64_t worker_random(struct worker *worker)
{
    worker->random ^= worker->random >> 12;
    worker->random ^= worker->random << 25;
    worker->random ^= worker->random >> 27;
    return worker->random * 0x2545F4914F6CDD1DULL;
}

static bool may_log(void)
{
    static _Atomic int64_t second;
    static _Atomic unsigned lines;
    int64_t now = (int64_t)time(NULL);
    if (atomic_exchange(&second, now) != now)
        atomic_store(&lines, 0);
    return atomic_fetch_add(&lines, 1) < LOG_LINES_PER_SECOND;
}

void worker_log(struct worker *worker, struct span request_id, const struct err *err)
{
    if (may_log())
        fprintf(stderr, "landfall serve: worker %u: %.*s%s%s%s%s\n", worker->number, SPAN_ARG(request_id),
                request_id.len ? ": " : "", err->message, err->sqlstate[0] ? ", SQLSTATE " : "", err->sqlstate);
}
