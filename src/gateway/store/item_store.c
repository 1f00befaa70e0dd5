#include <stdlib.h>

#include "gateway/store/item_batches.h"
#include "gateway/store/item_columns.h"
#include "gateway/store/item_fill.h"
#include "gateway/store/item_pages.h"
#include "gateway/store/item_rows.h"
#include "gateway/store/item_table.h"
#include "gateway/store/row_arrays.h"
#include "gateway/worker.h"

/* Reading ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code places_of(const struct item_key *keys, size_t count, struct arena *arena, struct item_place **ret_places,
                              struct err *err)
{
    struct item_place *places = arena_calloc(arena, count + 1, sizeof *places, err);
    if (!places)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(item_place(&keys[i].bytes, arena, &places[i], err));
    *ret_places = places;
    return LF_OK;
}

static enum lf_code get(struct worker *worker, const struct table *table, const struct item_key *keys, size_t count,
                        struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct item_place *places = NULL;
    TRY(places_of(keys, count, arena, &places, err));
    memset(ret_items, 0, count * sizeof *ret_items);
    struct item_reads reads = { places, ret_items };
    struct gather_member member = { .what = &reads, .arena = arena, .count = count };
    return gather_join(worker->reads, table, item_read_batch, 0, &member, err);
}

/* A key that is asked for in a transaction, and where its item goes. */
struct wanted {
    struct item_place place;
    size_t at;
};

static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *left = a, *right = b;
    int order = span_compare(left->place.h, right->place.h);
    return order ? order : span_compare(left->place.sk, right->place.sk);
}

/* Rows are locked in the order of their places, as batches of writes lock them. */
static enum lf_code sort_keys(const struct item_key *keys, size_t count, struct arena *arena, struct wanted **ret_wanted,
                              struct err *err)
{
    struct wanted *wanted = arena_calloc(arena, count + 1, sizeof *wanted, err);
    if (!wanted)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        wanted[i].at = i;
        TRY(item_place(&keys[i].bytes, arena, &wanted[i].place, err));
    }
    qsort(wanted, count, sizeof *wanted, compare_wanted);
    *ret_wanted = wanted;
    return LF_OK;
}

static enum lf_code run_for(struct db_transaction *transaction, struct span sql, const struct wanted *wanted, size_t count,
                            struct pg_result **ret_rows, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    const struct pg_statement *statement = NULL;
    TRY(db_statement(db_of(transaction), sql, &statement, err));
    row_arrays_init(&arrays);
    row_arrays_add(&arrays, PG_OID_BYTEA, count);
    row_arrays_add(&arrays, PG_OID_BYTEA, count);
    for (size_t i = 0; i < count; i++) {
        row_arrays_put_span(&arrays, wanted[i].place.h);
        row_arrays_put_span(&arrays, wanted[i].place.sk);
    }
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_tx_query(transaction, statement, &params, ret_rows, err);
    row_arrays_done(&arrays);
    return code;
}

