#include "move/follow/table_exports.h"

#include "codec/timestamp.h"
#include "move/follow/chain.h"
#include "move/follow/chain_position.h"
#include "move/follow/export_request.h"
#include "move/follow/phase_row.h"
#include "move/follow/table_description.h"
#include "source/exports.h"

/* Where the chain begins ---------------------------------------------------------------------------------------------------- */

static enum lf_code read_loaded(struct pg_conn *conn, struct span table, int64_t *ret_us, bool *ret_known, struct err *err)
{
    static const char sql[] = "SELECT (extract(epoch FROM max(to_time) - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8"
                              " FROM landfall.window WHERE table_name = $1";
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    *ret_known = pg_result_get(rows, 0, 0).data != NULL;
    if (*ret_known)
        *ret_us = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

static enum lf_code look_at_place(const struct table_exports_options *options, int64_t *ret_us, bool *ret_known, struct err *err)
{
    struct exports exports;
    exports_init(&exports);
    enum lf_code code = exports_look(&exports, options->place.ptr, options->table->name, err);
    if (!code)
        *ret_known = exports_begin(exports.items, exports.count, ret_us);
    exports_done(&exports);
    return code;
}

static enum lf_code find_begin(struct pg_conn *conn, const struct table_exports_options *options, struct arena *arena,
                               int64_t *ret_us, struct err *err)
{
    bool is_known;
    TRY(read_loaded(conn, options->table->name, ret_us, &is_known, err));
    if (!is_known)
        TRY(look_at_place(options, ret_us, &is_known, err));
    if (is_known)
        return LF_OK;
    if (options->requests)
        return export_request_begin(options->client, options->table->name, arena, ret_us, err);
    return ERR(
        err, LF_PRECONDITION,
        "%.*s holds no export of table %.*s: put there the full or the first incremental one, or let --request-exports ask "
        "for them",
        SPAN_ARG(options->place), SPAN_ARG(options->table->name));
}

/* The row ------------------------------------------------------------------------------------------------------------------- */

/* Of two that begin at once one does it. */
static const char begin_following[] =
    "WITH begun AS (INSERT INTO landfall.phase (table_name, phase, by_exports, stream_arn, region, endpoint, follows_since)"
    "   VALUES ($1, 'follow', true, $2, $3, $4, split_part($5, '/', 2)::timestamptz) ON CONFLICT DO NOTHING"
    "   RETURNING table_name, stream_arn, follows_since)"
    " INSERT INTO landfall.stream_shard (table_name, stream_arn, shard_id, sequence_number, captured_to)"
    " SELECT table_name, stream_arn, '" CHAIN_SHARD "', $5, follows_since FROM begun";

static const char take_other_place[] =
    "WITH moved AS (UPDATE landfall.stream_shard SET stream_arn = $2 WHERE table_name = $1 AND shard_id = '" CHAIN_SHARD "')"
    " UPDATE landfall.phase SET stream_arn = $2, region = $3, endpoint = $4 WHERE table_name = $1";

static enum lf_code begin(struct pg_conn *conn, const struct table_exports_options *options, struct arena *arena, struct err *err)
{
    char text[CHAIN_POSITION_BYTES];
    struct chain_position position = { 0 };
    TRY(find_begin(conn, options, arena, &position.to_us, err));
    position.from_us = position.to_us;
    const struct phase_row_change change = {
        .what = "follow",
        .sql = begin_following,
        .table = options->table->name,
        .changes_from = options->place,
        .state = chain_position_text(&position, text),
    };
    return phase_row_apply(conn, options->client, &change, err);
}

/* Exports that have moved go on where they were. */
static enum lf_code check_row(struct pg_conn *conn, const struct table_exports_options *options, const struct table_phase *phase,
                              struct err *err)
{
    const struct phase_row_change change = {
        .what = "other place of exports",
        .sql = take_other_place,
        .table = options->table->name,
        .changes_from = options->place,
    };
    if (!phase->by_exports)
        return ERR(err, LF_PRECONDITION,
                   "table %.*s is followed by its stream, %.*s, which tells more than exports: leave --exports out",
                   SPAN_ARG(options->table->name), SPAN_ARG(phase->stream_arn));
    if (!options->place.len || span_equal(phase->stream_arn, options->place))
        return LF_OK;
    return phase_row_apply(conn, options->client, &change, err);
}

enum lf_code table_exports_open(struct pg_conn *conn, const struct table_exports_options *options, struct arena *arena,
                                struct table_phase *ret_phase, struct err *err)
{
    struct table_description description;
    bool is_there;
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    if (is_there && ret_phase->phase == PHASE_DECOMMISSIONED)
        return LF_OK;
    TRY(table_describe(options->client, options->table, arena, &description, err));
    TRY(is_there ? check_row(conn, options, ret_phase, err) : begin(conn, options, arena, err));
    TRY(phase_read(conn, options->table->name, false, arena, ret_phase, &is_there, err));
    return is_there ? LF_OK : ERR(err, LF_PRECONDITION, "table %.*s is not followed any more", SPAN_ARG(options->table->name));
}
