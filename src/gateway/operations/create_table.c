#include "gateway/operations/operations.h"
#include "gateway/operations/table_description.h"
#include "gateway/operations/table_rules.h"
#include "gateway/table_change.h"
#include "gateway/table_work.h"

enum { DELETION_MS_MAX = 2000 };

static enum lf_code create(struct table_change *change, const struct create_table_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_create(change, request, &table, err));
    table_unref(table);
    return LF_OK;
}

enum lf_code operation_create_table(struct call *call, const struct create_table_request *request, struct err *err)
{
    struct table_change change;
    TRY(table_rules_check(request, call->arena, err));
    TRY(table_work_await_deletion(call->worker, request->table_name, DELETION_MS_MAX,
                                  err)); /* suites make tables again at once */
    TRY(table_change_begin(call->worker, &change, err));
    TRY(table_change_end(&change, create(&change, request, err), err));
    return table_description_answer_now(call, SPAN("TableDescription"), request->table_name, err);
}
