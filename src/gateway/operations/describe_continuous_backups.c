#include "gateway/operations/continuous_backups.h"
#include "gateway/operations/operations.h"

enum lf_code operation_describe_continuous_backups(struct call *call, const struct describe_continuous_backups_request *request,
                                                   struct err *err)
{
    struct span name = request->table_name;
    (void)shape_table_name(request->table_name, &name);
    return continuous_backups_answer(call, name, err);
}
