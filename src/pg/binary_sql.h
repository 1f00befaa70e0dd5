/*
 * binary_sql: a statement in the making, whose parameters and results are all in binary format, as rows are encoded and decoded.
 *
 *     binary_sql_put(&sql, "DELETE FROM court.case AS t USING unnest(");
 *     binary_sql_array(&sql, fields, count, 1, PG_OID_UUID, "uuid");          $1::uuid[]
 *
 * What tables and columns are called comes from the map and is quoted by ddl.h; values are never part of the text, so that texts
 * are few and can be prepared (the gateway's db_run). Lies in the arena but for the text. One thread.
 */
#pragma once

#include "pg/conn.h"

enum { BINARY_SQL_PARAMS_MAX = 8192 };

struct binary_sql {
    struct arena *arena; /* borrowed */
    struct buf text;     /* owned */
    struct pg_field *values;
    bool *binary;
    size_t count, capacity;
    bool failed; /* out of memory, or too many parameters; sticky */
};

void binary_sql_init(struct binary_sql *sql, struct arena *arena);
void binary_sql_done(struct binary_sql *sql);
#define BINARY_SQL_CLEANUP __attribute__((cleanup(binary_sql_done)))

static inline void binary_sql_put(struct binary_sql *sql, const char *text)
{
    buf_put_cstr(&sql->text, text);
}

/* "$n::type" and its value. */
void binary_sql_param(struct binary_sql *sql, struct pg_field value, const char *type);
void binary_sql_span(struct binary_sql *sql, struct span bytes, const char *type); /* ptr NULL is SQL NULL */
void binary_sql_text(struct binary_sql *sql, struct span text);                    /* ptr NULL is the empty one */
void binary_sql_int64(struct binary_sql *sql, int64_t value);

/* "$n::type[]": elements `stride` fields apart. */
void binary_sql_array(struct binary_sql *sql, const struct pg_field *first, size_t count, size_t stride, enum pg_oid element,
                      const char *type);
void binary_sql_int64s(struct binary_sql *sql, const int64_t *numbers, size_t count);

/* Valid until binary_sql_done; so is the text, `sql->text`. Errors: LF_MEMORY, LF_LIMIT. */
enum lf_code binary_sql_params(const struct binary_sql *sql, struct pg_params *ret_params, struct err *err) MUST_CHECK;

/* Errors: those of pg_query and binary_sql_params. */
enum lf_code binary_sql_query(struct binary_sql *sql, struct pg_conn *conn, struct pg_result **ret_result,
                              struct err *err) MUST_CHECK;
/* `ret_affected` may be NULL. */
enum lf_code binary_sql_exec(struct binary_sql *sql, struct pg_conn *conn, int64_t *ret_affected, struct err *err) MUST_CHECK;
