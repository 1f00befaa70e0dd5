#include "move/follow/readiness.h"

#include <inttypes.h>
#include <stdio.h>

#include "move/follow/spool.h"
#include "move/phase.h"

enum { NUMBER_BYTES = 24, DETAIL_BYTES = 512 };

static enum lf_code begin_applying(struct pg_conn *conn, struct span table, struct err *err)
{
    static const char sql[] =
        "UPDATE landfall.phase AS p SET applies_since = clock_timestamp() WHERE table_name = $1 AND applies_since IS NULL"
        " AND EXISTS (SELECT FROM landfall.load AS l WHERE l.indexed_at IS NOT NULL"
        "   AND EXISTS (SELECT FROM landfall.segment AS s WHERE s.load_id = l.id AND s.table_name = p.table_name)"
        "   AND ((l.source LIKE 'dynamodb://%' AND l.started_at >= p.follows_since)"
        "     OR EXISTS (SELECT FROM landfall.window AS w WHERE w.table_name = p.table_name AND w.to_time >= p.follows_since)))";
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *updated = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &updated, err);
}

static enum lf_code look(struct pg_conn *conn, struct span table, unsigned settle_seconds, struct readiness *ret_readiness,
                         bool *ret_has_passed, struct err *err)
{
    static const char sql[] =
        "SELECT (p.applies_since IS NOT NULL)::integer, (p.readable_at IS NOT NULL)::integer,"
        " (EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name AND s.gap IS NOT NULL))::integer,"
        " (EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name AND s.stream_arn = p.stream_arn)"
        "   AND NOT EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name"
        "     AND s.stream_arn = p.stream_arn AND NOT s.is_drained"
        "     AND coalesce(s.captured_to, '-infinity') <= p.applies_since + $2::integer * interval '1 second')"
        "   AND NOT EXISTS (SELECT FROM landfall.spool AS r WHERE r.table_name = p.table_name"
        "     AND r.changed_at <= p.applies_since + $2::integer * interval '1 second'))::integer"
        " FROM landfall.phase AS p WHERE p.table_name = $1";
    char settle[NUMBER_BYTES];
    int len = snprintf(settle, sizeof settle, "%u", settle_seconds);
    const struct pg_field values[] = { pg_text_field(table), { settle, (size_t)len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    *ret_readiness = (struct readiness){ 0 };
    *ret_has_passed = false;
    if (!pg_result_rows(rows))
        return LF_OK;
    ret_readiness->applies = pg_result_int64(rows, 0, 0) != 0;
    ret_readiness->is_readable = pg_result_int64(rows, 0, 1) != 0;
    ret_readiness->has_gap = pg_result_int64(rows, 0, 2) != 0;
    *ret_has_passed = ret_readiness->applies && pg_result_int64(rows, 0, 3) != 0;
    return LF_OK;
}

static enum lf_code record_readable(struct pg_conn *conn, struct span table, struct err *err)
{
    char detail[DETAIL_BYTES];
    int len = snprintf(detail, sizeof detail, "{\"table\": \"%.*s\"}", SPAN_ARG(table));
    return phase_record(conn, "readable", span_of(detail, (size_t)len), err);
}

/* Gateways learn of it by the catalog's version. */
static enum lf_code change_to_readable(struct pg_conn *conn, struct span table, struct err *err)
{
    static const char sql[] = "UPDATE landfall.phase SET readable_at = clock_timestamp()"
                              " WHERE table_name = $1 AND applies_since IS NOT NULL AND readable_at IS NULL";
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *updated = NULL;
    int64_t version;
    TRY(phase_begin_change(conn, &version, err));
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &updated, err));
    return pg_result_affected(updated) ? record_readable(conn, table, err) : LF_OK;
}

static enum lf_code make_readable(struct pg_conn *conn, struct span table, struct err *err)
{
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(change_to_readable(conn, table, err));
    return pg_exec(conn, "COMMIT", err);
}

enum lf_code readiness_check(struct pg_conn *conn, struct span table, unsigned settle_seconds, struct readiness *ret_readiness,
                             struct err *err)
{
    bool has_passed;
    TRY(begin_applying(conn, table, err));
    TRY(spool_heal_gaps(conn, table, err));
    TRY(look(conn, table, settle_seconds, ret_readiness, &has_passed, err));
    if (!has_passed || ret_readiness->is_readable || ret_readiness->has_gap)
        return LF_OK;
    TRY(make_readable(conn, table, err));
    ret_readiness->is_readable = true;
    return LF_OK;
}

enum lf_code readiness_is_caught_up(struct pg_conn *conn, struct span table, int64_t since_us, bool *ret_caught_up,
                                    struct err *err)
{
    static const char sql[] =
        "SELECT FROM landfall.phase AS p WHERE p.table_name = $1 AND (p.phase = 'decommissioned' OR"
        " EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name AND s.stream_arn = p.stream_arn)"
        " AND NOT EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name"
        "   AND s.stream_arn = p.stream_arn AND NOT s.is_drained AND coalesce(s.captured_to, '-infinity')"
        "   < timestamptz 'epoch' + $2::int8 * interval '1 microsecond')"
        " AND (p.applies_since IS NULL OR"
        "   NOT EXISTS (SELECT FROM landfall.spool AS r WHERE r.table_name = p.table_name) AND (p.readable_at IS NOT NULL OR"
        "   EXISTS (SELECT FROM landfall.stream_shard AS s WHERE s.table_name = p.table_name AND s.gap IS NOT NULL))))";
    char since[NUMBER_BYTES];
    int len = snprintf(since, sizeof since, "%" PRId64, since_us);
    const struct pg_field values[] = { pg_text_field(table), { since, (size_t)len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    *ret_caught_up = pg_result_rows(rows) > 0;
    return LF_OK;
}
