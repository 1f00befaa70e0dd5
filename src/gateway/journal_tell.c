#include "gateway/journal_tell.h"

#include <stdlib.h>

#include "gateway/store/row_arrays.h"

/* The phases are held until the marks are there: who changes one finds them. */
static const char tell_sql[] =
    "WITH k AS (SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::json[], $5::int4[], $6::text[]) WITH ORDINALITY "
    "AS k (table_name, h, sk, key, seconds, owner, n)), p AS MATERIALIZED (SELECT table_name FROM landfall.phase WHERE phase IN "
    "('follow', 'dual write') FOR SHARE), marked AS (INSERT INTO landfall.dirty_key AS d (table_name, h, sk, key, owner, token, "
    "settled_at, is_left) SELECT k.table_name, k.h, k.sk, k.key, k.owner::uuid, nextval('landfall.mark_token'), "
    "clock_timestamp() + make_interval(secs => nullif(k.seconds, 0)), true FROM k JOIN p ON p.table_name = k.table_name ORDER BY "
    "k.table_name COLLATE \"C\", k.h, k.sk ON CONFLICT (table_name, h, sk) DO UPDATE SET token = excluded.token, owner = "
    "excluded.owner, attempt = NULL, marked_at = clock_timestamp(), repaired_at = NULL, refused = NULL, settled_at = "
    "greatest(d.settled_at, "
    "excluded.settled_at) WHERE d.is_left RETURNING d.table_name, d.h, d.sk), other AS (SELECT * FROM k WHERE NOT EXISTS (SELECT "
    "FROM p WHERE p.table_name = k.table_name)), event AS (INSERT INTO landfall.event (what, detail) SELECT 'written to DynamoDB "
    "without the authority', jsonb_build_object('table', table_name, 'keys', count(*)) FROM other GROUP BY table_name) SELECT "
    "k.n "
    "FROM k JOIN marked m ON m.table_name = k.table_name AND m.h = k.h AND m.sk = k.sk UNION ALL SELECT n FROM other";

static int32_t seconds_until(int64_t ms, int64_t now_ms)
{
    return ms > now_ms ? (int32_t)((ms - now_ms + 999) / 1000) : 0;
}

static enum lf_code make_params(const struct journal_due *due, size_t count, const char *gateway, int64_t now_ms,
                                struct row_arrays *arrays, struct pg_params *ret_params, struct err *err)
{
    static const enum pg_oid types[] = { PG_OID_TEXT, PG_OID_BYTEA, PG_OID_BYTEA, PG_OID_JSON, PG_OID_INT4, PG_OID_TEXT };
    row_arrays_init(arrays);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        row_arrays_add(arrays, types[i], count);
    for (size_t i = 0; i < count; i++) {
        row_arrays_put_span(arrays, due[i].key.table);
        row_arrays_put_span(arrays, due[i].key.h);
        row_arrays_put_span(arrays, due[i].key.sk);
        row_arrays_put_span(arrays, due[i].key.key);
        row_arrays_put_int32(arrays, seconds_until(due[i].lands_ms, now_ms));
        row_arrays_put_span(arrays, span_from_cstr(gateway));
    }
    return row_arrays_params(arrays, ret_params, err);
}

static enum lf_code mark(struct pg_conn *conn, struct journal_due *due, size_t count, const char *gateway, int64_t now_ms,
                         size_t *ret_told, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = make_params(due, count, gateway, now_ms, &arrays, &params, err);
    if (!code)
        code = pg_query(conn, tell_sql, &params, &rows, err);
    *ret_told = code ? 0 : pg_result_rows(rows);
    for (size_t i = 0; i < *ret_told; i++)
        due[pg_result_int64(rows, i, 0) - 1].is_told = true;
    row_arrays_done(&arrays);
    return code;
}

enum lf_code journal_tell(struct journal *journal, struct pg_conn *conn, const char *gateway, int64_t now_ms, size_t *ret_told,
                          struct err *err)
{
    struct journal_due *due = calloc(JOURNAL_TELL_KEYS, sizeof *due);
    *ret_told = 0;
    if (!due)
        return ERR(err, LF_MEMORY, "no memory to make marks of a journal");
    size_t count = journal_list(journal, due, JOURNAL_TELL_KEYS);
    enum lf_code code = count ? mark(conn, due, count, gateway, now_ms, ret_told, err) : LF_OK;
    journal_told(journal, due, count);
    free(due);
    return code;
}
