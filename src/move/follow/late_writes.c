#include "move/follow/late_writes.h"

#include "item/canonical.h"
#include "item/ddbjson.h"
#include "move/item_row.h"
#include "pg/binary_sql.h"

enum { JSON_BYTES_MAX = 16 * 1024 * 1024, IMAGE_BYTES = 16 };

/* A record, or one of several things about it, as fields of statements. */
enum field { FIELD_NUMBER, FIELD_H, FIELD_SK, FIELD_IMAGE, FIELD_KEY, FIELD_CHANGED, FIELDS };

struct finding {
    struct key_writer *writer;
    const struct spool_batch *batch;
    struct arena *arena;
    struct pg_field *fields; /* FIELDS of each record */
    bool *is_explained;      /* of each record */
};

enum lf_code late_writes_image(const struct item *item, struct arena *arena, struct pg_field *ret_image, struct err *err)
{
    struct hash128 hash = item_hash(item);
    struct buf bytes;
    struct span copy;
    buf_init(&bytes, IMAGE_BYTES);
    pg_put_int64(&bytes, (int64_t)hash.high);
    pg_put_int64(&bytes, (int64_t)hash.low);
    enum lf_code code = buf_check(&bytes, err);
    if (!code)
        code = arena_copy(arena, buf_span(&bytes), &copy, err);
    buf_done(&bytes);
    TRY(code);
    *ret_image = (struct pg_field){ copy.ptr, copy.len };
    return LF_OK;
}

static enum lf_code json_field(const struct item *item, struct arena *arena, struct pg_field *ret_json, struct err *err)
{
    BUF_CLEANUP struct buf json;
    struct span copy;
    buf_init(&json, JSON_BYTES_MAX);
    ddbjson_put_item(&json, item);
    TRY(buf_check(&json, err));
    TRY(arena_copy(arena, buf_span(&json), &copy, err));
    *ret_json = (struct pg_field){ copy.ptr, copy.len };
    return LF_OK;
}

static enum lf_code put_fields(struct finding *finding, size_t at, const struct key *key, struct err *err)
{
    const struct spool_record *record = &finding->batch->records[at];
    struct pg_field *fields = &finding->fields[FIELDS * at];
    struct item_row_place place;
    struct span number, changed;
    TRY(item_row_place(key, finding->arena, &place, err));
    TRY(arena_printf(finding->arena, &number, err, "%zu", at));
    TRY(arena_printf(finding->arena, &changed, err, "%lld", (long long)record->changed_unix_us));
    TRY(json_field(&record->key, finding->arena, &fields[FIELD_KEY], err));
    fields[FIELD_CHANGED] = (struct pg_field){ changed.ptr, changed.len };
    fields[FIELD_NUMBER] = (struct pg_field){ number.ptr, number.len };
    fields[FIELD_H] = place.h;
    fields[FIELD_SK] = place.sk;
    if (record->has_item)
        return late_writes_image(&record->item, finding->arena, &fields[FIELD_IMAGE], err);
    fields[FIELD_IMAGE] = record->is_removed ? PG_NULL : (struct pg_field){ "", 0 };
    return LF_OK;
}

static void put_key_arrays(struct binary_sql *sql, const struct finding *finding)
{
    size_t count = finding->batch->count;
    binary_sql_array(sql, finding->fields + FIELD_NUMBER, count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, finding->fields + FIELD_H, count, FIELDS, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, finding->fields + FIELD_SK, count, FIELDS, PG_OID_BYTEA, "bytea");
}

static size_t number_at(const struct pg_result *rows, size_t row)
{
    return (size_t)pg_result_int64(rows, row, 0); /* text in either format */
}

