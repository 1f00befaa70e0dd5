/*
 * row_arrays: parameters of a statement that takes many rows, one array per column (unnest($1::bytea[], …)).
 *
 *     rows:  h0 sk0 item0 │ h1 sk1 item1 │ …      ──►      $1 = {h0, h1, …}   $2 = {sk0, sk1, …}   $3 = {item0, item1, …}
 *
 * Rows are put field by field, in the order of the columns. One thread.
 */
#pragma once

#include "base/buf.h"
#include "pg/conn.h"

enum { ROW_ARRAYS_COLUMNS_MAX = 64, ROW_ARRAYS_BYTES_MAX = 256 * 1024 * 1024 };

struct row_arrays {
    struct buf columns[ROW_ARRAYS_COLUMNS_MAX];
    struct pg_field values[ROW_ARRAYS_COLUMNS_MAX];
    bool binary[ROW_ARRAYS_COLUMNS_MAX];
    size_t count; /* of columns */
    size_t next;  /* column of the next field */
};

/* `rows` fields will be put for each of the columns that row_arrays_add then adds. */
void row_arrays_init(struct row_arrays *arrays);
void row_arrays_add(struct row_arrays *arrays, enum pg_oid element, size_t rows);
void row_arrays_done(struct row_arrays *arrays);

void row_arrays_put(struct row_arrays *arrays, struct pg_field field);
void row_arrays_put_span(struct row_arrays *arrays, struct span bytes); /* ptr NULL is SQL NULL */
void row_arrays_put_int32(struct row_arrays *arrays, int32_t value);
void row_arrays_put_int64(struct row_arrays *arrays, int64_t value);
void row_arrays_put_boolean(struct row_arrays *arrays, bool value);

/* The parameters; valid until the next put. LF_MEMORY when a buffer was too small. */
enum lf_code row_arrays_params(struct row_arrays *arrays, struct pg_params *ret_params, struct err *err) MUST_CHECK;
