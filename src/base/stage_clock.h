/*
 * stage_clock: where the time of a command's threads goes, stage by stage (--profile).
 *
 * A thread with a clock is always in one stage. Entering the next books the time since the last change, as CPU time of the thread
 * and as time on the wall: what a stage waits for (PostgreSQL, a disk, another thread, a processor) is the difference of the two.
 * That costs two readings of the clock, about 0.3 us: nothing for a chunk or a batch, too much for each step of an item. So the
 * stages of single items are sampled: the whole of STAGE_ITEMS is measured, and split in the shares that one item in
 * STAGE_SAMPLE_EVERY shows in its parts. The number is a prime so that it keeps step with no buffer or batch.
 *
 *     thread:  ── READ ──┬── ITEMS ─────────────────────────────┬── SEND ──┬── ITEMS ── …
 *                        └─ item ─ item ─ (PARSE·ENCODE·SUMS) ──┘
 *
 * A clock is a parameter, and NULL where nothing is profiled: then each call below is one branch. Each thread has its own; a
 * profile is added up after its threads have ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum { STAGE_SAMPLE_EVERY = 61 };

/* STAGE_PARSE … STAGE_OBSERVE are parts of items. */
enum stage {
    STAGE_REST,
    STAGE_READ,  /* files: read, inflate, MD5, cut into chunks */
    STAGE_ITEMS, /* split by sample, and so never in a sum */
    STAGE_PARSE, /* a line to an item and its key */
    STAGE_ENCODE,
    STAGE_PUT,     /* a row into COPY's format */
    STAGE_SUMS,    /* parity; in verify all that is done with an item that was read */
    STAGE_RECEIVE, /* rows from PostgreSQL */
    STAGE_DECODE,
    STAGE_OBSERVE, /* what inspect notes of an item */
    STAGE_SEND,    /* COPY to PostgreSQL */
    STAGE_COMMIT,  /* begin and end of transactions, what they record */
    STAGE_DRAFT,   /* from what was observed to the map */
    STAGE_INDEX,   /* indexes and constraints */
    STAGE_ANALYSE,
    STAGES,
};

struct stage_time {
    uint64_t cpu_ns, wall_ns;
};

struct stage_clock {
    enum stage stage;
    bool is_running;
    bool is_sampling; /* the item at hand */
    enum stage part;  /* of it */
    uint64_t items;
    struct stage_time at, part_at; /* when stage and part began */
    struct stage_time times[STAGES];
    struct stage_time sampled[STAGES];
};

/* The thread begins in `stage`; a clock may be begun and ended several times. Zeroed is ready. */
void stage_clock_begin(struct stage_clock *clock, enum stage stage);
void stage_clock_end(struct stage_clock *clock);
void stage_clock_enter(struct stage_clock *clock, enum stage stage);
void stage_clock_item(struct stage_clock *clock, enum stage part);
void stage_clock_part(struct stage_clock *clock, enum stage part);

/* The next stage; gives the one before, to go back to. */
static inline enum stage stage_enter(struct stage_clock *clock, enum stage stage)
{
    if (!clock)
        return STAGE_REST;
    enum stage before = clock->stage;
    stage_clock_enter(clock, stage);
    return before;
}

/* In STAGE_ITEMS: the next item begins with `part`. */
static inline void stage_item(struct stage_clock *clock, enum stage part)
{
    if (clock)
        stage_clock_item(clock, part);
}

/* The item at hand comes to `part`. */
static inline void stage_part(struct stage_clock *clock, enum stage part)
{
    if (clock && clock->is_sampling)
        stage_clock_part(clock, part);
}

/* The clocks of a command. */
struct stage_profile {
    struct stage_clock main; /* of the thread that the command began on, where it works itself */
    struct stage_clock workers[LIMIT_JOBS];
};

static inline struct stage_clock *stage_worker(struct stage_profile *profile, unsigned worker)
{
    return profile ? &profile->workers[worker] : NULL;
}

static inline struct stage_clock *stage_main(struct stage_profile *profile)
{
    return profile ? &profile->main : NULL;
}

/* Sums over all clocks, items split into their parts. */
void stage_profile_sum(const struct stage_profile *profile, struct stage_time ret_times[STAGES]);

/* For people and for JSON: "read", "copy format". */
const char *stage_name(enum stage stage);
