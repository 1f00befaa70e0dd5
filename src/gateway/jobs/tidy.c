#include "gateway/jobs/tidy.h"

enum lf_code tidy_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                       struct err *err)
{
    static const struct pg_statement tokens = {
        .sql = "DELETE FROM landfall.request_token WHERE answered_at < now() - interval '10 minutes'",
    };
    static const struct pg_statement gateways = {
        .sql = "DELETE FROM landfall.gateway WHERE beat_at < now() - interval '10 minutes' AND journal IS NULL",
    };
    /* Until the follower has seen it, it is what tells it from late writers. A stream has it for a day. */
    static const struct pg_statement sent = {
        .sql =
            "DELETE FROM landfall.reverse_sent r WHERE sent_at < now() - interval '1 hour' AND again_at IS NULL AND NOT EXISTS "
            "(SELECT FROM landfall.phase p JOIN landfall.stream_shard s USING (table_name, stream_arn) WHERE p.table_name = "
            "r.table_name AND p.phase = 'postgres' AND NOT s.is_drained AND coalesce(s.captured_to, '-infinity') < r.sent_at + "
            "interval '1 hour' AND (p.by_exports OR r.sent_at > now() - interval '25 hours'))",
    };
    PG_RESULT_CLEANUP struct pg_result *answered = NULL;
    PG_RESULT_CLEANUP struct pg_result *forgotten = NULL;
    PG_RESULT_CLEANUP struct pg_result *gone = NULL;
    (void)leadership, (void)arena, (void)ret_more;
    TRY(db_write(worker->db, &tokens, &(struct pg_params){ 0 }, &forgotten, err));
    TRY(db_write(worker->db, &sent, &(struct pg_params){ 0 }, &answered, err));
    return db_write(worker->db, &gateways, &(struct pg_params){ 0 }, &gone, err);
}
