#include "gateway/operations/operations.h"

enum { ACCOUNT_UNITS_MAX = 80000, TABLE_UNITS_MAX = 40000 };

enum lf_code operation_describe_limits(struct call *call, const struct describe_limits_request *request, struct err *err)
{
    (void)request;
    (void)err;
    reply_object_begin(call->reply);
    reply_member_integer(call->reply, SPAN("AccountMaxReadCapacityUnits"), ACCOUNT_UNITS_MAX);
    reply_member_integer(call->reply, SPAN("AccountMaxWriteCapacityUnits"), ACCOUNT_UNITS_MAX);
    reply_member_integer(call->reply, SPAN("TableMaxReadCapacityUnits"), TABLE_UNITS_MAX);
    reply_member_integer(call->reply, SPAN("TableMaxWriteCapacityUnits"), TABLE_UNITS_MAX);
    reply_object_end(call->reply);
    return LF_OK;
}
