#include "gateway/stream/stream.h"

#include <stdio.h>

#include "codec/base64.h"
#include "gateway/table.h"

enum { INCARNATION = 1, NUMBER_DIGITS = 20, ITERATOR_BYTES_MAX = 1024 };

/* Numbers and shards
 * ---------------------------------------------------------------------------------------------------------------- */

void stream_number_text(int64_t number, char text[STREAM_NUMBER_TEXT_BYTES])
{
    (void)snprintf(text, STREAM_NUMBER_TEXT_BYTES, "%d%020lld", INCARNATION, (long long)number);
}

static bool read_integer(struct span digits, int64_t *ret_value)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || value > (INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (digits.ptr[i] - '0');
    }
    *ret_value = value;
    return digits.len > 0;
}

enum lf_code stream_number_read(struct span text, int64_t *ret_number, struct err *err)
{
    if (text.len != NUMBER_DIGITS + 1 || !read_integer(span_from(text, 1), ret_number))
        return ERR(err, LF_VALIDATION, "Invalid SequenceNumber: %.*s", SPAN_ARG(text));
    return LF_OK;
}

void stream_shard_text(const struct table *table, unsigned shard, char text[STREAM_SHARD_TEXT_BYTES])
{
    (void)snprintf(text, STREAM_SHARD_TEXT_BYTES, "shardId-%020lld-%08x", (long long)table->created_ms, shard);
}

enum lf_code stream_shard_read(const struct table *table, struct span text, unsigned *ret_shard, struct err *err)
{
    char shard_text[STREAM_SHARD_TEXT_BYTES];
    for (unsigned shard = 0; shard < STREAM_SHARDS; shard++) {
        stream_shard_text(table, shard, shard_text);
        if (span_equal(text, span_from_cstr(shard_text))) {
            *ret_shard = shard;
            return LF_OK;
        }
    }
    return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Shard: %.*s in Stream: %.*s%.*s/stream/%.*s not found",
               SPAN_ARG(text), SPAN_ARG(TABLE_ARN_PREFIX), SPAN_ARG(table->name), SPAN_ARG(table->stream_label));
}

/* Streams
 * ---------------------------------------------------------------------------------------------------------------------------- */

struct span stream_view_name(enum api_stream_view_type view)
{
    static const char *const names[] = {
        [API_STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES] = "NEW_AND_OLD_IMAGES",
        [API_STREAM_VIEW_TYPE_OLD_IMAGE] = "OLD_IMAGE",
        [API_STREAM_VIEW_TYPE_NEW_IMAGE] = "NEW_IMAGE",
        [API_STREAM_VIEW_TYPE_KEYS_ONLY] = "KEYS_ONLY",
    };
    return span_from_cstr(names[view]);
}

enum lf_code stream_put_arn(struct arena *arena, const struct table *table, struct span *ret_arn, struct err *err)
{
    return arena_printf(arena, ret_arn, err, "%.*s/stream/%.*s", SPAN_ARG(table->arn), SPAN_ARG(table->stream_label));
}

struct span stream_label_of(struct span arn)
{
    static const struct span mark = { "/stream/", 8 };
    return span_from(arn, span_find(arn, mark) + mark.len);
}

bool stream_is_dynamodbs(const struct call *call, const struct table *table)
{
    const struct table_move *move = &table->move;
    return call->worker->upstream && move->has_phase && move->phase == PHASE_POSTGRES && move->stream_view.len &&
           table->stream == API_STREAM_VIEW_TYPE_UNSET;
}

static enum lf_code refuse(struct span arn, struct err *err)
{
    return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Stream: %.*s not found", SPAN_ARG(arn));
}

enum lf_code stream_find(struct call *call, struct span arn, const struct table **ret_table, struct err *err)
{
    struct span name;
    const struct table *table = NULL;
    struct span label = stream_label_of(arn);
    if (!shape_table_name(arn, &name) || !span_starts_with(arn, SPAN("arn:")) || !label.len)
        return ERR(err, LF_VALIDATION, "Invalid StreamArn");
    if (catalog_get(call->worker->catalog, call->worker->db, name, &table, err))
        return err->code == LF_RESOURCE_NOT_FOUND ? refuse(arn, err) : err->code;
    if (!span_equal(table->stream_label, label)) {
        table_unref(table);
        return refuse(arn, err);
    }
    *ret_table = table;
    return LF_OK;
}

/* Iterators
 * -------------------------------------------------------------------------------------------------------------------------- */

enum lf_code stream_iterator_text(const struct stream_iterator *iterator, struct arena *arena, struct span *ret_text,
                                  struct err *err)
{
    struct span plain;
    struct buf text;
    TRY(arena_printf(arena, &plain, err, "%.*s|%.*s|%u|%lld|%lld", SPAN_ARG(iterator->table_name), SPAN_ARG(iterator->label),
                     iterator->shard, (long long)iterator->number, (long long)iterator->issued_ms));
    buf_init(&text, ITERATOR_BYTES_MAX);
    base64_put(&text, plain);
    enum lf_code code = buf_check(&text, err);
    if (!code)
        code = arena_copy(arena, buf_span(&text), ret_text, err);
    buf_done(&text);
    return code;
}

static struct span cut_field(struct span *rest)
{
    size_t at = span_find_byte(*rest, '|');
    struct span field = span_of(rest->ptr, at);
    *rest = span_from(*rest, at + 1);
    return field;
}

static bool read_fields(struct span plain, struct stream_iterator *ret_iterator)
{
    int64_t shard = 0;
    struct stream_iterator iterator = { .table_name = cut_field(&plain), .label = cut_field(&plain) };
    if (!read_integer(cut_field(&plain), &shard) || shard >= STREAM_SHARDS ||
        !read_integer(cut_field(&plain), &iterator.number) || !read_integer(plain, &iterator.issued_ms))
        return false;
    iterator.shard = (unsigned)shard;
    *ret_iterator = iterator;
    return true;
}

enum lf_code stream_iterator_read(struct span text, struct arena *arena, struct stream_iterator *ret_iterator, struct err *err)
{
    struct span plain;
    struct err ignored = ERR_INIT;
    if (base64_decode(text, arena, &plain, &ignored) || !read_fields(plain, ret_iterator))
        return ERR(err, LF_VALIDATION, "Invalid ShardIterator");
    return LF_OK;
}

/* Bounds
 * ------------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code read_number(struct db *db, const struct pg_statement *statement, int64_t *ret_number, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, statement, &(struct pg_params){ 0 }, &rows, err));
    *ret_number = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

enum lf_code stream_last_number(struct db *db, int64_t *ret_number, struct err *err)
{
    static const struct pg_statement last = { .sql = "SELECT number::text FROM landfall.sequencer" };
    return read_number(db, &last, ret_number, err);
}

enum lf_code stream_first_number(struct db *db, int64_t *ret_number, struct err *err)
{
    static const struct pg_statement first = {
        .sql = "SELECT trimmed::text FROM landfall.sequencer",
    };
    return read_number(db, &first, ret_number, err);
}
