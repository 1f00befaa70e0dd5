#include "gateway/store/item_columns.h"
#include "gateway/store/mixed_pages.h"
#include "gateway/store/relational_expiry.h"
#include "gateway/store/relational_pages.h"
#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_table.h"
#include "gateway/store/relational_writes.h"

/* The schema is the map's ------------------------------------------------------------------------------------------------------
 */

static enum lf_code refuse(const struct table *table, struct err *err)
{
    return ERR(err, LF_VALIDATION, "Table %.*s is described by a map; its schema changes by the map's migrations",
               SPAN_ARG(table->name));
}

static enum lf_code create(struct db_transaction *transaction, const struct table *table, struct err *err)
{
    (void)transaction;
    return refuse(table, err);
}

static enum lf_code refuse_index(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                                 struct err *err)
{
    (void)transaction, (void)index;
    return refuse(table, err);
}

static enum lf_code fill_index(struct worker *worker, const struct table *table, const struct table_index *index,
                               struct arena *arena, bool *ret_done, struct err *err)
{
    (void)worker, (void)index, (void)arena, (void)ret_done;
    return refuse(table, err);
}

/* Pages of a mixed table are made of both sides' items
 * ----------------------------------------------------------------------------
 */

static enum lf_code query(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                          struct store_page *ret_page, struct err *err)
{
    return (table_is_mixed(table) ? mixed_query : relational_query)(worker, table, range, arena, ret_page, err);
}

static enum lf_code scan(struct worker *worker, const struct table *table, const struct store_scan *what, struct arena *arena,
                         struct store_page *ret_page, struct err *err)
{
    return (table_is_mixed(table) ? mixed_scan : relational_scan)(worker, table, what, arena, ret_page, err);
}

const struct store relational_store = {
    .name = "relational",
    .get = relational_get,
    .query = query,
    .scan = scan,
    .write = relational_write,
    .lock = relational_lock,
    .write_locked = relational_write_locked,
    .get_in = relational_get_in,
    .create = create,
    .drop = NULL,
    .add_index = NULL,
    .fill_index = fill_index,
    .drop_index = refuse_index,
    .fill_ttl = NULL,
    .expired = relational_expired,
    .measure = relational_measure,
    .open = relational_table_open,
    .close = relational_table_close,
};
