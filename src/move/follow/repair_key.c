#include "move/follow/repair_key.h"

#include <stdio.h>

#include "item/ddbjson.h"
#include "move/follow/key_marks.h"
#include "move/item_row.h"
#include "pg/binary_sql.h"

enum { KEY_JSON_BYTES = 64 * 1024 };

enum lf_code key_repairer_init(struct key_repairer *repairer, struct key_writer *writer, struct dynamodb *client, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *owner = NULL;
    TRY(pg_query(writer->conn, "SELECT pg_catalog.gen_random_uuid()", NULL, &owner, err));
    *repairer = (struct key_repairer){ .writer = writer, .client = client };
    (void)snprintf(repairer->owner, sizeof repairer->owner, "%s", pg_result_text(owner, 0, 0));
    return LF_OK;
}

static enum lf_code place_of(const struct key_repairer *repairer, const struct item *item, struct arena *arena,
                             struct key *ret_key, struct item_row_place *ret_place, struct err *err)
{
    TRY(key_of_item(&repairer->writer->table->key, item, arena, ret_key, err));
    return item_row_place(ret_key, arena, ret_place, err);
}

/* A mark that is put, or, of a row that gateways refuse to write, taken over. */
struct own_mark {
    int64_t token; /* 0: it is somebody else's */
    int64_t was_there;
};

static enum lf_code read_mark(const struct pg_result *rows, struct own_mark *mark, struct err *err)
{
    *mark = (struct own_mark){ 0 };
    if (!pg_result_rows(rows))
        return LF_OK;
    struct pg_field token = pg_result_get(rows, 0, 0), was_there = pg_result_get(rows, 0, 1);
    TRY(pg_read_int64(span_of(token.data, token.len), &mark->token, err));
    return pg_read_int64(span_of(was_there.data, was_there.len), &mark->was_there, err);
}

static enum lf_code put_mark(struct key_repairer *repairer, const struct item *item, const struct item_row_place *place,
                             struct arena *arena, struct own_mark *ret_mark, struct err *err)
{
    BUF_CLEANUP struct buf json;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    buf_init(&json, KEY_JSON_BYTES);
    binary_sql_init(&sql, arena);
    ddbjson_put_item(&json, item);
    TRY(buf_check(&json, err));
    binary_sql_put(&sql, "INSERT INTO landfall.dirty_key AS d (table_name, h, sk, key, token, owner) SELECT ");
    binary_sql_text(&sql, repairer->writer->table->name);
    binary_sql_put(&sql, ", ");
    binary_sql_param(&sql, place->h, "bytea");
    binary_sql_put(&sql, ", ");
    binary_sql_param(&sql, place->sk, "bytea");
    binary_sql_put(&sql, ", ");
    binary_sql_text(&sql, buf_span(&json));
    binary_sql_put(&sql, "::json, pg_catalog.nextval('landfall.mark_token'), ");
    binary_sql_text(&sql, span_from_cstr(repairer->owner));
    binary_sql_put(&sql, "::uuid ON CONFLICT (table_name, h, sk) DO UPDATE SET token = excluded.token, owner = excluded.owner, "
                         "attempt = NULL, marked_at = clock_timestamp(), settled_at = NULL, is_left = false, repaired_at = NULL, "
                         "refused = NULL WHERE " KEY_MARK_IS_REFUSED " RETURNING token, (d.xmax <> 0)::integer::bigint");
    TRY(binary_sql_query(&sql, repairer->writer->conn, &rows, err));
    return read_mark(rows, ret_mark, err);
}

/* " WHERE …": of the mark of a key, if it has this token. */
static void put_whose(struct binary_sql *sql, const struct key_repairer *repairer, const struct item_row_place *place,
                      int64_t token)
{
    binary_sql_put(sql, " WHERE table_name = ");
    binary_sql_text(sql, repairer->writer->table->name);
    binary_sql_put(sql, " AND h = ");
    binary_sql_param(sql, place->h, "bytea");
    binary_sql_put(sql, " AND sk = ");
    binary_sql_param(sql, place->sk, "bytea");
    binary_sql_put(sql, " AND token = ");
    binary_sql_int64(sql, token);
}

