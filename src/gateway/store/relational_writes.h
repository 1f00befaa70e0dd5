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

/* One write on its own, given up where no entity claims the item, or a constraint or somebody else is in its way. */
enum lf_code relational_try(struct worker *worker, const struct table *table, const struct store_write *write,
                            struct arena *arena, struct err *err) MUST_CHECK;

/*
 * Callbacks of store.h. An item that breaks a constraint goes to landfall.item with PostgreSQL's words: where one may, each
 * statement has a savepoint, and is halved until the items are found. Errors also: LF_TRANSACTION_CONFLICT when somebody wrote a
 * row by SQL since it was read; LF_VALIDATION when other rows refer to one that is to go.
 */
enum lf_code relational_write(struct worker *worker, const struct table *table, const struct store_write *writes, size_t count,
                              struct arena *arena, bool *ret_applied, struct err *err) MUST_CHECK;
enum lf_code relational_write_locked(struct db_transaction *transaction, const struct table *table,
                                     const struct store_write *writes, size_t count, struct arena *arena,
                                     struct err *err) MUST_CHECK;
