#include "move/follow/table_stream.h"

#include <stdio.h>
#include <time.h>

#include "aws/answer.h"
#include "aws/dynamodb_items.h"
#include "codec/json.h"
#include "source/table_json.h"

enum {
    REQUEST_BYTES_MAX = 4096,
    ENABLE_POLL_MS = 250,
    ENABLE_POLLS_MAX = 4 * 60 * 5, /* five minutes */
    PHASE_WAIT_MS = 60 * 1000,
};

struct description {
    struct span arn; /* of the latest stream; empty: there never was one */
    bool is_on, is_active;
};

/* What DynamoDB says --------------------------------------------------------------------------------------------------------- */

static bool has_same_key(const struct key_schema *a, const struct key_schema *b)
{
    return span_equal(a->partition.name, b->partition.name) && a->partition.type == b->partition.type &&
           span_equal(a->sort.name, b->sort.name) && (!a->sort.name.len || a->sort.type == b->sort.type);
}

static enum lf_code check_key(const struct map_table *table, struct span text, struct arena *arena, struct err *err)
{
    struct map_table described;
    TRY(table_json_parse(text, arena, &described, err));
    if (!has_same_key(&table->key, &described.key))
        return ERR(err, LF_PRECONDITION, "the map has another key for table %.*s than DynamoDB", SPAN_ARG(table->name));
    return LF_OK;
}

static enum lf_code read_description(struct span text, struct arena *arena, struct description *ret_description, struct err *err)
{
    struct answer_field outer = { .name = SPAN("Table") }, on = { .name = SPAN("StreamEnabled") };
    struct answer_field fields[] = {
        { .name = SPAN("LatestStreamArn") },
        { .name = SPAN("StreamSpecification") },
        { .name = SPAN("TableStatus") },
    };
    struct span status;
    TRY(answer_fields(text, arena, &outer, 1, err));
    TRY(answer_fields(outer.value, arena, fields, 3, err));
    TRY(answer_fields(fields[1].value, arena, &on, 1, err));
    TRY(answer_text(fields[0].value, arena, &ret_description->arn, err));
    TRY(answer_text(fields[2].value, arena, &status, err));
    ret_description->is_on = span_equal(on.value, SPAN("true")) && ret_description->arn.len;
    ret_description->is_active = span_equal(status, SPAN("ACTIVE"));
    return LF_OK;
}

static enum lf_code describe(const struct table_stream_options *options, struct arena *arena, struct description *ret_description,
                             struct err *err)
{
    struct span text;
    TRY(dynamodb_describe_table(options->client, options->table->name, arena, &text, err));
    TRY(check_key(options->table, text, arena, err));
    return read_description(text, arena, ret_description, err);
}

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

static enum lf_code enable(const struct table_stream_options *options, struct arena *arena, struct description *ret_description,
                           struct err *err)
{
    const struct timespec pause = { .tv_nsec = ENABLE_POLL_MS * 1000000L };
    TRY(ask_for_stream(options, arena, err));
    for (unsigned i = 0; i < ENABLE_POLLS_MAX; i++) {
        TRY(describe(options, arena, ret_description, err));
        if (ret_description->is_on && ret_description->is_active)
            return LF_OK;
        (void)nanosleep(&pause, NULL);
    }
    return ERR(err, LF_PRECONDITION, "the stream of table %.*s was asked for and is still not there; run the command again",
               SPAN_ARG(options->table->name));
}

static enum lf_code find_stream(const struct table_stream_options *options, struct arena *arena, struct span *ret_arn,
                                struct err *err)
{
    struct description description;
    TRY(describe(options, arena, &description, err));
    if (!description.is_on && options->enables)
        TRY(enable(options, arena, &description, err));
    if (!description.is_on)
        return ERR(err, LF_PRECONDITION,
                   "table %.*s has no stream. `landfall follow --enable-stream` switches it on, or `aws dynamodb update-table "
                   "--table-name %.*s --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`",
                   SPAN_ARG(options->table->name), SPAN_ARG(options->table->name));
    *ret_arn = description.arn;
    return LF_OK;
}

