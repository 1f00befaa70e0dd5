#include "move/late_take.h"

#include "item/ddbjson.h"
#include "map/key_group.h"
#include "move/follow/key_writer.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024 };

enum field { FIELD_ID, FIELD_TABLE, FIELD_KEY, FIELD_ITEM, FIELD_IS_REMOVED, FIELD_IS_OURS, FIELD_MOVED };

struct taking {
    struct pg_conn *conn;
    const struct map *map;
    struct arena *arena;
    const struct pg_result *rows;
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

static enum lf_code read_change(const struct taking *taking, size_t row, const struct map_table *table, struct item *item,
                                struct key_change *ret_change, struct err *err)
{
    struct item key;
    struct span json = text_at(taking, row, FIELD_ITEM);
    TRY(read_item(taking, text_at(taking, row, FIELD_KEY), &key, err));
    TRY(check_key(taking, row, table, &key, err));
    TRY(key_of_item(&table->key, &key, taking->arena, &ret_change->key, err));
    ret_change->item = NULL;
    if (pg_result_int64(taking->rows, row, FIELD_IS_REMOVED))
        return LF_OK;
    if (!json.len)
        return ERR(
            err, LF_PRECONDITION,
            "late write %s: the stream of table %.*s does not say what was written. Look at the item in DynamoDB, write what "
            "is to be kept by SQL or through a gateway, and drop it",
            pg_result_text(taking->rows, row, FIELD_ID), SPAN_ARG(table->name));
    ret_change->item = item;
    return read_item(taking, json, item, err);
}

static enum lf_code write_row(const struct taking *taking, const struct map_table *table, const struct key_change *change,
                              struct err *err)
{
    struct key_writer writer;
    TRY(key_writer_init(&writer, taking->map, table, taking->conn, err));
    enum lf_code code = key_writer_write(&writer, change, 1, taking->arena, err);
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

static enum lf_code take_one(const struct taking *taking, size_t row, struct err *err)
{
    const struct map_table *table;
    struct item item;
    struct key_change change;
    TRY(find_table(taking, row, &table, err));
    TRY(read_change(taking, row, table, &item, &change, err));
    TRY(write_row(taking, table, &change, err));
    return resolve(taking, row, err);
}

enum lf_code late_take(struct pg_conn *conn, const struct map *map, struct span id, uint64_t *ret_taken, struct err *err)
{
    static const char sql[] = "SELECT w.id, w.table_name, w.key, w.item, w.is_removed::integer, (p.phase = 'postgres')::integer, "
                              "coalesce(array_to_string(p.moved_entities, E'\\n'), '') FROM landfall.late_write w JOIN "
                              "landfall.phase p USING (table_name) WHERE w.resolved_at IS NULL "
                              "AND ($1::bigint IS NULL OR w.id = $1::bigint) ORDER BY w.id FOR UPDATE OF w FOR SHARE OF p";
    const struct pg_field value = { id.len ? id.ptr : NULL, id.len };
    ARENA_CLEANUP struct arena arena;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    arena_init(&arena, ARENA_BYTES_MAX);
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    const struct taking taking = { conn, map, &arena, rows };
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        TRY(take_one(&taking, i, err));
    *ret_taken = pg_result_rows(rows);
    return pg_exec(conn, "COMMIT", err);
}
