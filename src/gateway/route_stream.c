#include "gateway/route_stream.h"

#include "gateway/route_ask.h"
#include "gateway/stream/stream.h"

static bool is(const struct call *call, enum operation operation)
{
    return call->operation == operation_info(operation);
}

bool route_is_of_stream(const struct call *call, const struct route_tables *tables)
{
    bool names_stream =
        is(call, OPERATION_DESCRIBE_STREAM) || is(call, OPERATION_GET_SHARD_ITERATOR) || is(call, OPERATION_GET_RECORDS);
    return names_stream && tables->count == 1 && tables->tables[0].table && tables->tables[0].table->move.has_phase;
}

/* Empty in an iterator that is not made as ours are. */
static struct span label_of(const struct call *call, const void *request)
{
    struct stream_iterator iterator;
    struct err ignored = ERR_INIT;
    if (is(call, OPERATION_DESCRIBE_STREAM))
        return stream_label_of(((const struct describe_stream_request *)request)->stream_arn);
    if (is(call, OPERATION_GET_SHARD_ITERATOR))
        return stream_label_of(((const struct get_shard_iterator_request *)request)->stream_arn);
    struct span text = ((const struct get_records_request *)request)->shard_iterator;
    return stream_iterator_read(text, call->arena, &iterator, &ignored) ? SPAN("") : iterator.label;
}

enum lf_code route_stream(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                          struct err *err)
{
    struct span ours = tables->tables[0].table->stream_label;
    return ours.len && span_equal(label_of(call, request), ours) ? run(call, request, err) : route_forward(call, request, err);
}

enum lf_code route_list_streams(struct call *call, const struct list_streams_request *request, operation_run *run,
                                struct err *err)
{
    const struct table *table = request->table_name.ptr ? catalog_find(call->worker->catalog, request->table_name) : NULL;
    bool is_ours = table && !table_is_dynamodbs(table) && !stream_is_dynamodbs(call, table);
    enum lf_code code = is_ours ? run(call, request, err) : route_forward(call, request, err);
    table_unref(table);
    return code;
}
