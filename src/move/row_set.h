/*
 * row_set: many rows of the target's tables, deleted or changed by one statement a table.
 *
 * For rows whose identities are known (row_identity.h). What one at a time would do, with the same outcome where no constraint
 * is broken. Call within a transaction; on an error its statements are to be rolled back.
 */
#pragma once

#include "map/row.h"
#include "move/row_identity.h"

/* Deletes rows and those of their child tables; rows of tables that refer to others go before those. */
enum lf_code row_set_delete(struct pg_conn *conn, const struct map *map, const struct row_identity *const *rows, size_t count,
                            struct arena *arena, struct err *err) MUST_CHECK;

/*
 * Changes rows of one entity in place, each by its own primary key, which stays; the rows of their child tables go, and the new
 * ones are left to the caller. *ret_changed: how many were still there. The rows travel through a temporary table of the
 * session, because arrays of arrays do not travel as parameters.
 */
enum lf_code row_set_update(struct pg_conn *conn, const struct map *map, const struct row *const *rows, size_t count,
                            size_t *ret_changed, struct err *err) MUST_CHECK;
