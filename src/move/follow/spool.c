#include "move/follow/spool.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/timestamp.h"
#include "item/ddbjson.h"
#include "move/follow/by_key.h"
#include "pg/binary_sql.h"

enum { COPY_BYTES_MAX = 256 * 1024 * 1024, ARENA_BYTES_MAX = 256 * 1024 * 1024, NUMBER_BYTES = 24, SPOOL_FIELDS = 8 };

#define MICROSECONDS_PER_SECOND INT64_C(1000000)
#define UNIX_US(column) "coalesce((extract(epoch FROM " column ") * 1000000)::int8, 0)"
#define TIME_OF_UNIX_US(value) "timestamptz 'epoch' + (" value ") * interval '1 microsecond'"

static struct pg_field field_or_null(struct span text)
{
    return text.len ? pg_text_field(text) : PG_NULL;
}

/* Shards ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code add_known(const struct pg_result *rows, size_t row, struct shards *shards, struct err *err)
{
    struct shard *shard;
    TRY(shards_add(shards, pg_result_span(rows, row, 0), pg_result_span(rows, row, 1), pg_result_span(rows, row, 2), &shard,
                   err));
    shard->is_drained = shard->is_ended = pg_result_int64(rows, row, 3) != 0;
    shard->captured_to_us = shard->recorded_to_us = pg_result_int64(rows, row, 4);
    return LF_OK;
}

enum lf_code spool_read_shards(struct pg_conn *conn, struct spool_stream stream, struct shards *shards, struct err *err)
{
    static const char sql[] = "SELECT shard_id, parent_id, sequence_number, is_drained::integer, " UNIX_US(
        "captured_to") " FROM landfall.stream_shard WHERE table_name = $1 AND stream_arn = $2 ORDER BY shard_id";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        TRY(add_known(rows, i, shards, err));
    shards_link(shards);
    return LF_OK;
}

static enum lf_code insert_shard(struct pg_conn *conn, struct spool_stream stream, const struct shard *shard, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.stream_shard (table_name, stream_arn, shard_id, parent_id)"
                              " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn), pg_text_field(shard->id),
                                       field_or_null(shard->parent ? shard->parent_id : span_of(NULL, 0)) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 4 }, &rows, err);
}

static enum lf_code conflict(struct span shard, struct err *err)
{
    return ERR(err, LF_TRANSACTION_CONFLICT, "somebody else reads shard %.*s, too", SPAN_ARG(shard));
}

static enum lf_code drain_shard(struct pg_conn *conn, struct spool_stream stream, const struct shard *shard, struct err *err)
{
    static const char sql[] = "UPDATE landfall.stream_shard SET is_drained = true"
                              " WHERE table_name = $1 AND stream_arn = $2 AND shard_id = $3"
                              " AND sequence_number IS NOT DISTINCT FROM $4";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn), pg_text_field(shard->id),
                                       field_or_null(span_from_cstr(shard->sequence_number)) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 4 }, &rows, err));
    return pg_result_affected(rows) == 1 ? LF_OK : conflict(shard->id, err);
}

enum lf_code spool_write_shards(struct pg_conn *conn, struct spool_stream stream, struct shards *shards, size_t known,
                                struct err *err)
{
    TRY(pg_exec(conn, "BEGIN", err));
    for (size_t i = known; i < shards->count; i++)
        TRY(insert_shard(conn, stream, shards->items[i], err));
    for (size_t i = 0; i < shards->count; i++)
        if (shards->items[i]->may_drain && !shards->items[i]->is_drained)
            TRY(drain_shard(conn, stream, shards->items[i], err));
    TRY(pg_exec(conn, "COMMIT", err));
    for (size_t i = 0; i < shards->count; i++)
        shards->items[i]->is_drained |= shards->items[i]->may_drain;
    return LF_OK;
}

enum lf_code spool_write_captured_to(struct pg_conn *conn, struct spool_stream stream, struct shard *const *shards,
                                     const int64_t *captured_to_us, size_t count, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    arena_init(&arena, ARENA_BYTES_MAX);
    binary_sql_init(&sql, &arena);
    struct pg_field *ids = arena_calloc(&arena, count, sizeof *ids, err);
    if (!ids)
        return err->code;
    for (size_t i = 0; i < count; i++)
        ids[i] = pg_text_field(shards[i]->id);
    binary_sql_put(&sql, "UPDATE landfall.stream_shard AS t SET captured_to = greatest(captured_to, " TIME_OF_UNIX_US(
                             "k.us") ") FROM unnest(");
    binary_sql_array(&sql, ids, count, 1, PG_OID_TEXT, "text");
    binary_sql_put(&sql, ", ");
    binary_sql_int64s(&sql, captured_to_us, count);
    binary_sql_put(&sql, ") AS k (id, us) WHERE t.shard_id = k.id AND t.table_name = ");
    binary_sql_text(&sql, stream.table);
    binary_sql_put(&sql, " AND t.stream_arn = ");
    binary_sql_text(&sql, stream.arn);
    return binary_sql_exec(&sql, conn, NULL, err);
}

enum lf_code spool_write_gap(struct pg_conn *conn, struct spool_stream stream, struct span shard, const char *what,
                             struct err *err)
{
    static const char sql[] =
        "WITH shard AS (UPDATE landfall.stream_shard SET gap = $4"
        "   WHERE table_name = $1 AND stream_arn = $2 AND shard_id = $3 AND gap IS DISTINCT FROM $4 RETURNING 1),"
        " hidden AS (UPDATE landfall.phase SET readable_at = NULL"
        "   WHERE table_name = $1 AND EXISTS (SELECT FROM shard))"
        " INSERT INTO landfall.event (what, detail) SELECT 'gap', pg_catalog.jsonb_build_object("
        "   'table', $1::text, 'stream', $2::text, 'shard', $3::text, 'gap', $4::text) FROM shard";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn), pg_text_field(shard),
                                       pg_text_field(span_from_cstr(what)) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 4 }, &rows, err);
}

enum lf_code spool_heal_gaps(struct pg_conn *conn, struct span table, struct err *err)
{
    static const char sql[] = "UPDATE landfall.stream_shard AS s SET gap = NULL WHERE table_name = $1 AND gap IS NOT NULL"
                              " AND EXISTS (SELECT FROM landfall.parity_run AS r WHERE r.finished_at IS NOT NULL"
                              "   AND s.table_name = ANY (r.tables)"
                              "   AND r.different + r.missing + r.extra = 0 AND r.started_at > (SELECT max(e.at)"
                              "     FROM landfall.event AS e WHERE e.what = 'gap' AND e.detail ->> 'table' = s.table_name))";
    const struct pg_field value = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err);
}

enum lf_code spool_read_gap(struct pg_conn *conn, struct spool_stream stream, struct arena *arena, struct span *ret_gap,
                            struct err *err)
{
    static const char sql[] = "SELECT gap FROM landfall.stream_shard WHERE table_name = $1 AND stream_arn = $2"
                              " AND gap IS NOT NULL ORDER BY shard_id LIMIT 1";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    return arena_copy(arena, pg_result_rows(rows) ? pg_result_span(rows, 0, 0) : span_of(NULL, 0), ret_gap, err);
}

/* Appending ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code put_json(const struct item *item, struct buf *scratch, struct arena *arena, struct pg_field *ret_field,
                             struct err *err)
{
    struct span copy;
    buf_reset(scratch);
    ddbjson_put_item(scratch, item);
    TRY(buf_check(scratch, err));
    TRY(arena_copy(arena, buf_span(scratch), &copy, err));
    *ret_field = (struct pg_field){ copy.ptr, copy.len };
    return LF_OK;
}

/* A flag is one byte, a time eight. */
static enum lf_code put_number(int64_t value, bool is_flag, struct buf *scratch, struct arena *arena, struct pg_field *ret_field,
                               struct err *err)
{
    struct span copy;
    buf_reset(scratch);
    if (is_flag)
        buf_put_byte(scratch, (char)value);
    else
        pg_put_int64(scratch, value);
    TRY(buf_check(scratch, err));
    TRY(arena_copy(arena, buf_span(scratch), &copy, err));
    *ret_field = (struct pg_field){ copy.ptr, copy.len };
    return LF_OK;
}

