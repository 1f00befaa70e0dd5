/*
 * item_rows: rows of the item store's table as items.
 */
#pragma once

#include "gateway/store/store.h"

/* Where the row's number stands, in results that have one, and where xmin, size and item begin. */
enum item_column { ITEM_COLUMN_NUMBER, ITEM_COLUMN_VERSION };

/* The row's number, from 0, less than `count`: LF_ROW otherwise. */
enum lf_code item_row_number(const struct pg_result *rows, size_t row, size_t count, size_t *ret_number,
                             struct err *err) MUST_CHECK;

/* xmin, size and item from `column` on; the item's JSON is copied into the arena. */
enum lf_code item_row_read(const struct pg_result *rows, size_t row, size_t column, struct arena *arena,
                           struct stored_item *ret_item, struct err *err) MUST_CHECK;
