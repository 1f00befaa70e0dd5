/*
 * capture: reads the stream of one table into the spool, every shard from its oldest record, parents before their children.
 *
 *     describe the stream, all pages ─► new shards on record ─► threads: the shard that is due next
 *            ▲                                                    ├─ records ──────► spool, with the position
 *            └── a shard has ended, or every CAPTURE_DISCOVERY_MS ├─ nothing ──────► due again a little later
 *                                                                 ├─ expired ──────► another iterator, behind the last record
 *                                                                 └─ trimmed, gone ► a gap: on record, and an error
 *
 * Threads share the shards under one mutex; a shard is read by one of them at a time. The first error stops all.
 */
#pragma once

#include <stdatomic.h>

#include "move/follow/spool.h"

enum {
    CAPTURE_DISCOVERY_MS = 30000,
    CAPTURE_IDLE_MS = 500,         /* until a shard that had nothing is asked again */
    CAPTURE_OLD_SECONDS = 10 * 60, /* records created longer than this before the table was followed are left out */
    CAPTURE_MARGIN_SECONDS = 5,    /* that the clock of a stream may differ from the database's */
};

enum capture_gaps { CAPTURE_GAPS_FAIL, CAPTURE_GAPS_SKIP };

struct capture_options {
    const char *postgres;
    struct dynamodb *client;    /* borrowed */
    struct spool_stream stream; /* borrowed */
    unsigned jobs;              /* threads */
    unsigned settle_ms;         /* for so long a shard must have nothing before it counts as read to its end */
    int64_t follows_since_unix_s;
    enum capture_gaps gaps;
};

struct capture;

/* Errors: those of dynamodb_call, LF_CONNECT, LF_SQL, LF_MEMORY. */
enum lf_code capture_start(const struct capture_options *options, struct capture **ret_capture, struct err *err) MUST_CHECK;
/* Waits for the threads. NULL is fine. */
void capture_stop(struct capture *capture);

struct capture_status {
    uint64_t records;    /* captured by this process */
    size_t shards, open; /* known, and not read to their end */
    int64_t
        captured_to_us; /* of all shards, since 1970, by the database's clock; 0: not known; INT64_MAX: all are at their end */
    bool is_at_end;     /* the last read of every shard found nothing */
};
void capture_read_status(struct capture *capture, struct capture_status *ret_status);

/* Whether a thread has failed, and with what: among others LF_PRECONDITION (a gap, or the stream was switched off),
 * LF_TRANSACTION_CONFLICT (somebody else captures, too). */
enum lf_code capture_failure(struct capture *capture, struct err *err) MUST_CHECK;
