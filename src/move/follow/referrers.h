/*
 * referrers: rows that refer to one which has to go, because DynamoDB, which knows no foreign keys, has let its item go first.
 * Their items are kept in landfall.item, whole, until they change again.
 */
#pragma once

#include "move/row_identity.h"

/* Moves the rows that refer to this one by an enforced foreign key, and those that refer to them. In the caller's transaction. */
enum lf_code referrers_move(struct pg_conn *conn, const struct map *map, const struct row_identity *row, struct arena *arena,
                            struct err *err) MUST_CHECK;
