#include "move/follow/loadable.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_BYTES = 24 };

/* A database that nothing was ever followed into has no such table. */
static enum lf_code has_phases(struct pg_conn *conn, bool *ret_has, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, "SELECT (pg_catalog.to_regclass('landfall.phase') IS NOT NULL)::integer", NULL, &rows, err));
    *ret_has = pg_result_int64(rows, 0, 0) != 0;
    return LF_OK;
}

static enum lf_code check_table(struct pg_conn *conn, const struct source *source, size_t table, int64_t load, struct err *err)
{
    static const char sql[] =
        "SELECT to_char(p.follows_since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " CASE WHEN $2::integer = 1 THEN NOT EXISTS (SELECT FROM landfall.load AS l WHERE l.id = $3::int8"
        "   AND l.started_at < p.follows_since)"
        " ELSE coalesce((extract(epoch FROM p.follows_since - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8"
        "   <= $4::int8, false) END::integer"
        " FROM landfall.phase AS p WHERE p.table_name = $1";
    char id[NUMBER_BYTES], time[NUMBER_BYTES];
    struct span name = source->tables[table].name;
    int64_t time_us = source->table_times[table];
    const struct pg_field values[] = {
        pg_text_field(name),
        pg_text_field(source_is_live(source) ? SPAN("1") : SPAN("0")),
        { id, (size_t)snprintf(id, sizeof id, "%" PRId64, load) },
        { time_us == MANIFEST_TIME_UNKNOWN ? NULL : time, (size_t)snprintf(time, sizeof time, "%" PRId64, time_us) },
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 4 }, &rows, err));
    if (!pg_result_rows(rows) || pg_result_int64(rows, 0, 1))
        return LF_OK;
    if (source_is_live(source))
        return ERR(err, LF_PRECONDITION,
                   "the scan of table %.*s was begun before %s, since when it is followed; take the tables back with `landfall "
                   "migrate down` and begin again",
                   SPAN_ARG(name), pg_result_text(rows, 0, 0));
    return ERR(err, LF_PRECONDITION,
               "table %.*s is followed since %s, and this source shows it as it was before, or does not say when: what changed "
               "between is not in the spool. Take an export that was made since, or dynamodb://%.*s",
               SPAN_ARG(name), pg_result_text(rows, 0, 0), SPAN_ARG(name));
}

enum lf_code loadable_check(struct pg_conn *conn, const struct source *source, int64_t load, struct err *err)
{
    bool has;
    TRY(has_phases(conn, &has, err));
    for (size_t i = 0; has && i < source->table_count; i++)
        TRY(check_table(conn, source, i, load, err));
    return LF_OK;
}

enum lf_code loadable_check_waits(struct pg_conn *conn, struct span table, struct err *err)
{
    const struct pg_field name = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    bool has;
    TRY(has_phases(conn, &has, err));
    if (!has)
        return LF_OK;
    TRY(pg_query(conn, "SELECT FROM landfall.phase WHERE table_name = $1 AND applies_since IS NOT NULL",
                 &(struct pg_params){ .values = &name, .count = 1 }, &rows, err));
    if (pg_result_rows(rows))
        return ERR(
            err, LF_PRECONDITION,
            "table %.*s is followed: `landfall follow` applies what changes, and incremental exports that it has not are older",
            SPAN_ARG(table));
    return LF_OK;
}

enum lf_code loadable_check_none_applied(struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    bool has;
    TRY(has_phases(conn, &has, err));
    if (!has)
        return LF_OK;
    TRY(pg_query(conn, "SELECT table_name FROM landfall.phase WHERE applies_since IS NOT NULL ORDER BY 1 LIMIT 1", NULL, &rows,
                 err));
    if (pg_result_rows(rows))
        return ERR(err, LF_PRECONDITION,
                   "changes were applied since the load by `landfall follow`; name the source: dynamodb://%s",
                   pg_result_text(rows, 0, 0));
    return LF_OK;
}
