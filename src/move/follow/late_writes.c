#include "move/follow/late_writes.h"

#include "item/canonical.h"
#include "item/ddbjson.h"
#include "map/key_group.h"
#include "move/item_row.h"
#include "move/key_asks.h"
#include "pg/binary_sql.h"

enum { JSON_BYTES_MAX = 16 * 1024 * 1024, IMAGE_BYTES = 16 };

/* A record, or one of several things about it, as fields of statements. */
enum field { FIELD_NUMBER, FIELD_H, FIELD_SK, FIELD_IMAGE, FIELD_KEY, FIELD_CHANGED, FIELD_ENTITY, FIELDS };

struct finding {
    struct key_writer *writer;
    struct dynamodb *client;
    const struct spool_batch *batch;
    struct arena *arena;
    struct pg_field *fields; /* FIELDS of each record */
    struct key *keys;        /* of each record, as the next two */
    bool *is_explained;
    bool *may_be_ours; /* gateways can have made it before the authority changed */
    struct key_rows rows;
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

static enum lf_code put_fields(struct finding *finding, size_t at, const struct key *key, struct err *err)
{
    const struct spool_record *record = &finding->batch->records[at];
    struct pg_field *fields = &finding->fields[FIELDS * at];
    const struct entity *entity = key_group_entity(finding->writer->table, &record->key);
    struct item_row_place place;
    struct span json, number, changed;
    TRY(item_row_place(key, finding->arena, &place, err));
    TRY(arena_printf(finding->arena, &number, err, "%zu", at));
    TRY(arena_printf(finding->arena, &changed, err, "%lld", (long long)record->changed_unix_us));
    TRY(ddbjson_item_text(&record->key, JSON_BYTES_MAX, finding->arena, &json, err));
    fields[FIELD_KEY] = pg_text_field(json);
    fields[FIELD_CHANGED] = (struct pg_field){ changed.ptr, changed.len };
    fields[FIELD_ENTITY] = entity ? pg_text_field(entity->name) : (struct pg_field){ "", 0 };
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

/* `item` NULL: there is none. */
static bool is_row(const struct key_rows *rows, size_t at, const struct item *item)
{
    size_t count = key_rows_count(rows, at);
    return item ? count == 1 && item_equal(item, &rows->items[rows->first[at]]) : count == 0;
}

static enum lf_code explain_by_rows(struct finding *finding, struct err *err)
{
    const struct key_writer *writer = finding->writer;
    TRY(key_rows_find(writer->conn, writer->map, writer->table, finding->keys, finding->batch->count, KEY_ROWS_ITEMS,
                      finding->arena, &finding->rows, err));
    for (size_t i = 0; i < finding->batch->count; i++) {
        const struct spool_record *record = &finding->batch->records[i];
        if (record->has_item || record->is_removed)
            finding->is_explained[i] |= is_row(&finding->rows, i, record->has_item ? &record->item : NULL);
    }
    return LF_OK;
}

#define CHANGED_SINCE                                                                                                     \
    "EXISTS (SELECT FROM landfall.reverse_sent AS s WHERE s.table_name = p.table_name AND s.h = k.h AND s.sk = k.sk) OR " \
    "EXISTS (SELECT FROM landfall.reverse_change AS c WHERE c.table_name = p.table_name AND CASE WHEN c.key::text LIKE "  \
    "'%\\\\u0000%' OR k.key LIKE '%\\\\u0000%' THEN true ELSE c.key::jsonb @> k.key::jsonb END)"

/* Records of writes that gateways made on both sides shortly before the authority changed come after it: their rows are equal, or
 * have been changed since. Asked after the rows were read, so that no change comes between. */
static enum lf_code explain_by_changes(struct finding *finding, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "SELECT k.n, (" CHANGED_SINCE ")::integer::text FROM unnest(");
    put_key_arrays(&sql, finding);
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_KEY, finding->batch->count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_CHANGED, finding->batch->count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, finding->fields + FIELD_ENTITY, finding->batch->count, FIELDS, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ") AS k (n, h, sk, key, changed, entity), landfall.phase AS p WHERE p.table_name = ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(&sql, " AND timestamptz 'epoch' + k.changed::bigint * interval '1 microsecond' < coalesce((p.moved_since ->> "
                         "k.entity)::timestamptz, p.flipped_at) + interval '2 seconds'");
    TRY(binary_sql_query(&sql, finding->writer->conn, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        finding->may_be_ours[number_at(rows, i)] = true;
        finding->is_explained[number_at(rows, i)] |= *pg_result_text(rows, i, 1) == '1';
    }
    return LF_OK;
}

/* The last record of the key in the batch. */
static size_t last_of_key(const struct finding *finding, size_t at)
{
    size_t last = at;
    for (size_t i = at + 1; i < finding->batch->count; i++)
        if (span_equal(finding->keys[i].partition, finding->keys[at].partition) &&
            span_equal(finding->keys[i].sort, finding->keys[at].sort))
            last = i;
    return last;
}

static enum lf_code ask_dynamodb(struct finding *finding, size_t at, struct err *err)
{
    struct item item;
    bool is_there;
    TRY(dynamodb_get_item(finding->client, finding->writer->table->name, &finding->batch->records[at].key, finding->arena, &item,
                          &is_there, NULL, err));
    finding->is_explained[at] = is_row(&finding->rows, at, is_there ? &item : NULL);
    return LF_OK;
}

/* Of several writes of a key on both sides only the last is in the row, and its record may not have come yet. None is news if
 * both sides have the same. */
static enum lf_code explain_by_both_sides(struct finding *finding, bool *ret_asked, struct err *err)
{
    *ret_asked = false;
    for (size_t i = finding->batch->count; i-- > 0;) {
        if (finding->is_explained[i] || !finding->may_be_ours[i])
            continue;
        size_t last = last_of_key(finding, i);
        if (last == i)
            TRY(ask_dynamodb(finding, i, err));
        finding->is_explained[i] = finding->is_explained[last];
        *ret_asked = true;
    }
    return LF_OK;
}

/* A row that was changed while DynamoDB was asked is in reverse sync by now. */
static enum lf_code explain_what_may_be_ours(struct finding *finding, struct err *err)
{
    bool has_asked;
    TRY(explain_by_changes(finding, err));
    TRY(explain_by_both_sides(finding, &has_asked, err));
    return has_asked ? explain_by_changes(finding, err) : LF_OK;
}

static enum lf_code note_late(const struct finding *finding, size_t at, struct err *err)
{
    const struct spool_record *record = &finding->batch->records[at];
    struct pg_field item = PG_NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, finding->arena);
    binary_sql_put(&sql, "INSERT INTO landfall.late_write (table_name, key, item, is_removed, changed_at) SELECT ");
    binary_sql_text(&sql, finding->writer->table->name);
    binary_sql_put(&sql, ", ");
    binary_sql_param(&sql, finding->fields[FIELDS * at + FIELD_KEY], "json");
    binary_sql_put(&sql, ", ");
    if (record->has_item) {
        struct span json;
        TRY(ddbjson_item_text(&record->item, JSON_BYTES_MAX, finding->arena, &json, err));
        item = pg_text_field(json);
    }
    binary_sql_param(&sql, item, "json");
    binary_sql_put(&sql, record->is_removed ? ", true, timestamptz 'epoch' + " : ", false, timestamptz 'epoch' + ");
    binary_sql_int64(&sql, record->changed_unix_us);
    binary_sql_put(&sql, " * interval '1 microsecond'");
    return binary_sql_exec(&sql, finding->writer->conn, NULL, err);
}

static enum lf_code keep_unexplained(const struct finding *finding, size_t *ret_late, struct err *err)
{
    const struct key_writer *writer = finding->writer;
    *ret_late = 0;
    for (size_t i = 0; i < finding->batch->count; i++) {
        const struct spool_record *record = &finding->batch->records[i];
        if (finding->is_explained[i])
            continue;
        TRY(record->is_expiry ? key_asks_gateways(writer->conn, writer->table->name, &record->key, 1, err)
                              : note_late(finding, i, err));
        *ret_late += !record->is_expiry;
    }
    return LF_OK;
}

static enum lf_code prepare(struct finding *finding, struct err *err)
{
    size_t count = finding->batch->count;
    finding->keys = arena_calloc(finding->arena, count, sizeof *finding->keys, err);
    finding->fields = finding->keys ? arena_calloc(finding->arena, count, FIELDS * sizeof *finding->fields, err) : NULL;
    finding->is_explained = finding->fields ? arena_calloc(finding->arena, count, sizeof *finding->is_explained, err) : NULL;
    finding->may_be_ours = finding->is_explained ? arena_calloc(finding->arena, count, sizeof *finding->may_be_ours, err) : NULL;
    if (!finding->may_be_ours)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct key_schema *schema = &finding->writer->table->key;
        TRY(key_of_item(schema, &finding->batch->records[i].key, finding->arena, &finding->keys[i], err));
        TRY(put_fields(finding, i, &finding->keys[i], err));
    }
    return LF_OK;
}

enum lf_code late_writes_find(struct key_writer *writer, struct dynamodb *client, const struct spool_batch *batch,
                              struct arena *arena, size_t *ret_late, struct err *err)
{
    struct finding finding = { .writer = writer, .client = client, .batch = batch, .arena = arena };
    TRY(prepare(&finding, err));
    TRY(explain_by_sent(&finding, err));
    TRY(explain_by_rows(&finding, err));
    TRY(explain_what_may_be_ours(&finding, err));
    return keep_unexplained(&finding, ret_late, err);
}
