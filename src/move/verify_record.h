/* verify_record: runs of verify in landfall.parity_run, and what they found in landfall.parity_diff. */
#pragma once

#include "move/verify.h"

/* A run that has begun. */
enum lf_code record_begin(struct pg_conn *conn, int64_t *ret_run, struct err *err) MUST_CHECK;

/* What a run has found that some other process may have ended: *ret_ended, and then its counts and at most `details_max` details,
 * in the arena, where U+0000 is U+FFFD. */
enum lf_code record_read(struct pg_conn *conn, int64_t run, size_t details_max, struct arena *arena, bool *ret_ended,
                         struct verify_result *result, struct err *err) MUST_CHECK;

/* `tables`: names of the DynamoDB tables that were compared; of others the run proves nothing. */
enum lf_code record_end(struct pg_conn *conn, int64_t run, const struct span *tables, size_t table_count,
                        const struct verify_result *result, struct err *err) MUST_CHECK;

/* A text[] as PostgreSQL reads it. U+0000, which PostgreSQL cannot hold, becomes U+FFFD here and in all that is recorded. */
void record_put_array(struct buf *buf, const struct span *texts, size_t count);
