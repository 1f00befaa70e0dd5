/*
 * source: where items come from: export files, or a table of DynamoDB ("dynamodb://TABLE", table_scan.h).
 *
 * A path is a folder or a file, on this host or in S3 ("s3://bucket/prefix"); folders are walked to the bottom:
 *   - a folder with `manifest-summary.json` is an export of DynamoDB to S3 (AWSDynamoDB/<id>/ in the bucket): its manifest names
 *     the files, their item counts and MD5s, and its table ARN names the table;
 *   - any other folder with data files is *bare*: *.json.gz, *.jsonl, *.jsonl.gz and *.ddb.json (lines of DynamoDB JSON) and
 *     *.ion, *.10n, *.ion.gz and *.10n.gz (text Ion, also a record a line, or binary) are data; a plain *.json is data only where
 * the folder has none of these and the file does not begin like a pretty-printed document (its first line opens an object and
 * goes on). `table.json`, `table.*.json` and `manifest-*` never are.
 *
 * An incremental export is a *window* of changes to a table; only the files that its manifest lists are read. Windows follow the
 * full export of the same table in the folder: the first begins no later than that was taken (exportTime), each next no later
 * than the one before ended; a gap is refused (LF_SOURCE, naming both times). What ended before the full export is left out. A
 * source may also hold windows alone; whoever needs items asks `source_require_items`.
 *
 * The key schema comes from a DescribeTable answer: `table.<name>.json` or `table.json` beside the data or in a folder above, up
 * to the source (for an export also the folder that holds AWSDynamoDB/), where <name> is the table or a folder on the way; else
 * from `--key`. A bare table is called what table.json says, else `--table`, else like its folder (or file). Folders below one
 * table.json are one table. A folder without a key schema is an error, unless others have one: then it is left out and `notice`
 * says so.
 *
 * Whatever it is called, a file that begins with the version marker of binary Ion, E0 01 00 EA, is binary Ion.
 *
 * Data come as *chunks*: whole records of one file (records.h), about SOURCE_CHUNK_BYTES unless source_set_chunk_bytes says
 * otherwise, cut at the same places on every run with the same size, so (file, chunk number) names the same items for ever: the
 * unit of work, of transactions and of resuming. `source_next` may be called by several threads; chunks of one file are given out
 * in order, several files at once.
 *
 * A *live* source is a table: its files are the segments of a scan. A chunk of one is cut anywhere, and begins where the one
 * before ended; so the next one is given out when the chunk has gone back (to source_next, or source_chunk_done).
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "item/export_record.h"
#include "map/model.h"
#include "source/manifest.h"
#include "source/tree.h"

enum { SOURCE_CHUNK_BYTES = 8 * 1024 * 1024, SOURCE_CHUNK_BYTES_MAX = 32 * 1024 * 1024 };

/* One incremental export of those in a place (exports.h). */
struct source_only {
    struct span folder;    /* its name relative to the source */
    struct key_schema key; /* of its table: no table.json is asked for */
};

struct source_options {
    const struct source_only *only; /* nothing else that is there counts; NULL: all does */
    const char *key;                /* "pk:S,sk:S" for tables without table.json; NULL */
    const char *table; /* name for a source of one table that does not tell it; NULL: from manifest, table.json or folder */

    /* Of a table of DynamoDB. */
    const char *region, *endpoint; /* as of aws/dynamodb.h */
    const char *max_rcu;           /* "500", or "20%" of what is provisioned; NULL: as fast as it goes */
    const _Atomic bool *is_over;   /* true: no more attempts and waits; NULL: never */
};

struct source_file {
    struct span path;          /* as opened */
    struct span name;          /* relative to the source, the same on every host */
    size_t table;              /* index into tables */
    enum export_format format; /* by its name */
    int64_t item_count;        /* by the manifest, -1 when unknown */
    struct span md5;           /* base64, of the file's bytes as stored; empty when unknown */
    int64_t size_bytes;        /* as stored */
};

/* An incremental export. */
struct source_window {
    struct span name;       /* folder, relative to the source */
    size_t table;           /* index into tables */
    int64_t from_us, to_us; /* microseconds as of timestamp.h: from inclusive, to exclusive */
    struct source *changes; /* owned: its files; their lines are changes (export_read_change) instead of items; tables borrowed */
};

