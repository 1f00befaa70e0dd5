#include "pg/retry.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void pg_backoff_init(struct pg_backoff *backoff, const struct pg_retry_policy *policy, uint64_t seed)
{
    *backoff = (struct pg_backoff){ .policy = policy, .random = seed, .delay_ms = policy->delay_ms_min };
}

/* splitmix64: any seed will do, zero as well. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

unsigned pg_backoff_next_ms(struct pg_backoff *backoff)
{
    const struct pg_retry_policy *policy = backoff->policy;
    uint64_t longest = (uint64_t)backoff->delay_ms * 3;
    uint64_t span = longest > policy->delay_ms_min ? longest - policy->delay_ms_min : 0;
    uint64_t delay = policy->delay_ms_min + next_random(&backoff->random) % (span + 1);
    backoff->delay_ms = delay < policy->delay_ms_max ? (unsigned)delay : policy->delay_ms_max;
    return backoff->delay_ms;
}

void pg_backoff_wait(struct pg_backoff *backoff)
{
    unsigned delay_ms = pg_backoff_next_ms(backoff);
    struct timespec pause = { .tv_sec = delay_ms / 1000, .tv_nsec = (long)(delay_ms % 1000) * 1000000 };
    (void)nanosleep(&pause, NULL);
}

uint64_t pg_backoff_seed(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 32 ^ (uint64_t)getpid() << 16;
}

static enum lf_code attempt(struct pg_conn *conn, const struct pg_retry_policy *policy, pg_work *work, void *context,
                            struct err *err)
{
    TRY(pg_execf(conn, err, "BEGIN; SET LOCAL lock_timeout = %u", policy->lock_timeout_ms));
    TRY(work(context, conn, err));
    return pg_exec(conn, "COMMIT", err);
}

/* lock_not_available, deadlock_detected, serialization_failure */
static bool is_worth_another(const struct err *err)
{
    static const char *const states[] = { "55P03", "40P01", "40001" };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    return false;
}

enum lf_code pg_retry_transaction(struct pg_conn *conn, const struct pg_retry_policy *policy, pg_work *work, void *context,
                                  struct err *err)
{
    struct pg_backoff backoff;
    pg_backoff_init(&backoff, policy, pg_backoff_seed());
    for (unsigned attempts = 1; attempt(conn, policy, work, context, err) != LF_OK; attempts++) {
        struct err ignored = ERR_INIT; /* what failed first is what counts */
        (void)!pg_exec(conn, "ROLLBACK", &ignored);
        if (!is_worth_another(err))
            return err->code;
        if (attempts >= policy->attempts_max)
            return err_while(err, "making attempt %u, the last", attempts);
        pg_backoff_wait(&backoff);
    }
    return LF_OK;
}
