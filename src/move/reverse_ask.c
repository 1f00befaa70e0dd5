#include "move/reverse_ask.h"

#include "item/ddbjson.h"
#include "pg/binary_sql.h"

enum { ARENA_BYTES_MAX = 1024 * 1024 * 1024, KEY_BYTES_MAX = 64 * 1024 };

enum lf_code reverse_ask(struct pg_conn *conn, struct span table, const struct item *keys, size_t count, struct err *err)
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
    binary_sql_put(&sql, "INSERT INTO landfall.reverse_change (table_name, key) SELECT ");
    binary_sql_text(&sql, table);
    binary_sql_put(&sql, ", k.key::json FROM unnest(");
    binary_sql_array(&sql, fields, count, 1, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ") AS k (key)");
    return binary_sql_exec(&sql, conn, NULL, err);
}
