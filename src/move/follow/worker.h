/*
 * worker: one table that this process works on: the capture of its stream, or of its exports, and a thread that applies its
 * spool.
 */
#pragma once

#include "move/follow/apply.h"
#include "move/follow/chain.h"
#include "move/follow/readiness.h"

struct worker_options {
    const char *postgres;
    const struct map *map;
    const struct map_table *table;
    struct dynamodb *client;
    const struct table_phase *phase; /* borrowed */
    unsigned jobs;
    unsigned request_seconds; /* as of chain.h */
    bool skips_gaps;
};

struct worker;

enum lf_code worker_start(const struct worker_options *options, struct worker **ret_worker, struct err *err) MUST_CHECK;
/* After the batches that are under way. NULL is fine. */
void worker_stop(struct worker *worker);

struct worker_status {
    struct capture_status capture;
    struct apply_counts counts;
    struct readiness readiness;
    enum phase phase;
    bool is_over;
    int64_t checked_us;        /* since 1970, by the database's clock: what follows is of then; 0: not yet looked */
    int64_t oldest_changed_us; /* of the records in the spool; 0: it is empty */
    int64_t captured_to_us;    /* of all shards, read before the spool was looked at, as the next */
    bool was_at_end;
};

/* What it is at, or why it failed. */
enum lf_code worker_read(struct worker *worker, struct worker_status *ret_status, struct err *err) MUST_CHECK;
