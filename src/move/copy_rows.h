/*
 * copy_rows: the rows of a COPY (SELECT …) TO STDOUT (FORMAT binary), one by one.
 *
 * The server's messages need not be rows: the header comes with the first row, the trailer alone or with the header. Rows are
 * borrowed from the connection until the next call. One thread.
 */
#pragma once

#include "pg/conn.h"

struct copy_rows {
    struct pg_conn *conn;  /* borrowed */
    struct pg_reader rest; /* of the current message */
    bool header_read;
};

enum lf_code copy_rows_begin(struct pg_conn *conn, const char *sql, struct copy_rows *ret_rows, struct err *err) MUST_CHECK;

/* Fills `field_count` fields, or sets *ret_end. After an error or the end nothing is left to do; before that, copy_rows_abort. */
enum lf_code copy_rows_next(struct copy_rows *rows, struct pg_field *fields, size_t field_count, bool *ret_end,
                            struct err *err) MUST_CHECK;

void copy_rows_abort(struct copy_rows *rows);