struct source {
    struct arena arena;       /* owns all names */
    struct tree *tree;        /* owned: where the files lie */
    struct span path;         /* as it was given */
    struct map_table *tables; /* name, key, indexes; no entities */
    size_t table_count;
    int64_t *table_times;          /* of each table the instant that its full export shows, MANIFEST_TIME_UNKNOWN */
    struct source_window *windows; /* sorted by table, then in the order in which they follow each other */
    size_t window_count;
    struct source_file *files; /* of full exports and bare folders, sorted by name */
    size_t file_count;
    int64_t item_count;         /* of all manifests, -1 when one is unknown */
    int64_t size_bytes;         /* of all files, for progress */
    struct span notice;         /* folders that were left out, one line each, for people; mostly empty */
    struct table_scan *scan;    /* owned, of a live source; else NULL */
    struct span identity;       /* of a live source: what tells the table from others, now and later */
    struct source_state *state; /* owned: open files, the mutex */
};

/* Finds tables and files, reads manifests and table.json. Errors: LF_SOURCE, LF_NOT_FOUND, LF_CHECKSUM (md5 of the manifests),
 * each naming the file; in S3 also those of aws/s3.h. */
enum lf_code source_open(const char *path, const struct source_options *options, struct source *ret_source,
                         struct err *err) MUST_CHECK;
void source_close(struct source *source);

static inline bool source_is_live(const struct source *source)
{
    return source->scan != NULL;
}

struct source_chunk {
    size_t file;               /* index into files */
    enum export_format format; /* by the file's first bytes */
    uint64_t number;           /* from 0 within the file */
    uint64_t first_line;       /* from 1; of binary Ion the number of its first record */
    uint64_t offset;           /* of its first byte in the uncompressed file */
    bool is_last;              /* of its file: by now MD5 was verified */
    struct buf data;           /* whole lines, or a stream of binary Ion; reused by the next call with the same chunk */
    struct buf start, end;     /* of a live source: positions where it begins and ends; "" at the segment's begin and end */
    struct source *holds;      /* of a live source: whose file it is, until it goes back; NULL: none */
};
void source_chunk_init(struct source_chunk *chunk);
void source_chunk_done(struct source_chunk *chunk);

/*
 * The next chunk of any file, thread-safe; *ret_end when all files are through. An empty file still gives one (empty, last)
 * chunk. Errors: LF_TRUNCATED (a gzip member or a value of binary Ion ends early, with file and offset), LF_CHECKSUM (MD5 or
 * item count of a file, before its last chunk), LF_SOURCE (not gzip, damaged), LF_LIMIT (a line over LIMIT_LINE_BYTES),
 * LF_SYNTAX, LF_ITEM, LF_LIMIT (no binary Ion, or symbol tables that cannot be read), LF_IO. After one of these every later call
 * gives it again.
 */
enum lf_code source_next(struct source *source, struct source_chunk *chunk, bool *ret_end, struct err *err) MUST_CHECK;

/*
 * Asked before the first chunk of a file is read, by the thread that is about to read it; *ret_open false leaves the file out of
 * this pass, because somebody else sees to it. An error is that of source_next. The gate stays until another is set (while no
 * thread reads); NULL: all files are read. Windows have none.
 */
typedef enum lf_code source_gate(void *context, size_t file, bool *ret_open, struct err *err);
void source_set_gate(struct source *source, source_gate *gate, void *context);

/* How much a chunk has at least, SOURCE_CHUNK_BYTES_MAX at most; before the first is read. Does not reach the windows. */
void source_set_chunk_bytes(struct source *source, size_t bytes);

/* Back to the first chunk of every file, also of the windows (no chunk may be in use). */
void source_rewind(struct source *source);

/* Of a live source, after source_rewind: the file goes on with chunk `number`, at the end of the one before. LF_MEMORY. */
enum lf_code source_resume(struct source *source, size_t file, uint64_t number, struct span position, struct err *err) MUST_CHECK;

/* Leaves a file out of this pass (before its first chunk): all its chunks are known to be loaded. */
void source_skip(struct source *source, size_t file);

/* Leaves out of this pass what is left of the file of this chunk of a live source: somebody else is at it. */
void source_leave(struct source_chunk *chunk);

/* Bytes as stored that were read so far, for progress. */
int64_t source_bytes_read(const struct source *source);

/* That there are items to read, not only windows of changes: LF_SOURCE. */
enum lf_code source_require_items(const struct source *source, struct err *err) MUST_CHECK;

/* Cuts the next line (without its newline) off `rest`; false at the end. Blank lines are given too. */
bool source_next_line(struct span *rest, struct span *ret_line);

/* Whether the line holds nothing but spaces, tabs and a carriage return: such lines are no items. */
bool source_line_is_blank(struct span line);