/* Of a record without image, which is empty here, no more can be told than that something was sent for its key. */
static enum lf_code explain_by_sent(struct finding *finding, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "SELECT k.n FROM unnest(");
    put_key_arrays(&sql, finding);
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_IMAGE, finding->batch->count, FIELDS, PG_OID_BYTEA, "bytea");
    binary_sql_put(&sql, ") AS k (n, h, sk, image) WHERE EXISTS (SELECT FROM landfall.reverse_sent AS s WHERE s.h = k.h"
                         " AND s.sk = k.sk AND (s.image IS NOT DISTINCT FROM k.image OR k.image = '') AND s.table_name = ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(&sql, ")");
    TRY(binary_sql_query(&sql, finding->writer->conn, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        finding->is_explained[number_at(rows, i)] = true;
    return LF_OK;
}

static bool is_equal(const struct spool_record *record, const struct key_rows *rows, size_t at)
{
    size_t count = key_rows_count(rows, at);
    if (record->is_removed)
        return count == 0;
    return record->has_item && count == 1 && item_equal(&record->item, &rows->items[rows->first[at]]);
}

static enum lf_code explain_by_rows(struct finding *finding, const struct key *keys, struct err *err)
{
    struct key_rows rows;
    const struct key_writer *writer = finding->writer;
    TRY(key_rows_find(writer->conn, writer->map, writer->table, keys, finding->batch->count, KEY_ROWS_ITEMS, finding->arena,
                      &rows, err));
    for (size_t i = 0; i < finding->batch->count; i++)
        finding->is_explained[i] |= is_equal(&finding->batch->records[i], &rows, i);
    return LF_OK;
}

/* Records of writes that gateways made on both sides shortly before the authority changed come after it: their rows are equal, or
 * have been changed since. Asked after the rows were read, so that no change comes between. */
static enum lf_code explain_by_changes(struct finding *finding, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "SELECT k.n FROM unnest(");
    put_key_arrays(&sql, finding);
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_KEY, finding->batch->count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_CHANGED, finding->batch->count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ") AS k (n, h, sk, key, changed), landfall.phase AS p WHERE p.table_name = ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(
        &sql, " AND timestamptz 'epoch' + k.changed::bigint * interval '1 microsecond' < p.flipped_at + interval '2 seconds' AND "
              "(EXISTS (SELECT FROM landfall.reverse_sent AS s WHERE s.table_name = p.table_name AND s.h = k.h AND s.sk = k.sk) "
              "OR EXISTS (SELECT FROM landfall.reverse_change AS c WHERE c.table_name = p.table_name AND CASE WHEN "
              "c.key::text LIKE '%\\\\u0000%' OR k.key LIKE '%\\\\u0000%' THEN true ELSE c.key::jsonb @> k.key::jsonb END))");
    TRY(binary_sql_query(&sql, finding->writer->conn, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        finding->is_explained[number_at(rows, i)] = true;
    return LF_OK;
}

/* Reverse sync sends the key as it then is. */
static enum lf_code send_again(const struct finding *finding, size_t at, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "INSERT INTO landfall.reverse_change (table_name, key) SELECT ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(&sql, ", ");
    binary_sql_param(&sql, finding->fields[FIELDS * at + FIELD_KEY], "json");
    return binary_sql_exec(&sql, finding->writer->conn, NULL, err);
}

static enum lf_code note_late(const struct finding *finding, size_t at, struct err *err)
{
    const struct spool_record *record = &finding->batch->records[at];
    struct pg_field item = PG_NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "INSERT INTO landfall.late_write (table_name, key, item, changed_at) SELECT ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(&sql, ", ");
    binary_sql_param(&sql, finding->fields[FIELDS * at + FIELD_KEY], "json");
    binary_sql_put(&sql, ", ");
    if (record->has_item)
        TRY(json_field(&record->item, finding->arena, &item, err));
    binary_sql_param(&sql, item, "json");
    binary_sql_put(&sql, ", timestamptz 'epoch' + ");
    binary_sql_int64(&sql, record->changed_unix_us);
    binary_sql_put(&sql, " * interval '1 microsecond'");
    return binary_sql_exec(&sql, finding->writer->conn, NULL, err);
}

static enum lf_code keep_unexplained(const struct finding *finding, size_t *ret_late, struct err *err)
{
    *ret_late = 0;
    for (size_t i = 0; i < finding->batch->count; i++) {
        const struct spool_record *record = &finding->batch->records[i];
        if (finding->is_explained[i])
            continue;
        TRY(record->is_expiry ? send_again(finding, i, err) : note_late(finding, i, err));
        *ret_late += !record->is_expiry;
    }
    return LF_OK;
}

enum lf_code late_writes_find(struct key_writer *writer, const struct spool_batch *batch, struct arena *arena, size_t *ret_late,
                              struct err *err)
{
    struct finding finding = { .writer = writer, .batch = batch, .arena = arena };
    struct key *keys = arena_calloc(arena, batch->count, sizeof *keys, err);
    finding.fields = keys ? arena_calloc(arena, batch->count, FIELDS * sizeof *finding.fields, err) : NULL;
    finding.is_explained = finding.fields ? arena_calloc(arena, batch->count, sizeof *finding.is_explained, err) : NULL;
    if (!finding.is_explained)
        return err->code;
    for (size_t i = 0; i < batch->count; i++) {
        TRY(key_of_item(&writer->table->key, &batch->records[i].key, arena, &keys[i], err));
        TRY(put_fields(&finding, i, &keys[i], err));
    }
    TRY(explain_by_sent(&finding, err));
    TRY(explain_by_rows(&finding, keys, err));
    TRY(explain_by_changes(&finding, err));
    return keep_unexplained(&finding, ret_late, err);
}
