/*
 * export_file: one data file of an export, lines of DynamoDB JSON in gzip.
 *
 * Written under a name that ends in ".tmp" and renamed when whole and on disk: a *.json.gz is never half. One thread.
 */
#pragma once

#include "base/buf.h"
#include "item/value.h"
#include "source/md5.h"

enum { EXPORT_FILE_BYTES = 64 * 1024 * 1024 /* of lines, after which a file ends */ };

struct export_file;

/* What the manifest says of a file. */
struct export_entry {
    char name[40]; /* 26 of a-z2-7, ".json.gz" */
    char md5[MD5_BASE64_BYTES + 1];
    uint64_t items;
    uint64_t bytes; /* as stored */
};

/* Errors: LF_IO, LF_MEMORY. */
enum lf_code export_file_new(struct span folder, struct export_file **ret_file, struct err *err) MUST_CHECK;

/* Removes what was not finished. NULL is fine. */
void export_file_free(struct export_file *file);

enum lf_code export_file_put(struct export_file *file, const struct item *item, struct err *err) MUST_CHECK;
bool export_file_is_full(const struct export_file *file);

/* Ends the file and gives it its name; only export_file_free may follow. */
enum lf_code export_file_finish(struct export_file *file, struct export_entry *ret_entry, struct err *err) MUST_CHECK;

/* `content` as a file that is there whole or not at all. */
enum lf_code export_write_whole(const char *path, struct span content, struct err *err) MUST_CHECK;