static enum lf_code put_record(struct spool_stream stream, struct span shard, const struct stream_record *record,
                               struct buf *bytes, struct buf *scratch, struct arena *arena, struct err *err)
{
    int64_t changed_us = (record->created_unix_s - TIMESTAMP_EPOCH_UNIX_SECONDS) * MICROSECONDS_PER_SECOND;
    struct pg_field fields[SPOOL_FIELDS] = { pg_text_field(stream.table), pg_text_field(shard),
                                             pg_text_field(record->sequence_number) };
    TRY(put_json(&record->keys, scratch, arena, &fields[3], err));
    if (record->has_new_image)
        TRY(put_json(&record->new_image, scratch, arena, &fields[4], err));
    TRY(put_number(record->event == STREAM_REMOVE, true, scratch, arena, &fields[5], err));
    TRY(put_number(record->is_expiry, true, scratch, arena, &fields[6], err));
    TRY(put_number(changed_us, false, scratch, arena, &fields[7], err));
    pg_put_copy_row(bytes, fields, SPOOL_FIELDS);
    return LF_OK;
}

static enum lf_code put_records(struct spool_stream stream, struct span shard, const struct stream_records *records,
                                int64_t since_unix_s, struct buf *bytes, size_t *ret_kept, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    BUF_CLEANUP struct buf scratch;
    size_t kept = 0;
    arena_init(&arena, ARENA_BYTES_MAX);
    buf_init(&scratch, COPY_BYTES_MAX);
    pg_put_copy_header(bytes);
    for (size_t i = 0; i < records->count; i++) {
        if (records->records[i].created_unix_s < since_unix_s)
            continue;
        TRY(put_record(stream, shard, &records->records[i], bytes, &scratch, &arena, err));
        kept++;
    }
    pg_put_copy_trailer(bytes);
    *ret_kept = kept;
    return buf_check(bytes, err);
}

