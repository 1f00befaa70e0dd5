/* exec_binary: a statement whose parameters are all in binary format, as rows are read and encoded. */
#pragma once

#include "base/limits.h"
#include "pg/conn.h"

enum { EXEC_PARAMETERS_MAX = 2 * LIMIT_COLUMNS + 1 };

/* `ret_affected` may be NULL. Errors: those of pg_query, LF_LIMIT. */
enum lf_code exec_binary(struct pg_conn *conn, const char *sql, const struct pg_field *values, size_t count,
                         int64_t *ret_affected, struct err *err) MUST_CHECK;

/* SQLSTATE class 23: the data break a constraint. */
static inline bool is_constraint_violation(const struct err *err)
{
    return err->code == LF_SQL && strncmp(err->sqlstate, "23", 2) == 0;
}
