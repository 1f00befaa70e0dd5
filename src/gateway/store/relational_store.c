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

const struct store relational_store = {
    .name = "relational",
    .get = relational_get,
    .query = relational_query,
    .scan = relational_scan,
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

const struct store mixed_store = {
    .name = "mixed",
    .get = relational_get,
    .query = mixed_query,
    .scan = mixed_scan,
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
