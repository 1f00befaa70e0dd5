#include "move/late_take.h"

#include "item/ddbjson.h"
#include "item/key_lock.h"
#include "map/key_group.h"
#include "move/follow/key_writer.h"
#include "pg/binary_sql.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024 };

enum field { FIELD_ID, FIELD_TABLE, FIELD_KEY, FIELD_ITEM, FIELD_IS_REMOVED, FIELD_IS_OURS, FIELD_MOVED, FIELD_TABLE_ID };

struct late_write {
    const struct map_table *table;
    struct key_change change;
    struct item item;
};

struct taking {
    struct pg_conn *conn;
    const struct map *map;
    struct arena *arena;
    const struct pg_result *rows;
    struct late_write *writes; /* of each row */
};

static struct span text_at(const struct taking *taking, size_t row, enum field at)
{
    return pg_result_span(taking->rows, row, at);
}

static enum lf_code read_item(const struct taking *taking, struct span json, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    json_init(&reader, json, taking->arena);
    return ddbjson_read_item(&reader, ret_item, err);
}

/* The row is held, so nothing changes the phase until the transaction ends. */
static enum lf_code find_table(const struct taking *taking, size_t row, const struct map_table **ret_table, struct err *err)
{
    struct span name = text_at(taking, row, FIELD_TABLE);
    const char *id = pg_result_text(taking->rows, row, FIELD_ID);
    if (!pg_result_int64(taking->rows, row, FIELD_IS_OURS))
        return ERR(err, LF_PRECONDITION, "late write %s: PostgreSQL has not the authority over table %.*s", id, SPAN_ARG(name));
    *ret_table = map_find_table(taking->map, name);
    if (!*ret_table)
        return ERR(err, LF_PRECONDITION, "late write %s: the map has no table %.*s", id, SPAN_ARG(name));
    return LF_OK;
}

/* Of a mixed table: also over the key. */
static enum lf_code check_key(const struct taking *taking, size_t row, const struct map_table *table, const struct item *key,
                              struct err *err)
{
    struct key_group moved;
    struct span names = text_at(taking, row, FIELD_MOVED);
    TRY(key_group_make(table, names, taking->arena, &moved, err));
    if (names.len && !key_group_has(&moved, key))
        return ERR(err, LF_PRECONDITION, "late write %s: DynamoDB has the authority over its key again; drop it",
                   pg_result_text(taking->rows, row, FIELD_ID));
    return LF_OK;
}

static enum lf_code read_write(const struct taking *taking, size_t row, struct late_write *write, struct err *err)
{
    struct item key;
    struct span json = text_at(taking, row, FIELD_ITEM);
    TRY(find_table(taking, row, &write->table, err));
    TRY(read_item(taking, text_at(taking, row, FIELD_KEY), &key, err));
    TRY(check_key(taking, row, write->table, &key, err));
    TRY(key_of_item(&write->table->key, &key, taking->arena, &write->change.key, err));
    if (pg_result_int64(taking->rows, row, FIELD_IS_REMOVED))
        return LF_OK;
    if (!json.len)
        return ERR(
            err, LF_PRECONDITION,
            "late write %s: the stream of table %.*s does not say what was written. Look at the item in DynamoDB, write what "
            "is to be kept by SQL or through a gateway, and drop it",
            pg_result_text(taking->rows, row, FIELD_ID), SPAN_ARG(write->table->name));
    write->change.item = &write->item;
    return read_item(taking, json, &write->item, err);
}

static enum lf_code read_writes(struct taking *taking, struct err *err)
{
    size_t count = pg_result_rows(taking->rows);
    taking->writes = arena_calloc(taking->arena, count, sizeof *taking->writes, err);
    if (!taking->writes)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(read_write(taking, i, &taking->writes[i], err));
    return LF_OK;
}

/* Before the keys, as a gateway does that takes both. */
static enum lf_code lock_tables(const struct taking *taking, struct err *err)
{
    for (size_t i = 0; i < taking->map->table_count; i++)
        for (size_t row = 0; row < pg_result_rows(taking->rows); row++)
            if (taking->writes[row].table == &taking->map->tables[i]) {
                TRY(key_writer_lock(taking->conn, taking->map->tables[i].name, err));
                break;
            }
    return LF_OK;
}

