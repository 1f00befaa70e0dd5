#include "pg/retry.h"

#include "base/backoff.h"

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

/* Those without a state are libpq's own words when a connection goes. */
bool pg_error_may_pass(const struct err *err)
{
    static const char *const classes[] = { "40", "53", "55", "57" };
    if (err->code != LF_SQL)
        return err->code == LF_CONNECT;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(err->sqlstate, classes[i], 2) == 0)
            return true;
    return !err->sqlstate[0];
}

enum lf_code pg_retry_transaction(struct pg_conn *conn, const struct pg_retry_policy *policy, pg_work *work, void *context,
                                  struct err *err)
{
    struct backoff backoff;
    backoff_init(&backoff, policy->delay_ms_min, policy->delay_ms_max, backoff_seed());
    for (unsigned attempts = 1; attempt(conn, policy, work, context, err) != LF_OK; attempts++) {
        struct err ignored = ERR_INIT; /* what failed first is what counts */
        (void)!pg_exec(conn, "ROLLBACK", &ignored);
        if (!is_worth_another(err))
            return err->code;
        if (attempts >= policy->attempts_max)
            return err_while(err, "making attempt %u, the last", attempts);
        backoff_wait(&backoff);
    }
    return LF_OK;
}
