#include "move/key_asks.h"

#include "item/ddbjson.h"
#include "pg/binary_sql.h"

enum { ARENA_BYTES_MAX = 1024 * 1024 * 1024, KEY_BYTES_MAX = 64 * 1024 };

/* `insert` says what of `asked` goes where. */
static enum lf_code ask(struct pg_conn *conn, struct span table, const struct item *keys, size_t count, const char *insert,
                        int64_t *ret_inserted, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    arena_init(&arena, ARENA_BYTES_MAX);
    binary_sql_init(&sql, &arena);
    struct pg_field *fields = arena_calloc(&arena, count, sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        struct span json;
        TRY(ddbjson_item_text(&keys[i], KEY_BYTES_MAX, &arena, &json, err));
        fields[i] = pg_text_field(json);
    }
    binary_sql_put(&sql, "WITH asked AS (SELECT ");
    binary_sql_text(&sql, table);
    binary_sql_put(&sql, " AS table_name, k.key::json AS key FROM unnest(");
    binary_sql_array(&sql, fields, count, 1, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ") AS k (key)) ");
    binary_sql_put(&sql, insert);
    return binary_sql_exec(&sql, conn, ret_inserted, err);
}

enum lf_code key_asks_gateways(struct pg_conn *conn, struct span table, const struct item *keys, size_t count, struct err *err)
{
    return ask(conn, table, keys, count,
               "INSERT INTO landfall.reverse_change (table_name, key) SELECT table_name, key FROM asked", NULL, err);
}

enum lf_code key_asks_follower(struct pg_conn *conn, struct span table, const struct item *keys, size_t count, struct err *err)
{
    int64_t inserted;
    TRY(ask(conn, table, keys, count, KEY_ASKS_FOLLOWER, &inserted, err));
    if (count && !inserted)
        return ERR(err, LF_PRECONDITION,
                   "what a table in use has is brought by `landfall follow`, which does not do so for table %.*s now",
                   SPAN_ARG(table));
    return LF_OK;
}
