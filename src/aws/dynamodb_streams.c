#include "aws/dynamodb_streams.h"

#include "aws/answer.h"
#include "base/buf.h"
#include "codec/json.h"

enum { REQUEST_BYTES_MAX = 1024 * 1024 };

/* A member of the request; an empty text is left out. */
static void put_text(struct buf *request, const char *name, struct span text)
{
    if (!text.len)
        return;
    buf_printf(request, "%s\"%s\":", request->len ? "," : "{", name);
    json_put_string(request, text);
}

/* Closes the request and makes the call. */
static enum lf_code call(struct dynamodb *client, const char *operation, struct buf *request, struct arena *arena,
                         struct span *ret_body, struct err *err)
{
    struct dynamodb_answer answer;
    buf_put_cstr(request, request->len ? "}" : "{}");
    enum lf_code code = buf_check(request, err);
    if (code == LF_OK)
        code = dynamodb_call(client, DYNAMODB_STREAMS, operation, buf_span(request), DYNAMODB_REPEAT_ANY, arena, &answer, err);
    buf_done(request);
    TRY(code);
    *ret_body = answer.body;
    return LF_OK;
}

/* Reads the texts of members, in the order of `fields`. */
static enum lf_code read_texts(struct span object, struct answer_field *fields, struct span *const *ret_texts, size_t count,
                               struct arena *arena, struct err *err)
{
    TRY(answer_fields(object, arena, fields, count, err));
    for (size_t i = 0; i < count; i++)
        TRY(answer_text(fields[i].value, arena, ret_texts[i], err));
    return LF_OK;
}

/* Shards ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code read_shard(struct span text, struct arena *arena, struct stream_shard *ret_shard, struct err *err)
{
    struct answer_field fields[] = { { .name = SPAN("ShardId") },
                                     { .name = SPAN("ParentShardId") },
                                     { .name = SPAN("SequenceNumberRange") } };
    struct answer_field range[] = { { .name = SPAN("StartingSequenceNumber") }, { .name = SPAN("EndingSequenceNumber") } };
    struct span *const range_texts[] = { &ret_shard->first_sequence_number, &ret_shard->last_sequence_number };
    TRY(answer_fields(text, arena, fields, 3, err));
    TRY(answer_text(fields[0].value, arena, &ret_shard->id, err));
    TRY(answer_text(fields[1].value, arena, &ret_shard->parent_id, err));
    return read_texts(fields[2].value, range, range_texts, 2, arena, err);
}

static enum lf_code read_shards(struct span array, struct arena *arena, struct stream_description *description, struct err *err)
{
    struct span *texts;
    TRY(answer_elements(array, arena, &texts, &description->shard_count, err));
    description->shards = arena_calloc(arena, description->shard_count, sizeof *description->shards, err);
    if (!description->shards)
        return err->code;
    for (size_t i = 0; i < description->shard_count; i++)
        TRY(read_shard(texts[i], arena, &description->shards[i], err));
    return LF_OK;
}

static enum lf_code read_description(struct span body, struct arena *arena, struct stream_description *ret_description,
                                     struct err *err)
{
    struct stream_description description = { 0 };
    struct answer_field outer = { .name = SPAN("StreamDescription") }, shards = { .name = SPAN("Shards") };
    struct answer_field fields[] = { { .name = SPAN("StreamArn") },
                                     { .name = SPAN("TableName") },
                                     { .name = SPAN("StreamStatus") },
                                     { .name = SPAN("StreamViewType") },
                                     { .name = SPAN("LastEvaluatedShardId") } };
    struct span *const texts[] = { &description.arn, &description.table, &description.status, &description.view_type,
                                   &description.last_shard_id };
    TRY(answer_fields(body, arena, &outer, 1, err));
    TRY(read_texts(outer.value, fields, texts, 5, arena, err));
    TRY(answer_fields(outer.value, arena, &shards, 1, err));
    TRY(read_shards(shards.value, arena, &description, err));
    *ret_description = description;
    return LF_OK;
}

enum lf_code dynamodb_describe_stream(struct dynamodb *client, struct span stream_arn, struct span after_shard,
                                      struct arena *arena, struct stream_description *ret_description, struct err *err)
{
    struct span body;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "StreamArn", stream_arn);
    put_text(&request, "ExclusiveStartShardId", after_shard);
    TRY(call(client, "DescribeStream", &request, arena, &body, err));
    return read_description(body, arena, ret_description, err);
}

enum lf_code dynamodb_get_shard_iterator(struct dynamodb *client, struct span stream_arn, struct span shard_id,
                                         enum stream_iterator_type type, struct span sequence_number, struct arena *arena,
                                         struct span *ret_iterator, struct err *err)
{
    static const char *const types[] = { [STREAM_TRIM_HORIZON] = "TRIM_HORIZON",
                                         [STREAM_LATEST] = "LATEST",
                                         [STREAM_AT_SEQUENCE_NUMBER] = "AT_SEQUENCE_NUMBER",
                                         [STREAM_AFTER_SEQUENCE_NUMBER] = "AFTER_SEQUENCE_NUMBER" };
    struct answer_field iterator = { .name = SPAN("ShardIterator") };
    struct span body;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "StreamArn", stream_arn);
    put_text(&request, "ShardId", shard_id);
    put_text(&request, "ShardIteratorType", span_from_cstr(types[type]));
    put_text(&request, "SequenceNumber", sequence_number);
    TRY(call(client, "GetShardIterator", &request, arena, &body, err));
    TRY(answer_fields(body, arena, &iterator, 1, err));
    return answer_text(iterator.value, arena, ret_iterator, err);
}

/* Records ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code read_event(struct span value, struct arena *arena, enum stream_event *ret_event, struct err *err)
{
    static const char *const names[] = { [STREAM_INSERT] = "INSERT", [STREAM_MODIFY] = "MODIFY", [STREAM_REMOVE] = "REMOVE" };
    struct span name;
    TRY(answer_text(value, arena, &name, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_equal(name, span_from_cstr(names[i]))) {
            *ret_event = (enum stream_event)i;
            return LF_OK;
        }
    return ERR(err, LF_AWS, "a record of a stream with the eventName \"%.*s\"", SPAN_ARG(name));
}

/* The service removes what has expired under its own name: {"type":"Service","principalId":"dynamodb.amazonaws.com"}. */
static enum lf_code read_identity(struct span identity, struct arena *arena, bool *ret_is_expiry, struct err *err)
{
    struct answer_field fields[] = {
        { .name = SPAN("type") }, { .name = SPAN("Type") }, { .name = SPAN("principalId") }, { .name = SPAN("PrincipalId") }
    };
    struct span type, principal;
    TRY(answer_fields(identity, arena, fields, 4, err));
    TRY(answer_text(fields[fields[0].value.len ? 0 : 1].value, arena, &type, err));
    TRY(answer_text(fields[fields[2].value.len ? 2 : 3].value, arena, &principal, err));
    *ret_is_expiry = span_equal(type, SPAN("Service")) && span_equal(principal, SPAN("dynamodb.amazonaws.com"));
    return LF_OK;
}

