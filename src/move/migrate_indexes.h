/*
 * migrate_indexes: a migration that makes indexes, several at once.
 *
 *     statements ─┬─ ALTER TABLE a …      alone on its table ──────────────► CREATE INDEX … ON a ─┐
 *                 │                                                          CREATE INDEX … ON a ─┤ (a connection each)
 *                 └─ ALTER TABLE b …      beside it ───────────────────────► CREATE INDEX … ON b ─┴─ all on record
 *
 * Each statement is a transaction with its record in landfall.migration_statement. After a failure or an interruption the next
 * run goes on with those that are not on record. Statements of one table keep their order, but CREATE INDEXes that stand behind
 * each other run side by side: PostgreSQL lets them share the table.
 */
#pragma once

#include "codec/sha256.h"
#include "move/crew.h"
#include "pg/retry.h"

enum index_state { INDEX_WAITING, INDEX_RUNNING, INDEX_DONE };

struct index_statement {
    struct span text;                    /* borrowed */
    struct span table;                   /* as written: schema.name */
    bool alters;                         /* ALTER TABLE: nothing else runs on the table meanwhile */
    char checksum[SHA256_HEX_BYTES + 1]; /* SHA-256 of the text */
    int64_t bytes;                       /* of the table, once migrate_indexes_run has been called */
    enum index_state state;
};

struct migrate_indexes {
    struct span sql;                    /* borrowed */
    struct index_statement *statements; /* in `arena`, in the file's order */
    size_t count;                       /* 0: it is to be one transaction */
};

/* No statements unless every one is a CREATE INDEX or an ALTER TABLE of one table and refers to no other. */
enum lf_code migrate_indexes_split(struct span sql, struct arena *arena, struct migrate_indexes *ret_indexes,
                                   struct err *err) MUST_CHECK;

/* `jobs` connections like `conn`, which share out maintenance_work_mem and its parallel workers. On an error `err->offset` counts
 * from the start of the SQL, or is -1. Errors: LF_SQL of a statement; LF_MIGRATION when one is on record that the SQL does not
 * have. */
enum lf_code migrate_indexes_run(struct migrate_indexes *indexes, struct span version, struct pg_conn *conn, unsigned jobs,
                                 const struct pg_retry_policy *policy, struct err *err) MUST_CHECK;
