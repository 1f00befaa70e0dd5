#include <time.h>

#include "gateway/operations/operations.h"
#include "gateway/stream/stream.h"

/* The number behind which the iterator begins. */
static enum lf_code find_start(struct call *call, const struct get_shard_iterator_request *request, int64_t *ret_number,
                               struct err *err)
{
    int64_t number = 0, first = 0, last = 0;
    bool needs_number = request->shard_iterator_type == API_SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER ||
                        request->shard_iterator_type == API_SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER;
    if (needs_number != (request->sequence_number.ptr != NULL))
        return ERR(err, LF_VALIDATION,
                   needs_number ? "SequenceNumber is required for this ShardIteratorType"
                                : "SequenceNumber must not be given for this ShardIteratorType");
    TRY(stream_first_number(call->worker->db, &first, err));
    TRY(stream_last_number(call->worker->db, &last, err));
    if (request->shard_iterator_type == API_SHARD_ITERATOR_TYPE_TRIM_HORIZON)
        *ret_number = first;
    if (request->shard_iterator_type == API_SHARD_ITERATOR_TYPE_LATEST)
        *ret_number = last;
    if (!needs_number)
        return LF_OK;
    TRY(stream_number_read(request->sequence_number, &number, err));
    if (number < first)
        return ERR(err, LF_TRIMMED_DATA_ACCESS, "The operation attempted to read past the oldest stream record in a shard.");
    *ret_number = request->shard_iterator_type == API_SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER && number ? number - 1 : number;
    return LF_OK;
}

static enum lf_code answer(struct call *call, const struct table *table, const struct get_shard_iterator_request *request,
                           struct err *err)
{
    struct span text;
    struct stream_iterator iterator = { .table_name = table->name,
                                        .label = table->stream_label,
                                        .issued_ms = (int64_t)time(NULL) * 1000 };
    TRY(stream_shard_read(table, request->shard_id, &iterator.shard, err));
    TRY(find_start(call, request, &iterator.number, err));
    TRY(stream_iterator_text(&iterator, call->arena, &text, err));
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("ShardIterator"), text);
    reply_object_end(call->reply);
    return LF_OK;
}

enum lf_code operation_get_shard_iterator(struct call *call, const struct get_shard_iterator_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(stream_find(call, request->stream_arn, &table, err));
    enum lf_code code = answer(call, table, request, err);
    table_unref(table);
    return code;
}
