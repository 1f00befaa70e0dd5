/*
 * migrate: the DDL files of `landfall plan`, applied.
 *
 * Files are dbmate's: VERSION_name.sql with "-- migrate:up" and "-- migrate:down" ("transaction:false" honoured: then each
 * statement goes alone). Applied versions stand in public.schema_migrations, so dbmate can take over, and with their SHA-256 in
 * landfall.migration: a file edited after it was applied, or missing, is refused (LF_MIGRATION). What dbmate applied has no
 * SHA-256 here and is taken as it is. One run at a time per database: the others wait. The lock is an advisory transaction lock
 * on a connection of its own, so that it holds behind a pooler too, and around statements that stand outside of transactions.
 * lock_timeout with retries, so that a waiting DDL never blocks the application for long; not for transaction:false, because
 * CREATE INDEX CONCURRENTLY waits for transactions without blocking anybody. An invalid index that a failed CREATE INDEX
 * CONCURRENTLY left is dropped before the next try. Order is the order of versions as text, as it is dbmate's.
 *
 * With the tables go, up and down, the records of what was loaded into them and what lies in landfall.item: the next backfill
 * loads everything.
 *
 * Several indexes are made at once, each in a transaction of its own (move/migrate_indexes.h); every other migration is one
 * transaction.
 *
 * The contract migration drops the schema landfall; from then on public.schema_migrations alone says what is applied.
 */
#pragma once

#include "base/buf.h"
#include "map/ddl.h"
#include "pg/conn.h"

/* Writes the four files of a map into `dir` (created). Files that are already there with the same content are left; a different
 * plan is LF_PRECONDITION unless `replace`. `ret_written` counts new files. Versions are `version_base` + step, e.g.
 * 20261121090000. */
struct migrate_plan_options {
    const char *dir;
    uint64_t version_base;
    bool replace;
};
enum lf_code migrate_plan(const struct map *map, const struct migrate_plan_options *options, size_t *ret_written,
                          struct err *err) MUST_CHECK;

struct migration {
    struct span version; /* digits */
    struct span name;    /* "expand_tables" */
    struct span path;
    struct span up, down;        /* SQL */
    unsigned up_line, down_line; /* where they start in the file */
    bool up_alone, down_alone;   /* transaction:false */
    struct span checksum;        /* hexadecimal SHA-256 of the file */
    bool applied;
    enum migration_step step; /* by name; MIGRATION_STEPS for a file that people added: it goes with the step before it */
};
struct migration_list {
    struct migration *items;
    size_t count;
};

/* Reads the folder and, with a connection (may be NULL), what is applied. LF_MIGRATION on edited, missing or out-of-order files.
 */
enum lf_code migrate_read(const char *dir, struct pg_conn *conn, struct arena *arena, struct migration_list *ret_list,
                          struct err *err) MUST_CHECK;

typedef void migrate_progress(void *context, const struct migration *migration, double seconds);
struct migrate_up_options {
    const char *dir;
    enum migration_step last;   /* applied, too */
    unsigned jobs;              /* tables at once; 0: one */
    migrate_progress *progress; /* called after each migration; may be NULL */
    void *context;
};

/* Creates the control schema (sql/control.sql) and applies what is not applied yet. `conn` is not in a transaction. Errors:
 * LF_PRECONDITION when the folder holds no migration; LF_SQL "… while applying FILE:LINE". */
enum lf_code migrate_up(struct pg_conn *conn, const struct migrate_up_options *options, struct err *err) MUST_CHECK;

/* Takes back the newest applied migration. */
enum lf_code migrate_down(struct pg_conn *conn, const char *dir, migrate_progress *progress, void *context,
                          struct err *err) MUST_CHECK;
