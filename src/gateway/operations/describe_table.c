#include "gateway/operations/operations.h"
#include "gateway/operations/table_description.h"

enum lf_code operation_describe_table(struct call *call, const struct describe_table_request *request, struct err *err)
{
    return table_description_answer_now(call, SPAN("Table"), request->table_name, err);
}
