/*
 * export: the target as a full DynamoDB export that ImportTable takes, so that nobody is locked in.
 *
 * One folder per DynamoDB table: `DIR/<table>/AWSDynamoDB/<export id>/` with manifest-summary.json, manifest-files.json, their
 * .md5, and data/<name>.json.gz in DynamoDB JSON; beside it table.json (CreateTable's parameters from the map: keys, attribute
 * definitions, indexes). One snapshot for all tables and threads (an exported snapshot).
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"

struct export_options {
    const char *postgres;
    const char *dir; /* must not exist or be empty */
    unsigned jobs;
};

typedef bool export_report(void *context, uint64_t items_written, uint64_t items_total);

struct export_result {
    uint64_t items;
    uint64_t bytes; /* compressed */
    size_t files;
    double seconds;
};

enum lf_code export_run(const struct map *map, const struct export_options *options, export_report *report, void *context,
                        struct export_result *ret_result, struct err *err) MUST_CHECK;
