#include "gateway/jobs/retry.h"

#include "base/backoff.h"
#include "gateway/store/relational_retry.h"

enum lf_code retry_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                        struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0;
    enum lf_code code = LF_OK;
    (void)leadership, (void)ret_more; /* guards make a second leader harmless */
    TRY(catalog_check_fresh(worker->catalog, err));
    TRY(catalog_all(worker->catalog, arena, &tables, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!code && tables[i]->map && tables[i]->status == TABLE_ACTIVE)
            code = relational_retry(worker, tables[i], backoff_seed(), arena, err);
        table_unref(tables[i]);
    }
    return code;
}