static enum lf_code take_mark_away(struct key_repairer *repairer, const struct item_row_place *place, int64_t token,
                                   struct arena *arena, bool *ret_ours, struct err *err)
{
    int64_t deleted;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "DELETE FROM landfall.dirty_key");
    put_whose(&sql, repairer, place, token);
    TRY(binary_sql_exec(&sql, repairer->writer->conn, &deleted, err));
    *ret_ours = deleted == 1;
    return LF_OK;
}

struct repair_of {
    const struct key_change *change;
    const struct item_row_place *place;
    int64_t token;
    key_repair_more *more;
    void *context;
};

static enum lf_code write_in(struct key_repairer *repairer, const struct repair_of *repair, struct arena *arena, bool *ret_ours,
                             struct err *err)
{
    TRY(take_mark_away(repairer, repair->place, repair->token, arena, ret_ours, err));
    if (!*ret_ours)
        return LF_OK;
    TRY(key_writer_write(repairer->writer, repair->change, 1, arena, err));
    if (!repair->more)
        return LF_OK;
    struct err conflict = ERR_INIT;
    enum lf_code code = repair->more(repair->context, repairer->writer->conn, &conflict);
    *ret_ours = code != LF_TRANSACTION_CONFLICT;
    if (code && *ret_ours) {
        *err = conflict;
        return code;
    }
    return LF_OK;
}

static enum lf_code write_row(struct key_repairer *repairer, const struct repair_of *repair, struct arena *arena,
                              enum key_repair *ret_outcome, struct err *err)
{
    struct pg_conn *conn = repairer->writer->conn;
    bool is_ours = false;
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(write_in(repairer, repair, arena, &is_ours, err));
    TRY(pg_exec(conn, is_ours ? "COMMIT" : "ROLLBACK", err));
    *ret_outcome = is_ours ? KEY_REPAIRED : KEY_TAKEN;
    return LF_OK;
}

/* Under a mark that is there with this token. */
static enum lf_code repair_marked(struct key_repairer *repairer, const struct item *key, int64_t token, key_repair_more *more,
                                  void *context, struct arena *arena, enum key_repair *ret_outcome, struct err *err)
{
    struct item item;
    struct key_change change = { .item = &item };
    struct item_row_place place;
    bool is_there;
    TRY(place_of(repairer, key, arena, &change.key, &place, err));
    TRY(dynamodb_get_item(repairer->client, repairer->writer->table->name, key, arena, &item, &is_there, NULL, err));
    if (!is_there)
        change.item = NULL;
    const struct repair_of repair = { &change, &place, token, more, context };
    return write_row(repairer, &repair, arena, ret_outcome, err);
}

static enum lf_code leave_mark(struct key_repairer *repairer, const struct item_row_place *place, int64_t token,
                               struct arena *arena, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "UPDATE landfall.dirty_key SET is_left = true");
    put_whose(&sql, repairer, place, token);
    return binary_sql_exec(&sql, repairer->writer->conn, NULL, err);
}

/* A repair that was given up has written nothing: who put a mark that was there has still not been repaired. Where this fails,
 * the mark is left to the gateways' repairer, too, when it is older. */
static void unmark(struct key_repairer *repairer, const struct item_row_place *place, const struct own_mark *mark,
                   struct arena *arena)
{
    bool is_ours;
    struct err ignored = ERR_INIT;
    if (pg_exec(repairer->writer->conn, "ROLLBACK", &ignored))
        return;
    if (mark->was_there)
        (void)!leave_mark(repairer, place, mark->token, arena, &ignored);
    else
        (void)!take_mark_away(repairer, place, mark->token, arena, &is_ours, &ignored);
}

enum lf_code key_repair(struct key_repairer *repairer, const struct item *key, key_repair_more *more, void *context,
                        struct arena *arena, enum key_repair *ret_outcome, struct err *err)
{
    struct key bytes;
    struct item_row_place place;
    struct own_mark mark;
    TRY(place_of(repairer, key, arena, &bytes, &place, err));
    TRY(put_mark(repairer, key, &place, arena, &mark, err));
    *ret_outcome = KEY_TAKEN;
    if (!mark.token)
        return LF_OK;
    enum lf_code code = repair_marked(repairer, key, mark.token, more, context, arena, ret_outcome, err);
    if (code || *ret_outcome == KEY_TAKEN)
        unmark(repairer, &place, &mark, arena);
    return code;
}
