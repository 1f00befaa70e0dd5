/*
 * backup: copies of the item store's tables, as CreateBackup makes them and RestoreTableFromBackup takes them.
 *
 *     CreateBackup ─► row in landfall.backup ─► one statement copies the items (one snapshot) ─► available
 *     restore ─► table CREATING ─► items, a batch per step ─► its indexes are filled (table_work.h) ─► ACTIVE
 *
 * What is left to do stands in the database: whoever comes next goes on. Functions that run statements belong on a fiber.
 */
#pragma once

#include "gateway/jobs/jobs.h"
#include "gateway/table_change.h"

struct backup {
    int64_t id;
    struct span arn;
    struct span name;
    bool is_available;
    struct span table_name;
    struct span table_id;
    const struct create_table_request *definition;
    struct span ttl_attribute; /* empty: none */
    int64_t table_created_ms, created_ms;
    int64_t items, bytes;
};

struct backup_filter {
    struct span arn;        /* this one; empty: all */
    struct span table_name; /* of this table; empty: of all */
    struct span behind;     /* an ARN; empty: from the beginning */
    int64_t from_ms, to_ms; /* created since, and before */
    int64_t count_max;
    bool is_unfinished; /* only those whose items are not copied yet */
};

/* In order of their ARNs, in the arena. */
enum lf_code backup_find(struct worker *worker, const struct backup_filter *filter, struct arena *arena,
                         struct backup **ret_backups, size_t *ret_count, struct err *err) MUST_CHECK;
/* LF_BACKUP_NOT_FOUND. */
enum lf_code backup_get(struct worker *worker, struct span arn, struct arena *arena, struct backup *ret_backup,
                        struct err *err) MUST_CHECK;

/* A new one of a table, whose items are not copied yet; its ARN in the arena. */
enum lf_code backup_insert(struct worker *worker, const struct table *table, struct span name, struct arena *arena,
                           struct span *ret_arn, struct err *err) MUST_CHECK;
/* With its items. LF_BACKUP_IN_USE while a table is being restored from it. */
enum lf_code backup_remove(struct worker *worker, const struct backup *backup, struct err *err) MUST_CHECK;

/* Of a table that was just made: its items are to be copied from the backup, its indexes to be filled. */
enum lf_code backup_begin_restore(struct table_change *change, const struct table *table, const struct backup *backup,
                                  struct err *err) MUST_CHECK;
/* The next items of a table that is being restored. */
enum lf_code backup_restore_step(struct worker *worker, const struct table *table, bool *ret_done, struct err *err) MUST_CHECK;
enum lf_code backup_end_restore(struct table_change *change, const struct table *table, struct err *err) MUST_CHECK;

/* The job: copies the items of a backup that is left. */
enum lf_code backup_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                         struct err *err) MUST_CHECK;
/* Copies the items of a new backup at once, in a fiber of its own. */
void backup_start(struct worker *worker, struct span arn);