static enum lf_code lock_keys(const struct taking *taking, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    size_t count = pg_result_rows(taking->rows);
    int64_t *ids = arena_calloc(taking->arena, count, sizeof *ids, err);
    if (!ids)
        return err->code;
    for (size_t i = 0; i < count; i++)
        ids[i] = key_lock_id(pg_result_int64(taking->rows, i, FIELD_TABLE_ID), &taking->writes[i].change.key);
    binary_sql_init(&sql, taking->arena);
    binary_sql_put(&sql, "SELECT count(pg_catalog.pg_advisory_xact_lock(k.id)) FROM (SELECT id FROM unnest(");
    binary_sql_int64s(&sql, ids, count);
    binary_sql_put(&sql, ") AS u (id) ORDER BY id) AS k");
    return binary_sql_exec(&sql, taking->conn, NULL, err);
}

static enum lf_code write_row(const struct taking *taking, const struct late_write *write, struct err *err)
{
    struct key_writer writer;
    TRY(key_writer_init(&writer, taking->map, write->table, taking->conn, err));
    enum lf_code code = key_writer_write(&writer, &write->change, 1, taking->arena, err);
    key_writer_done(&writer);
    return code;
}

static enum lf_code resolve(const struct taking *taking, size_t row, struct err *err)
{
    struct pg_field id = pg_result_get(taking->rows, row, FIELD_ID);
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(taking->conn,
                    "UPDATE landfall.late_write SET resolved_at = clock_timestamp(), resolution = 'taken' WHERE id = $1",
                    &(struct pg_params){ .values = &id, .count = 1 }, &result, err);
}

/* Rows are looked for after the keys are locked, so that nobody makes them in another table meanwhile. */
static enum lf_code take_rows(struct taking *taking, struct err *err)
{
    size_t count = pg_result_rows(taking->rows);
    TRY(read_writes(taking, err));
    TRY(lock_tables(taking, err));
    if (count)
        TRY(lock_keys(taking, err));
    for (size_t i = 0; i < count; i++) {
        TRY(write_row(taking, &taking->writes[i], err));
        TRY(resolve(taking, i, err));
    }
    return LF_OK;
}

_Static_assert(LATE_TAKE_BATCH == 500, "as in the statement");

/* One transaction. */
static enum lf_code take_some(struct pg_conn *conn, const struct map *map, struct span id, size_t *ret_taken, struct err *err)
{
    static const char sql[] = "SELECT w.id, w.table_name, w.key, w.item, w.is_removed::integer, (p.phase = 'postgres')::integer, "
                              "coalesce(array_to_string(p.moved_entities, E'\n'), ''), coalesce((SELECT d.id FROM "
                              "landfall.dynamodb_table d WHERE d.name = w.table_name), 0) FROM landfall.late_write w JOIN "
                              "landfall.phase p USING (table_name) WHERE w.resolved_at IS NULL AND ($1::bigint IS NULL OR w.id = "
                              "$1::bigint) ORDER BY w.id LIMIT 500 FOR UPDATE OF w FOR SHARE OF p";
    const struct pg_field value = { id.len ? id.ptr : NULL, id.len };
    ARENA_CLEANUP struct arena arena;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    arena_init(&arena, ARENA_BYTES_MAX);
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    struct taking taking = { .conn = conn, .map = map, .arena = &arena, .rows = rows };
    TRY(take_rows(&taking, err));
    *ret_taken = pg_result_rows(rows);
    return pg_exec(conn, "COMMIT", err);
}

enum lf_code late_take(struct pg_conn *conn, const struct map *map, struct span id, uint64_t *ret_taken, struct err *err)
{
    size_t taken = LATE_TAKE_BATCH;
    for (*ret_taken = 0; taken == LATE_TAKE_BATCH; *ret_taken += taken)
        TRY(take_some(conn, map, id, &taken, err));
    return LF_OK;
}
