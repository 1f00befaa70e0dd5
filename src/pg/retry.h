/*
 * retry: transactions that wait for locks only briefly, and again later.
 *
 * A statement that waits for a lock stands in the way of all that come after it, the application's among them. So it waits
 * `lock_timeout_ms`, gives way, and tries again after a pause (base/backoff.h). Deadlocks and serialisation failures are tried
 * again in the same way.
 */
#pragma once

#include "pg/conn.h"

struct pg_retry_policy {
    unsigned attempts_max; /* at least 1 */
    unsigned lock_timeout_ms;
    unsigned delay_ms_min, delay_ms_max;
};

/* Whether it may be gone later by itself: PostgreSQL was not reached or ended the session, statements met, or resources lacked.
 */
bool pg_error_may_pass(const struct err *err);

/* Work inside a transaction; it neither begins nor ends one, and may be called again after a failure. */
typedef enum lf_code pg_work(void *context, struct pg_conn *conn, struct err *err);

/* BEGIN, `work`, COMMIT; ROLLBACK on failure. Errors: the work's own; of the last attempt where locks were the reason. */
enum lf_code pg_retry_transaction(struct pg_conn *conn, const struct pg_retry_policy *policy, pg_work *work, void *context,
                                  struct err *err) MUST_CHECK;
