#include <stdio.h>
#include <time.h>

#include "gateway/auth/authorise.h"
#include "gateway/operations/operations.h"
#include "gateway/store/relational_rows.h"
#include "gateway/stream/stream.h"
#include "item/ddbjson.h"

enum { RECORDS_MAX = 1000, RECORD_BYTES_MAX = 1024 * 1024 };

/* Columns of the statement. */
enum { NUMBER, ID, OLD_ITEM, NEW_ITEM, BY_TTL, CHANGED_MS, ENTITY, OLD_ROW, NEW_ROW };

static const struct pg_statement read_changes = {
    .sql =
        "SELECT number::text, id::text, old_item, new_item, by_ttl::int::text, changed_ms::text, entity, old_row, new_row FROM "
        "(SELECT c.number, i.*, floor(extract(epoch FROM i.changed_at) * 1000)::bigint AS changed_ms, "
        "sum(s.bytes) OVER (ORDER BY c.number) - s.bytes AS bytes_before FROM landfall.change c JOIN landfall.change_in i ON "
        "i.id "
        "= c.id CROSS JOIN LATERAL (SELECT coalesce(octet_length(i.old_item::text), octet_length(i.old_row), 0) + "
        "coalesce(octet_length(i.new_item::text), octet_length(i.new_row), 0) AS bytes) s WHERE "
        "c.table_id = $1::text::bigint AND c.shard = $2::text::integer AND c.number > $3::text::bigint AND i.label = $4::text "
        "ORDER BY c.number "
        "LIMIT $5::text::bigint) AS page WHERE bytes_before < $6::text::bigint",
};

static enum lf_code read_page(struct call *call, const struct table *table, const struct stream_iterator *iterator, int64_t limit,
                              struct pg_result **ret_rows, struct err *err)
{
    char id[PG_NUMBER_BYTES], shard[PG_NUMBER_BYTES], number[PG_NUMBER_BYTES], rows[PG_NUMBER_BYTES], bytes[PG_NUMBER_BYTES];
    struct pg_field values[] = {
        pg_number_field(table->id, id),
        pg_number_field(iterator->shard, shard),
        pg_number_field(iterator->number, number),
        { table->stream_label.ptr, table->stream_label.len },
        pg_number_field(limit, rows),
        pg_number_field(RECORD_BYTES_MAX, bytes),
    };
    return db_query(call->worker->db, &read_changes, &(struct pg_params){ .values = values, .count = 6 }, ret_rows, err);
}

/* Records
 * ---------------------------------------------------------------------------------------------------------------------------- */

/* As the gateway wrote it; or as a trigger found it, when SQL changed a row. */
static enum lf_code read_image(struct call *call, const struct table *table, const struct pg_result *rows, size_t row,
                               size_t item_column, size_t row_column, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    struct pg_field field = pg_result_get(rows, row, item_column), image = pg_result_get(rows, row, row_column);
    *ret_item = (struct item){ 0 };
    if (image.data)
        return relational_row_image(table, pg_result_get(rows, row, ENTITY), image, call->arena, ret_item, err);
    if (!field.data)
        return LF_OK;
    json_init(&reader, span_of(field.data, field.len), call->arena);
    return ddbjson_read_item(&reader, ret_item, err);
}

static struct item key_attributes(const struct table *table, const struct item *image, struct attribute attributes[2])
{
    struct item key = { .attributes = attributes };
    const struct key_attribute *parts[] = { &table->key.partition, key_schema_has_sort(&table->key) ? &table->key.sort : NULL };
    for (size_t i = 0; i < 2 && parts[i]; i++)
        attributes[key.count++] = (struct attribute){ parts[i]->name, *item_get(image, parts[i]->name) };
    return key;
}

static bool shows_new(const struct table *table)
{
    return table->stream_view == API_STREAM_VIEW_TYPE_NEW_IMAGE || table->stream_view == API_STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES;
}

static bool shows_old(const struct table *table)
{
    return table->stream_view == API_STREAM_VIEW_TYPE_OLD_IMAGE || table->stream_view == API_STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES;
}

static void put_data(struct call *call, const struct table *table, const struct pg_result *rows, size_t row,
                     const struct item *old, const struct item *new)
{
    struct attribute attributes[2];
    char number[STREAM_NUMBER_TEXT_BYTES];
    struct item key = key_attributes(table, new->count ? new : old, attributes);
    size_t bytes = item_size(&key);
    reply_name(call->reply, SPAN("dynamodb"));
    reply_object_begin(call->reply);
    reply_member_timestamp(call->reply, SPAN("ApproximateCreationDateTime"),
                           pg_result_int64(rows, row, CHANGED_MS) / 1000 * 1000);
    reply_member_item(call->reply, SPAN("Keys"), &key);
    if (new->count && shows_new(table)) {
        reply_member_item(call->reply, SPAN("NewImage"), new);
        bytes += item_size(new);
    }
    if (old->count && shows_old(table)) {
        reply_member_item(call->reply, SPAN("OldImage"), old);
        bytes += item_size(old);
    }
    stream_number_text(pg_result_int64(rows, row, NUMBER), number);
    reply_member_string(call->reply, SPAN("SequenceNumber"), span_from_cstr(number));
    reply_member_integer(call->reply, SPAN("SizeBytes"), (int64_t)bytes);
    reply_member_string(call->reply, SPAN("StreamViewType"), stream_view_name(table->stream_view));
    reply_object_end(call->reply);
}

