#include "gateway/route_ask.h"

#include "gateway/upstream/upstream.h"

/* What is asked -----------------------------------------------------------------------------------------------------------------
 */

static bool is(const struct call *call, enum operation operation)
{
    return call->operation == operation_info(operation);
}

static bool has_strong_part(const struct batch_get_item_request *request)
{
    for (size_t i = 0; i < request->request_items.count; i++)
        if (request->request_items.entries[i].value.consistent_read)
            return true;
    return false;
}

bool route_is_strong(const struct call *call, const void *request)
{
    if (is(call, OPERATION_GET_ITEM))
        return ((const struct get_item_request *)request)->consistent_read;
    if (is(call, OPERATION_QUERY))
        return ((const struct query_request *)request)->consistent_read;
    if (is(call, OPERATION_SCAN))
        return ((const struct scan_request *)request)->consistent_read;
    if (is(call, OPERATION_BATCH_GET_ITEM))
        return has_strong_part(request);
    return is(call, OPERATION_TRANSACT_GET_ITEMS);
}

/* Asking ------------------------------------------------------------------------------------------------------------------------
 */

/* "DynamoDBStreams_20120810.GetRecords" */
static enum dynamodb_service service_of(struct span target)
{
    return span_starts_with(target, SPAN("DynamoDBStreams_")) ? DYNAMODB_STREAMS : DYNAMODB_TABLES;
}

enum lf_code route_ask(struct call *call, const void *request, struct span body, struct dynamodb_answer *answer, struct err *err)
{
    struct catalog *catalog = call->worker->catalog;
    struct span name;
    bool is_read = call->operation->grant == GRANT_READ;
    bool needs_lease = !call->needs_no_lease && (!is_read || route_is_strong(call, request));
    *answer = (struct dynamodb_answer){ .outcome = DYNAMODB_REFUSED };
    TRY(arena_copy(call->arena, call->operation->name, &name, err));
    const struct upstream_request asked = {
        .service = service_of(call->operation->target),
        .operation = name.ptr,
        .body = body,
        .is_read = is_read,
        .lease = needs_lease ? catalog : NULL,
    };
    enum lf_code code = upstream_call(call->worker->upstream, &asked, call->arena, answer, err);
    if (code && !answer->status)
        return code;
    *err = (struct err)ERR_INIT;
    return needs_lease ? catalog_check_fresh(catalog, err) : LF_OK;
}

void route_answer(struct call *call, const struct dynamodb_answer *answer)
{
    buf_reset(call->reply->buf);
    buf_put_span(call->reply->buf, answer->body);
    call->status = (int)answer->status;
}

enum lf_code route_forward(struct call *call, const void *request, struct err *err)
{
    struct dynamodb_answer answer;
    TRY(route_ask(call, request, call->body, &answer, err));
    route_answer(call, &answer);
    return LF_OK;
}
