/*
 * manifest: what an export of DynamoDB to S3 says of itself: manifest-summary.json and manifest-files.json, checked against
 * their .md5 files where these are there. Source: AWS, "DynamoDB table export output format".
 */
#pragma once

#include "source/tree.h"

/* Before all times of exports. */
#define MANIFEST_TIME_UNKNOWN INT64_MIN

enum { MANIFEST_SUMMARY_BYTES_MAX = 1024 * 1024, MANIFEST_FILES_BYTES_MAX = 256 * 1024 * 1024 };

struct manifest_file {
    struct span path; /* below the export's folder: the key without everything up to AWSDynamoDB/<id>/; of an incremental export
                         below the folder that holds it, AWSDynamoDB/: its data lie in data/ there, beside those of others */
    int64_t item_count;
    struct span md5; /* base64; empty when not given */
};

struct manifest {
    struct span table; /* name, of the table ARN */
    bool is_incremental;
    int64_t from_us, to_us; /* as of timestamp.h; of an incremental export the window, from inclusive, to exclusive; of a full one
                               `to` is the instant that it shows, MANIFEST_TIME_UNKNOWN when not given */
    int64_t item_count;
    struct manifest_file *files;
    size_t file_count;
};

/* Reads manifest-summary.json alone: no files, nothing of them is checked. Errors as of manifest_read. */
enum lf_code manifest_read_summary(struct tree *tree, struct span folder, struct arena *arena, struct manifest *ret_manifest,
                                   struct err *err) MUST_CHECK;

/*
 * Reads both files of the export in `folder` (NUL-terminated). Everything is in the arena. Errors, each naming the file:
 * LF_SOURCE (a member is missing, a path that leaves the folder), LF_CHECKSUM (MD5, or the files' item counts
 * do not add up), LF_SYNTAX, LF_NOT_FOUND, LF_IO, LF_LIMIT, LF_MEMORY.
 */
enum lf_code manifest_read(struct tree *tree, struct span folder, struct arena *arena, struct manifest *ret_manifest,
                           struct err *err) MUST_CHECK;
