/*
 * migrate_tables: a migration that makes indexes, several tables at once.
 *
 *     statements ─ by table ─┬─ largest table:  BEGIN, its statements in order, landfall.migration_table, COMMIT ─┐
 *                            ├─ next:           …                                        (a connection each)     ├─ all on record
 *                            └─ …                                                                                ┘
 *
 * A table is done whole or not at all. After a failure or an interruption the next run goes on with the tables that are not on
 * record. PostgreSQL's own parallel workers share the work on one table; this shares it between tables.
 */
#pragma once

#include "codec/sha256.h"
#include "move/crew.h"
#include "pg/retry.h"

struct table_statements {
    struct span table;                   /* as written: schema.name */
    char checksum[SHA256_HEX_BYTES + 1]; /* SHA-256 of its statements */
    size_t count;
    int64_t bytes; /* of the table */
};

struct migrate_tables {
    struct span sql;                 /* borrowed */
    struct table_statements *tables; /* in `arena`, the largest first once migrate_tables_run has been called */
    size_t table_count;              /* 0 or 1: nothing to be gained */
};

/* Whether every statement is a CREATE INDEX or an ALTER TABLE of one table and refers to no other; else, and where memory is
 * short, there are no tables. */
enum lf_code migrate_tables_split(struct span sql, struct arena *arena, struct migrate_tables *ret_tables,
                                  struct err *err) MUST_CHECK;

/* `jobs` connections like `conn`, which share out maintenance_work_mem. On an error `err->offset` counts from the start of the
 * SQL, or is -1. Errors: LF_SQL of a statement; LF_MIGRATION when a table was done with other statements before. */
enum lf_code migrate_tables_run(struct migrate_tables *tables, struct span version, struct pg_conn *conn, unsigned jobs,
                                const struct pg_retry_policy *policy, struct err *err) MUST_CHECK;
