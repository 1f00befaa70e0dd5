/*
 * export_manifest: the files beside the data of an export, as texts. Follows AWS, "DynamoDB table export output format" and
 * "CreateTable". Pure.
 */
#pragma once

#include "map/model.h"
#include "move/export_file.h"

enum { EXPORT_TIME_BYTES = 32, EXPORT_ID_BYTES = 32, EXPORT_UUID_BYTES = 40 };

struct export_manifest {
    const struct map_table *table;
    char id[EXPORT_ID_BYTES];         /* 14 digits, "-", 8 hexadecimal digits */
    char table_id[EXPORT_UUID_BYTES]; /* of nobody: exports must have one */
    int64_t start_ms, end_ms;         /* since 1970 */
    const struct export_entry *entries;
    size_t entry_count;
};

/* manifest-summary.json */
void manifest_put_summary(struct buf *buf, const struct export_manifest *manifest);

/* manifest-files.json */
void manifest_put_files(struct buf *buf, const struct export_manifest *manifest);

/* table.json: the parameters of CreateTable, as `aws dynamodb create-table --cli-input-json` takes them. Indexes project
 * everything. */
void manifest_put_table(struct buf *buf, const struct map_table *table);
