/*
 * chain: captures the changes of a table without a stream, from a chain of incremental exports in a place (source/exports.h).
 *
 *     look at the place ─► the export that follows ─► its chunks, each with the position ─► spool
 *            ▲              │                             the last one's end ─► captured_to
 *            │              ├─ none: once in a while again, and the next one is asked for (export_request.h)
 *            └──────────────┴─ a gap: waited for while an export is still being written, else an error
 *
 * The chain is one shard of the place, CHAIN_SHARD, and goes into the spool as the records of a stream do. An export has one
 * record for each key, so their order within it does not matter; what windows that overlap say twice makes a row older for a
 * moment, and then newer. One thread.
 */
#pragma once

#include "map/model.h"
#include "move/follow/capture.h"

#define CHAIN_SHARD "exports"

enum {
    CHAIN_LOOK_MS = 500, /* between looks at the place */
    CHAIN_LOOK_MS_AWS = 15 * 1000,
};

struct chain_options {
    const char *postgres;
    struct dynamodb *client;    /* borrowed, as the next two */
    struct spool_stream stream; /* its ARN is the place */
    const struct map_table *table;
    unsigned look_ms;
    unsigned request_seconds; /* Landfall asks for exports of so long, at least; 0: somebody else does */
    enum capture_gaps gaps;
};

struct chain;

/* Errors: LF_PRECONDITION (the table does not follow exports), LF_ROW, LF_SQL, LF_CONNECT, LF_MEMORY. */
enum lf_code chain_start(const struct chain_options *options, struct chain **ret_chain, struct err *err) MUST_CHECK;
/* Waits for the thread. NULL is fine. */
void chain_stop(struct chain *chain);

/* As of capture_read_status: one shard, at its end when the last look has found nothing that follows. */
void chain_read_status(struct chain *chain, struct capture_status *ret_status);

/* Whether the thread has failed, and with what: among others LF_PRECONDITION (a gap; no point-in-time recovery),
 * LF_TRANSACTION_CONFLICT (somebody else captures, too), those of exports_look and source_next, and of a line that is no change
 * ("file:line: …": a deletion that is lost would be seen by nobody). */
enum lf_code chain_failure(struct chain *chain, struct err *err) MUST_CHECK;