static void put_identity(struct reply *reply)
{
    reply_name(reply, SPAN("userIdentity"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("PrincipalId"), SPAN("dynamodb.amazonaws.com"));
    reply_member_string(reply, SPAN("Type"), SPAN("Service"));
    reply_object_end(reply);
}

static enum lf_code put_record(struct call *call, const struct table *table, const struct pg_result *rows, size_t row,
                               struct err *err)
{
    struct item old, new;
    char event[2 * PG_NUMBER_BYTES];
    TRY(read_image(call, table, rows, row, OLD_ITEM, OLD_ROW, &old, err));
    TRY(read_image(call, table, rows, row, NEW_ITEM, NEW_ROW, &new, err));
    (void)snprintf(event, sizeof event, "%032llx", (unsigned long long)pg_result_int64(rows, row, ID));
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("eventID"), span_from_cstr(event));
    reply_member_string(call->reply, SPAN("eventName"),
                        !old.count  ? SPAN("INSERT")
                        : new.count ? SPAN("MODIFY")
                                    : SPAN("REMOVE"));
    reply_member_string(call->reply, SPAN("eventVersion"), SPAN("1.1"));
    reply_member_string(call->reply, SPAN("eventSource"), SPAN("aws:dynamodb"));
    reply_member_string(call->reply, SPAN("awsRegion"), SPAN("us-east-1"));
    put_data(call, table, rows, row, &old, &new);
    if (pg_result_int64(rows, row, BY_TTL))
        put_identity(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}

/* The answer
 * ------------------------------------------------------------------------------------------------------------------------- */

/* A closed shard that has been read to its end has no next iterator. `last` was read before the page: what came meanwhile is not
 * passed. */
static enum lf_code put_next(struct call *call, const struct table *table, struct stream_iterator iterator,
                             const struct pg_result *rows, int64_t last, int64_t limit, struct err *err)
{
    struct span text;
    size_t count = pg_result_rows(rows);
    if (count)
        iterator.number = pg_result_int64(rows, count - 1, NUMBER);
    else if (table->stream == API_STREAM_VIEW_TYPE_UNSET)
        return LF_OK;
    else if (iterator.number < last && limit)
        iterator.number = last;
    iterator.issued_ms = (int64_t)time(NULL) * 1000;
    TRY(stream_iterator_text(&iterator, call->arena, &text, err));
    reply_member_string(call->reply, SPAN("NextShardIterator"), text);
    return LF_OK;
}

static enum lf_code answer(struct call *call, const struct table *table, const struct stream_iterator *iterator, int64_t limit,
                           struct err *err)
{
    int64_t last = 0;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(stream_last_number(call->worker->db, &last, err));
    TRY(read_page(call, table, iterator, limit, &rows, err));
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Records"));
    reply_array_begin(call->reply);
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        TRY(put_record(call, table, rows, i, err));
    reply_array_end(call->reply);
    TRY(put_next(call, table, *iterator, rows, last, limit, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code check_iterator(struct call *call, const struct stream_iterator *iterator, struct err *err)
{
    int64_t first = 0;
    TRY(authorise_table(call, operation_info(OPERATION_GET_RECORDS), GRANT_READ, iterator->table_name, err));
    if ((int64_t)time(NULL) * 1000 - iterator->issued_ms > STREAM_ITERATOR_MS_MAX)
        return ERR(err, LF_EXPIRED_ITERATOR,
                   "The shard iterator has expired and can no longer be used to retrieve stream records. A shard iterator "
                   "expires 15 minutes after it is retrieved using the GetShardIterator action.");
    TRY(stream_first_number(call->worker->db, &first, err));
    if (iterator->number < first)
        return ERR(err, LF_TRIMMED_DATA_ACCESS, "The operation attempted to read past the oldest stream record in a shard.");
    return LF_OK;
}

enum lf_code operation_get_records(struct call *call, const struct get_records_request *request, struct err *err)
{
    struct stream_iterator iterator;
    const struct table *table = NULL;
    TRY(stream_iterator_read(request->shard_iterator, call->arena, &iterator, err));
    TRY(check_iterator(call, &iterator, err));
    TRY(catalog_get(call->worker->catalog, call->worker->db, iterator.table_name, &table, err));
    enum lf_code code = span_equal(table->stream_label, iterator.label)
                            ? answer(call, table, &iterator, request->has_limit ? request->limit : RECORDS_MAX, err)
                            : ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Stream not found");
    table_unref(table);
    return code;
}