static enum lf_code read_keys(struct db_transaction *transaction, struct span sql, const struct item_key *keys, size_t count,
                              struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct wanted *wanted = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(sort_keys(keys, count, arena, &wanted, err));
    memset(ret_items, 0, count * sizeof *ret_items);
    TRY(run_for(transaction, sql, wanted, count, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        size_t number = 0;
        TRY(item_row_number(rows, i, count, &number, err));
        TRY(item_row_read(rows, i, ITEM_COLUMN_VERSION, arena, &ret_items[wanted[number].at], err));
    }
    return LF_OK;
}

static enum lf_code get_in(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                           size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    return read_keys(transaction, item_statements_of(table)->get, keys, count, arena, ret_items, err);
}

static enum lf_code lock(struct db_transaction *transaction, const struct table *table, const struct item_key *keys, size_t count,
                         struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    return read_keys(transaction, item_statements_of(table)->lock, keys, count, arena, ret_items, err);
}

/* Writing ----------------------------------------------------------------------------------------------------------------------
 */

/* Writes `count` rows of one kind. */
typedef enum lf_code write_group(void *context, const struct table *table, struct item_row **rows, size_t count, struct err *err);

static enum lf_code write_alone(void *context, const struct table *table, struct item_row **rows, size_t count, struct err *err)
{
    struct worker *worker = context;
    struct item_batch_rows what = { rows };
    struct gather_member member = { .what = &what, .count = count };
    for (size_t i = 0; i < count; i++)
        member.bytes += rows[i]->item.len + rows[i]->old_item.len;
    return gather_join(worker->writes, table, item_write_batch, 2 * rows[0]->kind + rows[0]->has_images, &member, err);
}

static enum lf_code run_in(void *context, const struct pg_statement *statement, const struct pg_params *params,
                           struct pg_result **ret_rows, struct err *err)
{
    return db_tx_query(context, statement, params, ret_rows, err);
}

static enum lf_code write_in(void *context, const struct table *table, struct item_row **rows, size_t count, struct err *err)
{
    return item_rows_write(db_of(context), table, rows, count, run_in, context, err);
}

static enum lf_code make_rows(const struct table *table, const struct store_write *writes, size_t count, struct arena *arena,
                              struct item_row **ret_rows, struct err *err)
{
    struct item_row *rows = arena_calloc(arena, count + 1, sizeof *rows, err);
    if (!rows)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(item_row_new(table, &writes[i], arena, &rows[i], err));
    *ret_rows = rows;
    return LF_OK;
}

/* Group by group, deletes first. */
static enum lf_code write_groups(const struct table *table, struct item_row *rows, size_t count, write_group *write,
                                 void *context, struct arena *arena, struct err *err)
{
    static const enum item_write order[] = { ITEM_DELETE, ITEM_REMOVE, ITEM_UPDATE, ITEM_INSERT, ITEM_UPSERT };
    struct item_row **group = arena_calloc(arena, count + 1, sizeof *group, err);
    if (!group)
        return err->code;
    for (size_t i = 0; i < 2 * (size_t)ITEM_WRITES; i++) {
        size_t members = 0;
        for (size_t k = 0; k < count; k++)
            if (!rows[k].is_idle && rows[k].kind == order[i / 2] && rows[k].has_images == (i % 2 == 1))
                group[members++] = &rows[k];
        if (members)
            TRY(write(context, table, group, members, err));
    }
    return LF_OK;
}

static enum lf_code write(struct worker *worker, const struct table *table, const struct store_write *writes, size_t count,
                          struct arena *arena, bool *ret_applied, struct err *err)
{
    struct item_row *rows = NULL;
    TRY(make_rows(table, writes, count, arena, &rows, err));
    TRY(write_groups(table, rows, count, write_alone, worker, arena, err));
    for (size_t i = 0; i < count; i++)
        ret_applied[i] = rows[i].is_idle || rows[i].is_applied;
    return LF_OK;
}

static enum lf_code write_locked(struct db_transaction *transaction, const struct table *table, const struct store_write *writes,
                                 size_t count, struct arena *arena, struct err *err)
{
    struct item_row *rows = NULL;
    TRY(make_rows(table, writes, count, arena, &rows, err));
    TRY(write_groups(table, rows, count, write_in, transaction, arena, err));
    for (size_t i = 0; i < count; i++)
        if (!rows[i].is_idle && !rows[i].is_applied)
            return ERR(err, LF_TRANSACTION_CONFLICT,
                       "an item changed although its key was locked: somebody writes the table by SQL");
    return LF_OK;
}

const struct store item_store = {
    .name = "item",
    .get = get,
    .query = item_query,
    .scan = item_scan,
    .write = write,
    .lock = lock,
    .write_locked = write_locked,
    .get_in = get_in,
    .create = item_table_create,
    .drop = item_table_drop,
    .add_index = item_table_add_index,
    .fill_index = item_fill_index,
    .drop_index = item_table_drop_index,
    .fill_ttl = item_fill_ttl,
    .expired = item_expired,
    .measure = item_measure,
    .open = item_table_open,
    .close = item_table_close,
};
