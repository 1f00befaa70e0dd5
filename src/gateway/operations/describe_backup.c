#include "gateway/operations/backup_description.h"
#include "gateway/operations/operations.h"

enum lf_code operation_describe_backup(struct call *call, const struct describe_backup_request *request, struct err *err)
{
    struct backup backup;
    TRY(backup_get(call->worker, request->backup_arn, call->arena, &backup, err));
    backup_description_answer(call, &backup, SPAN(""));
    return LF_OK;
}
