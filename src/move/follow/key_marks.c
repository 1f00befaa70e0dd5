#include "move/follow/key_marks.h"

#include "move/follow/by_key.h"
#include "move/item_row.h"
#include "pg/binary_sql.h"

/* "unnest(…)", of h and sk of each key. */
static enum lf_code put_places(struct binary_sql *sql, const struct key *keys, size_t count, struct err *err)
{
    struct pg_field *h = arena_calloc(sql->arena, 2 * count, sizeof *h, err), *sk = h + count;
    if (!h)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        struct item_row_place place;
        TRY(item_row_place(&keys[i], sql->arena, &place, err));
        h[i] = place.h;
        sk[i] = place.sk;
    }
    binary_sql_put(sql, "unnest(");
    binary_sql_array(sql, h, count, 1, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, sk, count, 1, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ")");
    return LF_OK;
}

enum lf_code key_marks_find(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                            enum key_mark *ret_marks, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "SELECT k.n::text, (" KEY_MARK_IS_REFUSED ")::integer::text FROM ");
    TRY(put_places(&sql, keys, count, err));
    binary_sql_put(&sql, " WITH ORDINALITY AS k (h, sk, n) JOIN landfall.dirty_key AS d USING (h, sk) WHERE (NOT d.is_left OR "
                         "d.repaired_at IS NULL) AND d.table_name = ");
    binary_sql_text(&sql, table);
    TRY(pg_exec(conn, BY_KEY_BEGIN, err));
    TRY(binary_sql_query(&sql, conn, &rows, err));
    TRY(pg_exec(conn, BY_KEY_END, err));
    memset(ret_marks, 0, count * sizeof *ret_marks);
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        ret_marks[pg_result_int64(rows, i, 0) - 1] = pg_result_int64(rows, i, 1) ? KEY_MARK_REFUSED : KEY_MARK_HELD;
    return LF_OK;
}

enum lf_code key_marks_leave(struct pg_conn *conn, struct span table, const struct key *keys, size_t count, struct arena *arena,
                             struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(
        &sql,
        "UPDATE landfall.dirty_key AS d SET token = pg_catalog.nextval('landfall.mark_token'), is_left = true, refused = NULL "
        "FROM "
        "(SELECT m.table_name, m.h, m.sk FROM ");
    TRY(put_places(&sql, keys, count, err));
    binary_sql_put(&sql, " AS k (h, sk) JOIN landfall.dirty_key AS m USING (h, sk) WHERE m.table_name = ");
    binary_sql_text(&sql, table);
    binary_sql_put(&sql,
                   " ORDER BY m.h, m.sk FOR UPDATE OF m) AS k WHERE d.table_name = k.table_name AND d.h = k.h AND d.sk = k.sk");
    TRY(pg_exec(conn, BY_KEY_BEGIN, err));
    TRY(binary_sql_exec(&sql, conn, NULL, err));
    return pg_exec(conn, BY_KEY_END, err);
}
