/*
 * backfill: loads a source into the tables of a map, in parallel, resumable at any point.
 *
 * Each worker thread owns a connection, an arena and buffers and takes chunks of the source (source.h). One chunk is one
 * transaction: its row in landfall.segment is inserted first (ON CONFLICT DO NOTHING: nothing inserted means somebody else has
 * loaded it, and the chunk is skipped), then one COPY per table that the chunk has rows for, landfall.item and landfall.reject
 * included, then COMMIT. So after kill -9 the same command loads what is missing, and several processes, on any hosts that see
 * the source, may run it at once: no row twice, none missing. They share the files by leases (lease.h). One that finds no free
 * file left helps with the chunks of the others' files, then waits for chunks that are under way; what a dead one held is loaded
 * by those. One of them does what comes after the load while the others wait; the totals of the result are the same for all.
 * A row that breaks a constraint of its table (there are none before a first load) goes to landfall.item with the reason.
 * After the last chunk: index and constraint migrations, ANALYZE; items that these refuse are moved (violations.h). A load that
 * is complete does only what is left of these. Segments of a scan (table_scan.h) are leased like files, but one alone loads a
 * segment, chunk after chunk, each in a transaction that finds on record where it begins: whoever has lost its lease without
 * noticing loads nothing more. Then the source's windows are applied (changes.h); a source may also hold windows
 * alone, for a table that was loaded before.
 *
 *     source ─ chunk ─ line ─ item ─ row_encode ─┬─ buf per table ─ COPY ─┐
 *                                                ├─ landfall.item         ├─ one transaction
 *                                                └─ parity sums ──────────┘
 */
#pragma once

#include "base/stage_clock.h"
#include "map/model.h"
#include "move/changes.h"
#include "move/violations.h"
#include "source/source.h"

/* Not all of a worker's memory, and enough that what a COPY and a transaction cost by themselves is little of it. */
enum { BACKFILL_CHUNK_BYTES = SOURCE_CHUNK_BYTES_MAX };

struct backfill_options {
    const char *postgres;          /* connection string or NULL */
    const char *migrations;        /* folder */
    const char *rejects;           /* file for bad lines, verbatim, written anew at the end; NULL: a bad line stops the command */
    struct span map_yaml;          /* the map as written, kept in landfall.map */
    unsigned jobs;                 /* worker threads, 1 … LIMIT_JOBS */
    size_t chunk_bytes;            /* of a load that begins; 0: BACKFILL_CHUNK_BYTES */
    unsigned lease_seconds;        /* until a process that says nothing is taken for dead; 0: LEASE_SECONDS */
    struct stage_profile *profile; /* NULL: none is wanted */
};

struct backfill_progress {
    uint64_t items; /* this run, before it, and what others are known to have loaded */
    uint64_t unclaimed;
    uint64_t rejected;
    int64_t bytes_read; /* of the source, on disk */
    int64_t bytes_total;
};

/* Called about four times a second from the calling thread; the last call has everything. True asks to stop (LF_INTERRUPTED;
 * resumable). */
typedef bool backfill_report(void *context, const struct backfill_progress *progress);

struct backfill_table {
    struct span table; /* of PostgreSQL, or landfall.item */
    uint64_t rows;
};
struct backfill_result {
    struct backfill_progress totals;
    uint64_t items_resumed;        /* were loaded before this run began */
    struct backfill_table *tables; /* rows of all runs, in the arena given */
    size_t table_count;
    double load_seconds;
    double index_seconds;         /* indexes, constraints, ANALYZE */
    struct violations violations; /* that this run moved */
    struct changes_result changes;
    double changes_seconds;
};

/*
 * What names a source in landfall.load: the hexadecimal SHA-256 of its tables' names and its files' names, sizes and MD5s, or of
 * what a table of DynamoDB keeps while it lives. Bare files have no MD5 on record: one that was changed and kept its size is
 * taken for the same.
 */
enum lf_code backfill_fingerprint(const struct source *source, struct arena *arena, struct span *ret_fingerprint,
                                  struct err *err) MUST_CHECK;

/* Errors: LF_PRECONDITION (tables not there: run migrate up; tables hold rows of another source), LF_MAP (a column of the map
 * that the table does not have, with its line), LF_ITEM and others for a bad line, "file:line: …". */
enum lf_code backfill_run(const struct map *map, struct source *source, const struct backfill_options *options,
                          backfill_report *report, void *context, struct arena *arena, struct backfill_result *ret_result,
                          struct err *err) MUST_CHECK;
