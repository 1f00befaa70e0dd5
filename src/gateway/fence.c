#include "gateway/fence.h"

enum { UNDO_MS = 500 };

static const struct route_table *fenced(const struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].is_written && tables->tables[i].table && tables->tables[i].table->move.is_fenced)
            return &tables->tables[i];
    return NULL;
}

/* A fence that is over
 * ------------------------------------------------------------------------------------------------------------ */

/* Once the authority has changed, behind the fence, gateways that do not know it yet are waited for, or their leases. */
#define IS_OVER                                                                                                         \
    "fence_until < clock_timestamp() - CASE WHEN phase = fence AND moved_entities IS NOT DISTINCT FROM fence_entities " \
    "THEN interval '10 s' ELSE interval '0 s' END"
_Static_assert(2 * CATALOG_STALE_MS == 10000, "as in the statement");

static enum lf_code is_over(struct worker *worker, struct span name, bool *ret_is_over, struct err *err)
{
    static const struct pg_statement look = {
        .sql = "SELECT 1 FROM landfall.phase WHERE table_name = $1::text AND " IS_OVER,
    };
    struct pg_field field = { name.ptr, name.len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(worker->db, &look, &(struct pg_params){ .values = &field, .count = 1 }, &rows, err));
    *ret_is_over = pg_result_rows(rows) > 0;
    return LF_OK;
}

/* Whoever would change the authority has to find the fence there, in the same row. */
static enum lf_code undo(struct worker *worker, struct span name, struct err *err)
{
    static const struct pg_statement undo = {
        .sql = "WITH gone AS (UPDATE landfall.phase SET fence = NULL, fence_until = NULL WHERE table_name = $1::text AND " IS_OVER
               " RETURNING "
               "table_name, epoch) INSERT INTO landfall.event (what, detail) SELECT 'fence ran out', jsonb_build_object('table', "
               "table_name, "
               "'epoch', epoch) FROM gone",
    };
    bool over = false;
    TRY(is_over(worker, name, &over, err));
    return over ? catalog_change_table(worker->db, &undo, name, err) : LF_OK;
}

/* Waiting
 * ------------------------------------------------------------------------------------------------------------------------ */

/* While the database is away the catalog is not fresh, and no write passes anyway. */
static void look_after(struct worker *worker, struct span name)
{
    struct err err = ERR_INIT;
    if (undo(worker, name, &err))
        worker_log(worker, SPAN(""), &err);
}

enum lf_code fence_pass(struct call *call, const void *request, struct route_tables *tables, struct err *err)
{
    struct loop *loop = call->worker->loop;
    int64_t began_ms = loop_now_ms(loop), looked_ms = began_ms;
    const struct route_table *first;
    TRY(route_tables_find(call, request, tables, err));
    while ((first = fenced(tables))) {
        struct span name = first->name;
        route_tables_done(tables);
        if (loop_now_ms(loop) - began_ms > FENCE_MS_MAX)
            return ERR(err, LF_INTERNAL_SERVER, "writes of table %.*s are held back", SPAN_ARG(name));
        fiber_sleep(loop, FENCE_POLL_MS);
        if (loop_now_ms(loop) - looked_ms >= UNDO_MS) {
            looked_ms = loop_now_ms(loop);
            look_after(call->worker, name);
        }
        TRY(route_tables_find(call, request, tables, err));
    }
    return LF_OK;
}