static enum lf_code move_shard(struct pg_conn *conn, struct spool_stream stream, const struct spool_move *move, struct err *err)
{
    static const char sql[] = "UPDATE landfall.stream_shard SET sequence_number = $5"
                              " WHERE table_name = $1 AND stream_arn = $2 AND shard_id = $3"
                              " AND sequence_number IS NOT DISTINCT FROM $4";
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn), pg_text_field(move->shard),
                                       field_or_null(move->from), pg_text_field(move->to) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 5 }, &rows, err));
    return pg_result_affected(rows) == 1 ? LF_OK : conflict(move->shard, err);
}

static enum lf_code copy_records(struct pg_conn *conn, const struct buf *bytes, struct err *err)
{
    static const char sql[] = "COPY landfall.spool (table_name, shard_id, sequence_number, key, item, is_removed, is_expiry,"
                              " changed_at) FROM STDIN (FORMAT binary)";
    TRY(pg_copy_in_begin(conn, sql, err));
    TRY(pg_copy_in_put(conn, buf_span(bytes), err));
    return pg_copy_in_end(conn, NULL, err);
}

enum lf_code spool_append(struct pg_conn *conn, struct spool_stream stream, const struct spool_move *move,
                          const struct stream_records *records, int64_t since_unix_s, size_t *ret_kept, struct err *err)
{
    BUF_CLEANUP struct buf bytes;
    size_t kept;
    buf_init(&bytes, COPY_BYTES_MAX);
    TRY(put_records(stream, move->shard, records, since_unix_s, &bytes, &kept, err));
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(move_shard(conn, stream, move, err));
    if (kept)
        TRY(copy_records(conn, &bytes, err));
    TRY(pg_exec(conn, "COMMIT", err));
    *ret_kept = kept;
    return LF_OK;
}

enum lf_code spool_pass(struct pg_conn *conn, struct spool_stream stream, const struct spool_move *move, int64_t captured_to_us,
                        struct err *err)
{
    static const char sql[] = "UPDATE landfall.stream_shard SET sequence_number = $5, captured_to = " TIME_OF_UNIX_US(
        "$6::int8") " WHERE table_name = $1 AND stream_arn = $2 AND shard_id = $3 AND sequence_number IS NOT DISTINCT FROM $4";
    char us[NUMBER_BYTES];
    int len = snprintf(us, sizeof us, "%" PRId64, captured_to_us);
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn), pg_text_field(move->shard),
                                       field_or_null(move->from),   pg_text_field(move->to),   { us, (size_t)len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 6 }, &rows, err));
    return pg_result_affected(rows) == 1 ? LF_OK : conflict(move->shard, err);
}