static enum lf_code read_change(struct span change, struct arena *arena, struct stream_record *record, struct err *err)
{
    enum { NUMBER, CREATED, KEYS, OLD, NEW, FIELDS };
    struct answer_field fields[FIELDS] = { [NUMBER] = { .name = SPAN("SequenceNumber") },
                                           [CREATED] = { .name = SPAN("ApproximateCreationDateTime") },
                                           [KEYS] = { .name = SPAN("Keys") },
                                           [OLD] = { .name = SPAN("OldImage") },
                                           [NEW] = { .name = SPAN("NewImage") } };
    double created_s;
    TRY(answer_fields(change, arena, fields, FIELDS, err));
    TRY(answer_text(fields[NUMBER].value, arena, &record->sequence_number, err));
    TRY(answer_double(fields[CREATED].value, arena, &created_s, err));
    TRY(answer_item(fields[KEYS].value, arena, &record->keys, err));
    TRY(answer_item(fields[OLD].value, arena, &record->old_image, err));
    TRY(answer_item(fields[NEW].value, arena, &record->new_image, err));
    record->created_unix_s = (int64_t)created_s;
    record->has_old_image = fields[OLD].value.len > 0;
    record->has_new_image = fields[NEW].value.len > 0;
    return LF_OK;
}

static enum lf_code read_record(struct span text, struct arena *arena, struct stream_record *ret_record, struct err *err)
{
    enum { ID, EVENT, IDENTITY, CHANGE, FIELDS };
    struct answer_field fields[FIELDS] = { [ID] = { .name = SPAN("eventID") },
                                           [EVENT] = { .name = SPAN("eventName") },
                                           [IDENTITY] = { .name = SPAN("userIdentity") },
                                           [CHANGE] = { .name = SPAN("dynamodb") } };
    TRY(answer_fields(text, arena, fields, FIELDS, err));
    TRY(answer_text(fields[ID].value, arena, &ret_record->event_id, err));
    TRY(read_event(fields[EVENT].value, arena, &ret_record->event, err));
    TRY(read_identity(fields[IDENTITY].value, arena, &ret_record->is_expiry, err));
    return read_change(fields[CHANGE].value, arena, ret_record, err);
}

static enum lf_code read_records(struct span body, struct arena *arena, struct stream_records *ret_records, struct err *err)
{
    struct answer_field fields[] = { { .name = SPAN("Records") }, { .name = SPAN("NextShardIterator") } };
    struct stream_records records;
    struct span *texts;
    TRY(answer_fields(body, arena, fields, 2, err));
    TRY(answer_elements(fields[0].value, arena, &texts, &records.count, err));
    records.records = arena_calloc(arena, records.count, sizeof *records.records, err);
    if (!records.records)
        return err->code;
    for (size_t i = 0; i < records.count; i++)
        TRY(read_record(texts[i], arena, &records.records[i], err));
    TRY(answer_text(fields[1].value, arena, &records.next_iterator, err));
    *ret_records = records;
    return LF_OK;
}

enum lf_code dynamodb_get_records(struct dynamodb *client, struct span iterator, unsigned limit, struct arena *arena,
                                  struct stream_records *ret_records, struct err *err)
{
    struct span body;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "ShardIterator", iterator);
    if (limit)
        buf_printf(&request, ",\"Limit\":%u", limit);
    TRY(call(client, "GetRecords", &request, arena, &body, err));
    return read_records(body, arena, ret_records, err);
}
