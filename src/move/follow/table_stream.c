#include "move/follow/table_stream.h"

#include <time.h>

#include "codec/json.h"
#include "move/follow/phase_row.h"
#include "move/follow/table_description.h"

enum {
    REQUEST_BYTES_MAX = 4096,
    ENABLE_POLL_MS = 250,
    ENABLE_POLLS_MAX = 4 * 60 * 5, /* five minutes */
};

/* What DynamoDB says --------------------------------------------------------------------------------------------------------- */

static enum lf_code ask_for_stream(const struct table_stream_options *options, struct arena *arena, struct err *err)
{
    BUF_CLEANUP struct buf request;
    struct dynamodb_answer answer;
    buf_init(&request, REQUEST_BYTES_MAX);
    buf_put_cstr(&request, "{\"TableName\":");
    json_put_string(&request, options->table->name);
    buf_put_cstr(&request, ",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}}");
    TRY(buf_check(&request, err));
    return dynamodb_call(options->client, DYNAMODB_TABLES, "UpdateTable", buf_span(&request), DYNAMODB_REPEAT_REFUSED, arena,
                         &answer, err);
}

static enum lf_code enable(const struct table_stream_options *options, struct arena *arena,
                           struct table_description *ret_description, struct err *err)
{
    const struct timespec pause = { .tv_nsec = ENABLE_POLL_MS * 1000000L };
    TRY(ask_for_stream(options, arena, err));
    for (unsigned i = 0; i < ENABLE_POLLS_MAX; i++) {
        TRY(table_describe(options->client, options->table, arena, ret_description, err));
        if (ret_description->has_stream && ret_description->is_active)
            return LF_OK;
        (void)nanosleep(&pause, NULL);
    }
    return ERR(err, LF_PRECONDITION, "the stream of table %.*s was asked for and is still not there; run the command again",
               SPAN_ARG(options->table->name));
}

static enum lf_code find_stream(const struct table_stream_options *options, struct arena *arena,
                                struct table_description *ret_description, struct err *err)
{
    TRY(table_describe(options->client, options->table, arena, ret_description, err));
    if (!ret_description->has_stream && options->enables)
        TRY(enable(options, arena, ret_description, err));
    if (!ret_description->has_stream)
        return ERR(err, LF_PRECONDITION,
                   "table %.*s has no stream. `landfall follow --enable-stream` switches it on, or `aws dynamodb update-table "
                   "--table-name %.*s --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`; where it may "
                   "have none, `--exports PLACE` "
                   "follows incremental exports",
                   SPAN_ARG(options->table->name), SPAN_ARG(options->table->name));
    return LF_OK;
}

/* The row -------------------------------------------------------------------------------------------------------------------- */

/* Of two that begin at once one does it. */
static const char begin_following[] =
    "INSERT INTO landfall.phase (table_name, phase, stream_arn, region, endpoint, stream_view, follows_since)"
    " VALUES ($1, 'follow', $2, $3, $4, $5, clock_timestamp()) ON CONFLICT DO NOTHING";

static const char take_other_stream[] =
    "WITH old AS (UPDATE landfall.stream_shard SET is_drained = true, gap = coalesce(gap, 'another stream came in its place')"
    "   WHERE table_name = $1 AND stream_arn <> $2)"
    " UPDATE landfall.phase SET stream_arn = $2, region = $3, endpoint = $4, stream_view = $5, readable_at = NULL WHERE "
    "table_name = $1";

static enum lf_code change_row(struct pg_conn *conn, const struct table_stream_options *options, const char *what,
                               const char *sql, const struct table_description *description, struct err *err)
{
    const struct phase_row_change change = { .what = what,
                                             .sql = sql,
                                             .table = options->table->name,
                                             .changes_from = description->stream_arn,
                                             .state = description->stream_view };
    return phase_row_apply(conn, options->client, &change, err);
}

static enum lf_code check_row(struct pg_conn *conn, const struct table_stream_options *options, const struct table_phase *phase,
                              const struct table_description *description, struct err *err)
{
    struct span table = options->table->name, arn = description->stream_arn;
    if (span_equal(phase->stream_arn, arn))
        return LF_OK;
    if (options->skips_gaps)
        return change_row(conn, options, "gap", take_other_stream, description, err);
    return ERR(
        err, LF_PRECONDITION,
        "table %.*s has another stream now, %.*s, than the one that was followed, %.*s: changes between them are lost. "
        "`landfall follow --skip-gaps` goes on with the new one, and `landfall verify dynamodb://%.*s --repair` then mends "
        "what was lost",
        SPAN_ARG(table), SPAN_ARG(arn), SPAN_ARG(phase->stream_arn), SPAN_ARG(table));
}

enum lf_code table_stream_open(struct pg_conn *conn, const struct table_stream_options *options, struct arena *arena,
                               struct table_phase *ret_phase, struct err *err)
{
    struct table_description description;
    bool is_there;
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    if (is_there && ret_phase->phase == PHASE_DECOMMISSIONED)
        return LF_OK;
    TRY(find_stream(options, arena, &description, err));
    TRY(is_there ? check_row(conn, options, ret_phase, &description, err)
                 : change_row(conn, options, "follow", begin_following, &description, err));
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    return is_there ? LF_OK : ERR(err, LF_PRECONDITION, "table %.*s is not followed any more", SPAN_ARG(options->table->name));
}
