#include "gateway/store/item_batches.h"

#include <stdlib.h>

#include "gateway/store/item_rows.h"
#include "gateway/store/row_arrays.h"
#include "gateway/worker.h"

/* Reading ----------------------------------------------------------------------------------------------------------------------
 */

static void put_keys(struct gather_member *const *members, size_t count, struct row_arrays *arrays)
{
    size_t keys = gather_count(members, count);
    row_arrays_init(arrays);
    row_arrays_add(arrays, PG_OID_BYTEA, keys);
    row_arrays_add(arrays, PG_OID_BYTEA, keys);
    for (size_t i = 0; i < count; i++) {
        const struct item_reads *reads = members[i]->what;
        for (size_t k = 0; k < members[i]->count; k++) {
            row_arrays_put_span(arrays, reads->places[k].h);
            row_arrays_put_span(arrays, reads->places[k].sk);
        }
    }
}

static enum lf_code take_row(struct gather_member *const *members, size_t keys, const struct pg_result *rows, size_t row,
                             struct err *err)
{
    size_t at = 0, member = 0;
    TRY(item_row_number(rows, row, keys, &at, err));
    for (; at >= members[member]->count; member++)
        at -= members[member]->count;
    struct item_reads *reads = members[member]->what;
    return item_row_read(rows, row, ITEM_COLUMN_VERSION, members[member]->arena, &reads->items[at], err);
}

enum lf_code item_read_batch(struct worker *worker, const struct table *table, struct gather_member *const *members, size_t count,
                             struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    const struct pg_statement *statement = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_statement(worker->db, item_statements_of(table)->get, &statement, err));
    put_keys(members, count, &arrays);
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_query(worker->db, statement, &params, &rows, err);
    row_arrays_done(&arrays);
    for (size_t i = 0; !code && i < pg_result_rows(rows); i++)
        code = take_row(members, gather_count(members, count), rows, i, err);
    return code;
}

/* Writing ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code run_alone(void *context, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_result **ret_rows, struct err *err)
{
    return db_write(context, statement, params, ret_rows, err);
}

enum lf_code item_write_batch(struct worker *worker, const struct table *table, struct gather_member *const *members,
                              size_t count, struct err *err)
{
    size_t total = gather_count(members, count), at = 0;
    struct item_row **rows = malloc((total + 1) * sizeof *rows);
    if (!rows)
        return ERR(err, LF_MEMORY, "no memory to write %zu items", total);
    for (size_t i = 0; i < count; i++) {
        struct item_batch_rows *of = members[i]->what;
        for (size_t k = 0; k < members[i]->count; k++)
            rows[at++] = of->rows[k];
    }
    enum lf_code code = item_rows_write(worker->db, table, rows, total, run_alone, worker->db, err);
    free(rows);
    return code;
}
