/*
 * table_change: one change of the catalog, from the look at a table as it is to the description that all gateways will read.
 *
 *     struct table_change change;
 *     TRY(table_change_begin(worker, &change, err));                 waits for changes under way elsewhere
 *     table_change_read(&change, name, &table, err)                  as it is now, whatever this process knew
 *     … table_change_save(&change, table, &definition, …) …
 *     table_change_end(&change, code, err)                           commits and reads the catalog again; or rolls back
 *
 * On a fiber, one at a time.
 */
#pragma once

#include "gateway/table.h"
#include "gateway/worker.h"

struct table_change {
    struct worker *worker;
    struct db_transaction *transaction;
    int64_t version; /* that the change will have */
};

/* Errors of all: those of db_tx_query. */
enum lf_code table_change_begin(struct worker *worker, struct table_change *ret_change, struct err *err) MUST_CHECK;
/* Commits when `code` is LF_OK, else rolls back and gives it back. */
enum lf_code table_change_end(struct table_change *change, enum lf_code code, struct err *err) MUST_CHECK;
/* When nothing is to be changed after all. */
void table_change_cancel(struct table_change *change);

/* NULL when there is none of this name; unref it. */
enum lf_code table_change_read(struct table_change *change, struct span name, const struct table **ret_table,
                               struct err *err) MUST_CHECK;
/* The same, of an operation on a table that must be there and not be deleted: LF_RESOURCE_NOT_FOUND, LF_RESOURCE_IN_USE. */
enum lf_code table_change_read_live(struct table_change *change, struct span name, const struct table **ret_table,
                                    struct err *err) MUST_CHECK;

/* A table as the request says, in the item store, ACTIVE. LF_RESOURCE_IN_USE when the name is taken. */
enum lf_code table_change_create(struct table_change *change, const struct create_table_request *definition,
                                 const struct table **ret_table, struct err *err) MUST_CHECK;

/* What the table is from now on. */
enum lf_code table_change_save(struct table_change *change, const struct table *table,
                               const struct create_table_request *definition, struct err *err) MUST_CHECK;
enum lf_code table_change_set_status(struct table_change *change, const struct table *table, enum table_status status,
                                     struct err *err) MUST_CHECK;

/* What a definition does not say: times that descriptions show, and the label of a new stream. */
struct table_notes {
    bool became_on_demand;
    bool increased, decreased; /* the provisioned throughput */
    bool class_changed;
    bool new_stream;
};
enum lf_code table_change_note(struct table_change *change, const struct table *table, const struct table_notes *notes,
                               struct err *err) MUST_CHECK;
enum lf_code table_change_remove(struct table_change *change, const struct table *table, struct err *err) MUST_CHECK;

/* Time to live: an empty attribute switches it off; another one has all items looked through (table_work.h). */
enum lf_code table_change_set_ttl(struct table_change *change, const struct table *table, struct span attribute,
                                  struct err *err) MUST_CHECK;
enum lf_code table_change_end_ttl_fill(struct table_change *change, const struct table *table, struct err *err) MUST_CHECK;

/* State of an index: `table_change_add_index` gives it a slot that no other index of the table has. */
enum lf_code table_change_add_index(struct table_change *change, const struct table *table, struct span index,
                                    enum table_status status, struct err *err) MUST_CHECK;
enum lf_code table_change_set_index(struct table_change *change, const struct table *table, struct span index,
                                    enum table_status status, bool is_backfilling, struct err *err) MUST_CHECK;
enum lf_code table_change_remove_index(struct table_change *change, const struct table *table, struct span index,
                                       struct err *err) MUST_CHECK;

/* Takes an index, and the attributes that no other key needs, out of a definition, in the arena. */
enum lf_code definition_remove_index(struct create_table_request *definition, struct span index, struct arena *arena,
                                     struct err *err) MUST_CHECK;
/* Takes out the attributes that no key needs. */
enum lf_code definition_keep_used(struct create_table_request *definition, struct arena *arena, struct err *err) MUST_CHECK;
/* Whether an attribute is part of a key of the table or of one of its indexes. */
bool definition_uses_attribute(const struct create_table_request *definition, struct span name);
