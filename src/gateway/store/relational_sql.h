/*
 * relational_sql: a statement in the making: its text, and its parameters, which are all in binary format.
 *
 *     relational_sql_put(&sql, "SELECT … WHERE t.id = ");
 *     relational_sql_param(&sql, field, "uuid");             $1::uuid
 *
 * What tables and columns are called comes from the map and is quoted by ddl.h; values are never part of the text, so the texts
 * are few and are prepared once (db_statement). Lies in the arena but for the text. One thread.
 */
#pragma once

#include "gateway/store/db.h"

enum { RELATIONAL_PARAMS_MAX = 8192 };

struct relational_sql {
    struct arena *arena; /* borrowed */
    struct buf text;     /* owned */
    struct pg_field *values;
    bool *binary;
    size_t count, capacity;
    bool failed; /* out of memory, sticky */
};

void relational_sql_init(struct relational_sql *sql, struct arena *arena);
void relational_sql_done(struct relational_sql *sql);

static inline void relational_sql_put(struct relational_sql *sql, const char *text)
{
    buf_put_cstr(&sql->text, text);
}

/* "$n::type" and its value. */
void relational_sql_param(struct relational_sql *sql, struct pg_field value, const char *type);
void relational_sql_int64(struct relational_sql *sql, int64_t value);
void relational_sql_span(struct relational_sql *sql, struct span bytes, const char *type); /* ptr NULL is SQL NULL */

/* "$n::type[]": elements `stride` fields apart. */
void relational_sql_array(struct relational_sql *sql, const struct pg_field *first, size_t count, size_t stride,
                          enum pg_oid element, const char *type);

/* The statement and its parameters, valid until relational_sql_done. */
enum lf_code relational_sql_get(struct relational_sql *sql, struct db *db, const struct pg_statement **ret_statement,
                                struct pg_params *ret_params, struct err *err) MUST_CHECK;
