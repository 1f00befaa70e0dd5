#include "move/follow/phase_row.h"

#include "codec/json.h"
#include "move/phase.h"

enum { DETAIL_BYTES_MAX = 16 * 1024, PHASE_WAIT_MS = 60 * 1000 };

/* One that is not AWS's is kept: the gateways go there, too. */
static struct pg_field endpoint_field(const struct dynamodb *client)
{
    struct span endpoint = dynamodb_endpoint(client);
    bool is_aws = span_ends_with(endpoint, SPAN(".amazonaws.com")) || span_ends_with(endpoint, SPAN(".amazonaws.com.cn"));
    return is_aws ? PG_NULL : pg_text_or_null(endpoint);
}

static enum lf_code record(struct pg_conn *conn, const char *what, struct span table, struct span changes_from, struct err *err)
{
    BUF_CLEANUP struct buf detail;
    buf_init(&detail, DETAIL_BYTES_MAX);
    buf_put_cstr(&detail, "{\"table\":");
    json_put_string(&detail, table);
    buf_put_cstr(&detail, ",\"stream\":");
    json_put_string(&detail, changes_from);
    buf_put_byte(&detail, '}');
    TRY(buf_check(&detail, err));
    return phase_record(conn, what, buf_span(&detail), err);
}

static enum lf_code change_in(struct pg_conn *conn, const struct dynamodb *client, const struct phase_row_change *change,
                              int64_t *ret_version, struct err *err)
{
    const struct pg_field values[] = { pg_text_or_null(change->table), pg_text_or_null(change->changes_from),
                                       pg_text_or_null(dynamodb_region(client)), endpoint_field(client),
                                       pg_text_or_null(change->state) };
    PG_RESULT_CLEANUP struct pg_result *changed = NULL;
    TRY(phase_begin_change(conn, ret_version, err));
    TRY(pg_query(conn, change->sql, &(struct pg_params){ .values = values, .count = change->state.len ? 5 : 4 }, &changed, err));
    return pg_result_affected(changed) ? record(conn, change->what, change->table, change->changes_from, err) : LF_OK;
}

enum lf_code phase_row_apply(struct pg_conn *conn, const struct dynamodb *client, const struct phase_row_change *change,
                             struct err *err)
{
    int64_t version;
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(change_in(conn, client, change, &version, err));
    TRY(pg_exec(conn, "COMMIT", err));
    return phase_wait(conn, version, PHASE_WAIT_MS, err);
}
