/*
 * export_folder: a full export of DynamoDB to S3 as local folders, one per DynamoDB table, whoever has the items.
 *
 *     DIR/<table>/table.json                                         CreateTable's parameters from the map
 *     DIR/<table>/AWSDynamoDB/<export id>/manifest-summary.json      and manifest-files.json, each with its .md5
 *     DIR/<table>/AWSDynamoDB/<export id>/data/<name>.json.gz
 *
 * Workers each fill one file at a time with a writer of their own; manifests come last, so an export that was cut short has none.
 */
#pragma once

#include <pthread.h>

#include "move/control.h"
#include "move/export_manifest.h"

struct export_result {
    uint64_t items;
    uint64_t bytes; /* compressed */
    size_t files;
    double seconds;
    struct unmapped unmapped; /* not written */
};

struct export_table;

struct export_folder {
    const struct map *map; /* borrowed */
    const char *dir;       /* borrowed */
    char id[EXPORT_ID_BYTES];
    int64_t start_ms;
    bool made_dir; /* it was not there before */
    bool is_finished;
    pthread_mutex_t mutex; /* of tables and arena while workers write */
    struct export_table *tables;
    struct arena arena;
};

/* Makes the folders. `dir` must not exist or be empty. Errors: LF_PRECONDITION (not empty), LF_MAP (a table whose name is none
 * for a folder), LF_IO, LF_MEMORY. */
enum lf_code export_folder_open(struct export_folder *folder, const struct map *map, const char *dir, struct err *err) MUST_CHECK;

/* What was not finished is removed, but for files that others put there. Safe on a zeroed one. */
void export_folder_close(struct export_folder *folder);

/* Writes the manifests, when all writers have finished, and adds up. */
enum lf_code export_folder_finish(struct export_folder *folder, struct export_result *ret_result, struct err *err) MUST_CHECK;

/* One thread's. Start from a zeroed one with `folder`. */
struct export_writer {
    struct export_folder *folder; /* borrowed */
    size_t table;
    struct export_file *file; /* owned; NULL: none open */
};

/* The table that the next items are of; a file of another one ends. */
enum lf_code export_writer_turn(struct export_writer *writer, size_t table, struct err *err) MUST_CHECK;
enum lf_code export_writer_put(struct export_writer *writer, const struct item *item, struct err *err) MUST_CHECK;

/* Ends the file, if there is one. */
enum lf_code export_writer_finish(struct export_writer *writer, struct err *err) MUST_CHECK;

/* Removes what was not finished. */
void export_writer_done(struct export_writer *writer);
