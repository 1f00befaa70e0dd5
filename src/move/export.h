/*
 * export: the target as a full DynamoDB export that ImportTable takes, so that nobody is locked in.
 *
 * The layout is export_folder's. One snapshot for all tables and threads (an exported snapshot).
 */
#pragma once

#include "move/export_folder.h"
#include "pg/conn.h"

struct export_options {
    const char *postgres;
    const char *dir; /* must not exist or be empty */
    unsigned jobs;
};

typedef bool export_report(void *context, uint64_t items_written, uint64_t items_total);

/* What a run that fails or is stopped has written is removed. */
enum lf_code export_run(const struct map *map, const struct export_options *options, export_report *report, void *context,
                        struct export_result *ret_result, struct err *err) MUST_CHECK;
