#include "gateway/gateway.h"
#include "gateway/operations/operations.h"

enum { CACHE_MINUTES = 1440 };

/* Clients that discover endpoints shall come back to this one. */
enum lf_code operation_describe_endpoints(struct call *call, const struct describe_endpoints_request *request, struct err *err)
{
    (void)request;
    (void)err;
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Endpoints"));
    reply_array_begin(call->reply);
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("Address"), span_from_cstr(gateway_address(call->worker->gateway)));
    reply_member_integer(call->reply, SPAN("CachePeriodInMinutes"), CACHE_MINUTES);
    reply_object_end(call->reply);
    reply_array_end(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
