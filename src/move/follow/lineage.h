/*
 * lineage: the shards of a stream, and in which order they are read: a parent to its end before its children.
 *
 *     0 ──► 1 ──► 3        0 is drained; 1 and 2 are read now; 3 waits for 1
 *      └──► 2
 *
 * A shard whose parent is not known has none that could still be read: it was trimmed before the capture began. If it appears
 * later, its parent came and went unseen: that is a gap. Pure.
 */
#pragma once

#include "base/arena.h"

enum { SHARD_NUMBER_BYTES = 64 };

struct shard {
    struct span id, parent_id;                /* borrowed; parent_id empty: none */
    char sequence_number[SHARD_NUMBER_BYTES]; /* of the last record captured; "": none yet */
    struct shard *parent;                     /* NULL: none that is known */
    bool is_listed;                           /* the stream still names it */
    bool is_ended;                            /* closed, and read to its end */
    bool is_drained;                          /* the same, on record */
    bool may_drain;                           /* was so when its children were asked for */
    bool is_busy;                             /* somebody reads it now */
    char *iterator;                           /* owned, malloc; NULL: to be asked for */
    int64_t due_us;                           /* of a clock that only goes forward: when it is read next */
    int64_t empty_since_us; /* of that clock: where the reads that found nothing began; 0: the last found something */
    int64_t captured_to_us, recorded_to_us; /* of the database's clock, since 1970; 0: not known; the second is on record */
};

struct shards {
    struct arena *arena;  /* borrowed; owns the shards and their texts */
    struct shard **items; /* owned, malloc */
    size_t count, capacity;
};

void shards_init(struct shards *shards, struct arena *arena);
void shards_done(struct shards *shards);

struct shard *shards_find(const struct shards *shards, struct span id); /* NULL: not known */
/* Not known before. Its parent is found by shards_link. LF_MEMORY, LF_LIMIT. */
enum lf_code shards_add(struct shards *shards, struct span id, struct span parent_id, struct span sequence_number,
                        struct shard **ret_shard, struct err *err) MUST_CHECK;
/* After shards were added. */
void shards_link(struct shards *shards);

static inline bool shard_is_readable(const struct shard *shard)
{
    return !shard->is_ended && (!shard->parent || shard->parent->is_ended);
}

/* The readable one that nobody reads and is due first; NULL: none. */
struct shard *shards_next(const struct shards *shards);

/* A shard that was not read to its end and is not listed any more, or whose parent came and went unseen since `known` shards
 * were known; NULL: none. */
struct shard *shards_find_gap(const struct shards *shards, size_t known);

/* What all shards that are not drained have been captured to, in microseconds; 0: one is not yet known, INT64_MAX: none is left.
 */
int64_t shards_captured_to(const struct shards *shards);

/* A read that began at `began_us` of the forward clock, `database_us` of the database's, has found nothing. It tells that what
 * changed before has been read if for `settle_us` all others found nothing, too. */
void shard_note_empty(struct shard *shard, int64_t began_us, int64_t database_us, int64_t settle_us);
/* It has found records, the last of which was created at `created_us`, within `margin_us` of the database's clock. */
void shard_note_records(struct shard *shard, int64_t created_us, int64_t margin_us);
