#include "gateway/operations/operations.h"
#include "gateway/stream/stream.h"

static void put_key(struct reply *reply, const struct key_schema *key)
{
    reply_name(reply, SPAN("KeySchema"));
    reply_array_begin(reply);
    for (int part = 0; part < (key_schema_has_sort(key) ? 2 : 1); part++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("AttributeName"), part ? key->sort.name : key->partition.name);
        reply_member_string(reply, SPAN("KeyType"), part ? SPAN("RANGE") : SPAN("HASH"));
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

static void put_shard(struct reply *reply, const struct table *table, unsigned shard, int64_t first, int64_t last)
{
    char text[STREAM_SHARD_TEXT_BYTES], number[STREAM_NUMBER_TEXT_BYTES];
    stream_shard_text(table, shard, text);
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("ShardId"), span_from_cstr(text));
    reply_name(reply, SPAN("SequenceNumberRange"));
    reply_object_begin(reply);
    stream_number_text(first, number);
    reply_member_string(reply, SPAN("StartingSequenceNumber"), span_from_cstr(number));
    if (table->stream == API_STREAM_VIEW_TYPE_UNSET) {
        stream_number_text(last, number);
        reply_member_string(reply, SPAN("EndingSequenceNumber"), span_from_cstr(number));
    }
    reply_object_end(reply);
    reply_object_end(reply);
}

/* Shards from the one behind ExclusiveStartShardId on. */
static enum lf_code put_shards(struct call *call, const struct table *table, const struct describe_stream_request *request,
                               struct err *err)
{
    unsigned from = 0;
    int64_t first = 0, last = 0;
    char text[STREAM_SHARD_TEXT_BYTES];
    unsigned limit = request->has_limit && request->limit < STREAM_SHARDS ? (unsigned)request->limit : STREAM_SHARDS;
    TRY(stream_first_number(call->worker->db, &first, err));
    TRY(stream_last_number(call->worker->db, &last, err));
    if (request->exclusive_start_shard_id.ptr) {
        TRY(stream_shard_read(table, request->exclusive_start_shard_id, &from, err));
        from++;
    }
    reply_name(call->reply, SPAN("Shards"));
    reply_array_begin(call->reply);
    unsigned shard = from;
    for (; shard < STREAM_SHARDS && shard - from < limit && !request->shard_filter; shard++)
        put_shard(call->reply, table, shard, first, last);
    reply_array_end(call->reply);
    if (shard < STREAM_SHARDS && shard > from) {
        stream_shard_text(table, shard - 1, text);
        reply_member_string(call->reply, SPAN("LastEvaluatedShardId"), span_from_cstr(text));
    }
    return LF_OK;
}

static enum lf_code describe(struct call *call, const struct table *table, const struct describe_stream_request *request,
                             struct err *err)
{
    bool is_enabled = table->stream != API_STREAM_VIEW_TYPE_UNSET;
    struct reply *reply = call->reply;
    reply_object_begin(reply);
    reply_name(reply, SPAN("StreamDescription"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("StreamArn"), request->stream_arn);
    reply_member_string(reply, SPAN("StreamLabel"), table->stream_label);
    reply_member_string(reply, SPAN("StreamStatus"), is_enabled ? SPAN("ENABLED") : SPAN("DISABLED"));
    reply_member_string(reply, SPAN("StreamViewType"), stream_view_name(table->stream_view));
    reply_member_timestamp(reply, SPAN("CreationRequestDateTime"), table->created_ms);
    reply_member_string(reply, SPAN("TableName"), table->name);
    put_key(reply, &table->key);
    TRY(put_shards(call, table, request, err));
    reply_object_end(reply);
    reply_object_end(reply);
    return LF_OK;
}

enum lf_code operation_describe_stream(struct call *call, const struct describe_stream_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(stream_find(call, request->stream_arn, &table, err));
    enum lf_code code = describe(call, table, request, err);
    table_unref(table);
    return code;
}
