/*
 * apply: takes records out of the spool of one table and does with them what its phase says (docs/live.md):
 *
 *     follow, rows not loaded yet   nothing: they wait
 *     follow                        the last image of each key of a batch becomes the key's rows; all in one transaction
 *     dual write                    equal to the row: dropped; else the key is repaired (repair_key.h), or left for later where
 *                                   somebody has marked it
 *     postgres                      late writers are looked for (late_writes.h); of a mixed table among the keys that have moved,
 *                                   the others being as in dual write
 *     decommissioned                nothing any more
 *
 * Each transaction holds the table's row of landfall.phase in share mode, and works in the phase that stands there. One
 * connection, one thread.
 */
#pragma once

#include "move/follow/late_writes.h"
#include "move/follow/repair_key.h"
#include "move/phase.h"

struct apply_counts {
    uint64_t applied;  /* records that are out of the spool */
    uint64_t repaired; /* keys, in dual write */
    uint64_t late;     /* late writes */
};

struct applier {
    const struct map *map;
    const struct map_table *table;
    struct pg_conn *conn; /* borrowed, as the next */
    struct dynamodb *client;
    struct key_writer writer;
    struct key_repairer repairer;
    struct arena arena;
    int64_t position; /* in dual write: behind it the records are that have not been looked at in this round */
    struct apply_counts counts;
};

enum lf_code applier_init(struct applier *applier, const struct map *map, const struct map_table *table, struct pg_conn *conn,
                          struct dynamodb *client, struct err *err) MUST_CHECK;
void applier_done(struct applier *applier); /* safe on a zeroed one */

enum apply_state {
    APPLY_WAITS,   /* for the backfill */
    APPLY_MORE,    /* there may be more */
    APPLY_IDLE,    /* nothing is left that could be applied now */
    APPLY_IS_OVER, /* the table has been decommissioned */
};

/* One batch. Errors: LF_SQL, LF_CONNECT, LF_ROW, LF_ITEM, those of dynamodb_call. */
enum lf_code apply_batch(struct applier *applier, enum apply_state *ret_state, struct err *err) MUST_CHECK;
