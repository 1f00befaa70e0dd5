#include "gateway/operations/backup_description.h"
#include "gateway/operations/operations.h"

enum lf_code operation_delete_backup(struct call *call, const struct delete_backup_request *request, struct err *err)
{
    struct backup backup;
    TRY(backup_get(call->worker, request->backup_arn, call->arena, &backup, err));
    if (!backup.is_available)
        return ERR(err, LF_BACKUP_IN_USE, "Backup is being created: %.*s", SPAN_ARG(backup.arn));
    TRY(backup_remove(call->worker, &backup, err));
    backup_description_answer(call, &backup, SPAN("DELETED"));
    return LF_OK;
}
