#include "gateway/operations/request_table.h"

static bool is_usable(const struct table *table)
{
    return table->status == TABLE_ACTIVE || table->status == TABLE_UPDATING;
}

enum lf_code request_table(struct call *call, struct span name, const struct table **ret_table, struct err *err)
{
    const struct table *table = NULL;
    enum lf_code code = catalog_get(call->worker->catalog, call->worker->db, name, &table, err);
    bool is_missing = code == LF_RESOURCE_NOT_FOUND || (!code && !is_usable(table));
    if (is_missing) {
        if (!code)
            table_unref(table);
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found");
    }
    if (!code)
        *ret_table = table;
    return code;
}

enum lf_code request_table_to_write(struct call *call, struct span name, const struct table **ret_table, struct err *err)
{
    TRY(catalog_check_fresh(call->worker->catalog, err));
    return request_table(call, name, ret_table, err);
}
