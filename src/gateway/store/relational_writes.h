/*
 * relational_writes: items into the rows of mapped tables.
 *
 * The map says which table takes an item (row_encode); landfall.item takes the others, with the reason. Where the old item's row
 * is in another table, or under another primary key, it is deleted, else it is changed in place and its primary key is not SET.
 * The rows of child tables are replaced. All rows of one table are one statement:
 *
 *     deletes, children before parents ─► changes ─► new rows, parents before children ─► landfall.item ─► images for the stream
 *
 * Several tables can hold a key, so whoever writes holds its lock (store_lock_keys), and has read it since (relational_lock).
 */
#pragma once

#include "gateway/store/store.h"

struct relational_write {
    const struct store_write *write;
    const struct stored_item *old; /* as relational_lock gave it, or relational_lock_places without a stream */
};

/*
 * An item that breaks a constraint goes to landfall.item with PostgreSQL's words, if `is_careful`: then each statement has a
 * savepoint, and is halved until the items are found; otherwise the first one ends it with LF_SQL, SQLSTATE class 23. Errors
 * also: LF_TRANSACTION_CONFLICT when somebody wrote a row by SQL since it was read; LF_VALIDATION when other rows refer to one
 * that is to go.
 */
enum lf_code relational_write_rows(struct db_transaction *transaction, const struct table *table,
                                   const struct relational_write *writes, size_t count, bool is_careful, struct arena *arena,
                                   struct err *err) MUST_CHECK;

/* One write on its own, given up where a constraint or somebody else is in its way. */
enum lf_code relational_try(struct worker *worker, const struct table *table, const struct store_write *write,
                            struct arena *arena, struct err *err) MUST_CHECK;

/* Callbacks of store.h. */
enum lf_code relational_write(struct worker *worker, const struct table *table, const struct store_write *writes, size_t count,
                              struct arena *arena, bool *ret_applied, struct err *err) MUST_CHECK;
enum lf_code relational_write_locked(struct db_transaction *transaction, const struct table *table,
                                     const struct store_write *writes, size_t count, struct arena *arena,
                                     struct err *err) MUST_CHECK;