/* The row -------------------------------------------------------------------------------------------------------------------- */

/* One that is not AWS's is kept: the gateways go there, too. */
static struct pg_field endpoint_field(const struct dynamodb *client)
{
    struct span endpoint = dynamodb_endpoint(client);
    bool is_aws = span_ends_with(endpoint, SPAN(".amazonaws.com")) || span_ends_with(endpoint, SPAN(".amazonaws.com.cn"));
    return is_aws ? PG_NULL : pg_text_or_null(endpoint);
}

static enum lf_code record(struct pg_conn *conn, const char *what, struct span table, struct span arn, struct err *err)
{
    BUF_CLEANUP struct buf detail;
    buf_init(&detail, REQUEST_BYTES_MAX);
    buf_put_cstr(&detail, "{\"table\":");
    json_put_string(&detail, table);
    buf_put_cstr(&detail, ",\"stream\":");
    json_put_string(&detail, arn);
    buf_put_byte(&detail, '}');
    TRY(buf_check(&detail, err));
    return phase_record(conn, what, buf_span(&detail), err);
}

struct change {
    const char *what, *sql;
};

static enum lf_code change_in(struct pg_conn *conn, const struct table_stream_options *options, const struct change *change,
                              struct span arn, int64_t *ret_version, struct err *err)
{
    struct span table = options->table->name;
    const struct pg_field values[] = { pg_text_or_null(table), pg_text_or_null(arn),
                                       pg_text_or_null(dynamodb_region(options->client)), endpoint_field(options->client) };
    PG_RESULT_CLEANUP struct pg_result *changed = NULL;
    TRY(phase_begin_change(conn, ret_version, err));
    TRY(pg_query(conn, change->sql, &(struct pg_params){ .values = values, .count = 4 }, &changed, err));
    return pg_result_affected(changed) ? record(conn, change->what, table, arn, err) : LF_OK;
}

static enum lf_code apply_change(struct pg_conn *conn, const struct table_stream_options *options, const struct change *change,
                                 struct span arn, struct err *err)
{
    int64_t version;
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(change_in(conn, options, change, arn, &version, err));
    TRY(pg_exec(conn, "COMMIT", err));
    return phase_wait(conn, version, PHASE_WAIT_MS, err);
}

/* Of two that begin at once one does it. */
static const struct change begin_following = {
    "follow",
    "INSERT INTO landfall.phase (table_name, phase, stream_arn, region, endpoint, follows_since)"
    " VALUES ($1, 'follow', $2, $3, $4, clock_timestamp()) ON CONFLICT DO NOTHING",
};

static const struct change take_other_stream = {
    "gap",
    "WITH old AS (UPDATE landfall.stream_shard SET is_drained = true, gap = coalesce(gap, 'another stream came in its place')"
    "   WHERE table_name = $1 AND stream_arn <> $2)"
    " UPDATE landfall.phase SET stream_arn = $2, region = $3, endpoint = $4, readable_at = NULL WHERE table_name = $1",
};

static enum lf_code check_row(struct pg_conn *conn, const struct table_stream_options *options, const struct table_phase *phase,
                              struct span arn, struct err *err)
{
    struct span table = options->table->name;
    if (span_equal(phase->stream_arn, arn))
        return LF_OK;
    if (options->skips_gaps)
        return apply_change(conn, options, &take_other_stream, arn, err);
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
    struct span arn;
    bool is_there;
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    if (is_there && ret_phase->phase == PHASE_DECOMMISSIONED)
        return LF_OK;
    TRY(find_stream(options, arena, &arn, err));
    TRY(is_there ? check_row(conn, options, ret_phase, arn, err) : apply_change(conn, options, &begin_following, arn, err));
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    return is_there ? LF_OK : ERR(err, LF_PRECONDITION, "table %.*s is not followed any more", SPAN_ARG(options->table->name));
}
