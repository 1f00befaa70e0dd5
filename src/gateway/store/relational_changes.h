/*
 * relational_changes: the statements that insert and change rows of mapped tables, many of one table at once.
 *
 * Errors of all that run one: those of db_tx_query; LF_MEMORY.
 */
#pragma once

#include "gateway/store/db.h"
#include "gateway/store/store.h"
#include "map/row.h"

/* A row to be written, of an entity or (row.entity NULL) of landfall.item. */
struct relational_change {
    const struct store_write *write;
    const struct stored_item *old; /* the row that has the key now, or none (is_present); NULL: not known */
    struct row row;
    size_t source;   /* that takes it */
    bool is_update;  /* `old` is in that source, under the same primary key as far as is known */
    bool is_written; /* by relational_update */
};

/* Where the items of writes go, over what the writes say is there. LF_MEMORY. */
enum lf_code relational_changes_of(const struct table *table, const struct store_write *writes, size_t count, struct arena *arena,
                                   struct relational_change **ret_changes, struct err *err) MUST_CHECK;

/* What is there is `old`. */
void relational_change_meets(struct relational_change *change, const struct stored_item *old);

enum lf_code relational_insert(struct db_transaction *transaction, const struct table *table, struct relational_change **changes,
                               size_t count, struct arena *arena, struct err *err) MUST_CHECK;

/* Changes rows in place, those whose primary key is the old one: is_written. */
enum lf_code relational_update(struct db_transaction *transaction, const struct table *table, struct relational_change **changes,
                               size_t count, struct arena *arena, struct err *err) MUST_CHECK;

/* The statement of relational_update, for changes of one source whose entity has no child tables, and what it answers:
 * is_written. */
enum lf_code relational_put_update(struct binary_sql *sql, const struct table *table, struct relational_change **changes,
                                   size_t count, struct err *err) MUST_CHECK;
enum lf_code relational_note_updated(struct relational_change **changes, size_t count, const struct pg_result *updated,
                                     struct err *err) MUST_CHECK;

/* A statement that inserts or changes rows of one source without child tables, whichever is needed (is_by_key), and deletes their
 * items from landfall.item. */
enum lf_code relational_put_upsert(struct binary_sql *sql, const struct table *table, struct relational_change **changes,
                                   size_t count, struct err *err) MUST_CHECK;

/* Into landfall.item, whatever is there. */
enum lf_code relational_insert_items(struct db_transaction *transaction, const struct table *table,
                                     struct relational_change **changes, size_t count, struct arena *arena,
                                     struct err *err) MUST_CHECK;

/* Images for the table's stream, where there is one, of those that change something. */
enum lf_code relational_insert_images(struct db_transaction *transaction, const struct table *table,
                                      const struct relational_change *changes, size_t count, struct arena *arena,
                                      struct err *err) MUST_CHECK;
