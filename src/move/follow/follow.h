/*
 * follow: keeps the rows of tables up with DynamoDB, from before their backfill until they are decommissioned (docs/live.md).
 *
 *     of each table    capture.h: stream ─┬► spool       apply.h: spool ─► rows        readiness.h: from when they may be read
 *                      chain.h:  exports ─┘
 *
 * One process at a time works on a table, others stand by (move/lease.h). Everything that counts is in the database: a process
 * may end at any moment, and the next one goes on. What may pass by itself, an unreachable server or a throttled stream, is tried
 * again for as long as it takes.
 */
#pragma once

#include "aws/dynamodb.h"
#include "map/model.h"
#include "move/phase.h"

struct follow_options {
    const char *postgres;
    const struct map *map;
    const struct map_table *const *tables; /* of the map */
    size_t table_count;
    struct dynamodb *client;
    unsigned jobs;          /* threads that read the stream of a table */
    unsigned lease_seconds; /* as of lease_join */
    const char *exports; /* a place of incremental exports to follow instead of streams; NULL: streams, or the place on record */
    unsigned request_seconds; /* of exports that Landfall itself asks for, at least; 0: none */
    bool enables_streams, skips_gaps;
    bool until_caught_up; /* ends when all that had happened when it began is applied, or captured where rows are not loaded yet;
                             of a table that follows exports, all that the place held */
};

enum follow_state {
    FOLLOW_STANDS_BY, /* another process works on it */
    FOLLOW_WAITS,     /* captures, and waits for the backfill */
    FOLLOW_APPLIES,
    FOLLOW_IS_READABLE, /* applies, and rows may be read */
    FOLLOW_IS_OVER,     /* decommissioned */
    FOLLOW_STATES,
};
extern const char *const follow_state_names[FOLLOW_STATES];

struct follow_table_progress {
    struct span table;
    enum follow_state state;
    enum phase phase;
    bool by_exports; /* a chain of them counts as one shard */
    size_t shards, open_shards;
    uint64_t captured, applied, repaired, late; /* by this process */
    int64_t captured_to_us;                     /* since 1970, of all shards; 0: not known */
    double lag_seconds; /* age of the oldest record that is not applied, or of the end of the last export; < 0: not known */
    bool is_caught_up;  /* with the time when the command began */
};

struct follow_progress {
    const struct follow_table_progress *tables;
    size_t table_count;
    const char *trouble; /* NULL; or what is being tried again */
};

/* About four times a second, from the calling thread. True asks to stop, which is no error. */
typedef bool follow_report(void *context, const struct follow_progress *progress);

/* Errors: those of table_stream_open, table_exports_open, capture_failure and chain_failure; with until_caught_up also those that
 * pass by themselves. */
enum lf_code follow_run(const struct follow_options *options, follow_report *report, void *context, struct err *err) MUST_CHECK;