/* Reading ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code read_item(struct span json, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    struct span copy;
    TRY(arena_copy(arena, json, &copy, err));
    json_init(&reader, copy, arena);
    return ddbjson_read_item(&reader, ret_item, err);
}

static enum lf_code read_record(const struct pg_result *rows, size_t row, struct arena *arena, struct spool_record *record,
                                struct err *err)
{
    *record = (struct spool_record){
        .id = pg_result_int64(rows, row, 0),
        .has_item = pg_result_get(rows, row, 2).data != NULL,
        .is_removed = pg_result_int64(rows, row, 3) != 0,
        .is_expiry = pg_result_int64(rows, row, 4) != 0,
        .changed_unix_us = pg_result_int64(rows, row, 5),
    };
    TRY(read_item(pg_result_span(rows, row, 1), arena, &record->key, err));
    return record->has_item ? read_item(pg_result_span(rows, row, 2), arena, &record->item, err) : LF_OK;
}

/* By bytes as stored, compressed perhaps; the first record in any case. */
static const char read_sql[] = "SELECT id, key, item, is_removed::integer, is_expiry::integer, " UNIX_US(
    "changed_at") " FROM (SELECT *, sum(pg_catalog.pg_column_size(item)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes"
                  "   FROM (SELECT * FROM landfall.spool WHERE table_name = $1 AND id > $2 ORDER BY id LIMIT $3) AS oldest) AS "
                  "sized"
                  " WHERE coalesce(bytes, 0) <= $4 OR id = (SELECT min(id) FROM landfall.spool WHERE table_name = $1 AND id > "
                  "$2) ORDER BY id";

enum lf_code spool_read(struct pg_conn *conn, struct span table, int64_t after, struct arena *arena,
                        struct spool_batch *ret_batch, struct err *err)
{
    char numbers[3][NUMBER_BYTES];
    const int64_t limits[] = { after, SPOOL_BATCH_RECORDS, SPOOL_BATCH_BYTES };
    struct pg_field values[4] = { pg_text_field(table) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    for (size_t i = 0; i < 3; i++)
        values[1 + i] = (struct pg_field){ numbers[i], (size_t)snprintf(numbers[i], NUMBER_BYTES, "%" PRId64, limits[i]) };
    TRY(pg_exec(conn, BY_KEY_BEGIN, err));
    TRY(pg_query(conn, read_sql, &(struct pg_params){ .values = values, .count = 4 }, &rows, err));
    TRY(pg_exec(conn, BY_KEY_END, err));
    struct spool_batch batch = { .count = pg_result_rows(rows) };
    batch.records = arena_calloc(arena, batch.count, sizeof *batch.records, err);
    if (!batch.records)
        return err->code;
    for (size_t i = 0; i < batch.count; i++)
        TRY(read_record(rows, i, arena, &batch.records[i], err));
    *ret_batch = batch;
    return LF_OK;
}

enum lf_code spool_delete(struct pg_conn *conn, struct span table, const struct spool_batch *batch, const bool *is_done,
                          struct arena *arena, struct err *err)
{
    size_t count = 0;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    int64_t *ids = arena_calloc(arena, batch->count, sizeof *ids, err);
    if (!ids)
        return err->code;
    for (size_t i = 0; i < batch->count; i++)
        if (is_done[i])
            ids[count++] = batch->records[i].id;
    if (!count)
        return LF_OK;
    binary_sql_put(&sql, "DELETE FROM landfall.spool WHERE table_name = ");
    binary_sql_text(&sql, table);
    binary_sql_put(&sql, " AND id = ANY (");
    binary_sql_int64s(&sql, ids, count);
    binary_sql_put(&sql, ")");
    TRY(pg_exec(conn, BY_KEY_BEGIN, err));
    TRY(binary_sql_exec(&sql, conn, NULL, err));
    return pg_exec(conn, BY_KEY_END, err);
}
