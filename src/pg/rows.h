/*
 * rows: the rows of a result as bytes, and back, for who keeps them outside of PostgreSQL.
 *
 *     columns (4)  rows (4)  { length (4) bytes }*      numbers big-endian; length -1 is NULL
 */
#pragma once

#include "pg/conn.h"

enum { PG_ROWS_COLUMNS_MAX = 1600 /* of a PostgreSQL table */ };

void pg_rows_put(const struct pg_result *result, struct buf *buf);

/* A result of these rows, to be freed. Errors: LF_ROW when the bytes make no sense; LF_MEMORY. */
enum lf_code pg_rows_get(struct span bytes, struct pg_result **ret_result, struct err *err) MUST_CHECK;
