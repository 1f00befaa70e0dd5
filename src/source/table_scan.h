/*
 * table_scan: a table of DynamoDB itself as a source (source.h), read by a parallel scan.
 *
 *     segment:  ├─ page ─ page ─ … ─┼─ page ─ … ─┼─ … ─┤     a chunk: pages of SOURCE_CHUNK_BYTES, or of a few seconds
 *               0                   1            2            where it ends is a position: DynamoDB's LastEvaluatedKey
 *
 * The table is always read in SCAN_SEGMENTS segments, whatever its size: so all processes, now and later, mean the same by one,
 * and the position at which a chunk ends is all it takes to go on. A chunk is cut where the time was up: it has no fixed place,
 * so chunks of a segment are loaded one after the other, each in a transaction that finds the position where it begins on record.
 *
 * Reads are eventually consistent: half the price, and whoever follows the table starts its stream before the scan. They are
 * paced by the capacity that they consume (pace.h). Source: AWS, "Amazon DynamoDB API reference: Scan".
 */
#pragma once

#include "source/source.h"

enum { SCAN_SEGMENTS = 64 };

struct table_scan;

/* "dynamodb://…" */
bool table_scan_is_meant(const char *path);

/* Asks for the table's definition and fills the source. Errors: those of dynamodb_open and dynamodb_call, LF_USAGE (no name of a
 * table, no rate), LF_SOURCE (not a definition). */
enum lf_code table_scan_open(const char *path, const struct source_options *options, struct source *source,
                             struct err *err) MUST_CHECK;
void table_scan_close(struct table_scan *scan); /* NULL is fine */

/* All segments from their beginning. No thread may be reading. */
void table_scan_rewind(struct table_scan *scan);

/* A segment from the end of its chunk `number` - 1 on. LF_MEMORY. */
enum lf_code table_scan_resume(struct table_scan *scan, size_t segment, uint64_t number, struct span position,
                               struct err *err) MUST_CHECK;

/* Whether a chunk of the segment was read since it was rewound. */
bool table_scan_has_begun(const struct table_scan *scan, size_t segment);

/* The segment's next chunk; one thread at a time per segment. */
enum lf_code table_scan_next(struct table_scan *scan, size_t segment, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                             struct err *err) MUST_CHECK;

/* One item, read consistently at the pace of the scan; `key` holds its key attributes. *ret_found false: there is none. Any
 * thread. */
enum lf_code table_scan_read_item(struct table_scan *scan, const struct item *key, struct arena *arena, struct item *ret_item,
                                  bool *ret_found, struct err *err) MUST_CHECK;
