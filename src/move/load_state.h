/*
 * load_state: what the target database remembers of a load: its row in landfall.load, and the chunks in landfall.segment.
 *
 * A snapshot: other processes may load chunks after it was read. Read-only for worker threads.
 */
#pragma once

#include "move/load_plan.h"

struct loaded_chunk {
    size_t file; /* index into source->files */
    uint64_t number;
};

/* Where a segment of a scan goes on. */
struct loaded_end {
    uint64_t chunks; /* 0: at its beginning */
    struct span position;
};

struct load_state {
    int64_t id;                  /* of landfall.load */
    struct loaded_chunk *chunks; /* sorted */
    size_t chunk_count;
    bool *is_complete; /* per file: all its chunks are there */
    bool all_complete;
    struct loaded_end *ends;             /* per file, of a live source */
    uint64_t items, unclaimed, rejected; /* sums over the chunks */
};

struct load_record {
    int64_t id;         /* of landfall.load */
    size_t chunk_bytes; /* of the source's chunks, however often it is resumed */
};

/*
 * Finds the load of this source, or begins it with chunks of `chunk_bytes`. Errors: LF_PRECONDITION (the tables hold rows but no
 * load of this source is on record; the load was begun with another map), LF_SQL, LF_MEMORY.
 */
enum lf_code load_state_open(struct pg_conn *conn, const struct load_plan *plan, const struct source *source,
                             struct span map_yaml, size_t chunk_bytes, struct arena *arena, struct load_record *ret_load,
                             struct err *err) MUST_CHECK;

/* Reads the chunks; everything is in the arena. */
enum lf_code load_state_read(struct pg_conn *conn, int64_t load, const struct source *source, struct arena *arena,
                             struct load_state *ret_state, struct err *err) MUST_CHECK;

bool load_state_has(const struct load_state *state, size_t file, uint64_t number);

/* Adds the rows that all chunks, whoever loaded them, have written to each target of the plan. */
enum lf_code load_state_add_rows(struct pg_conn *conn, int64_t load, uint64_t *rows, size_t target_count,
                                 struct err *err) MUST_CHECK;

/* Indexes, constraints and statistics are there. */
enum lf_code load_state_mark_indexed(struct pg_conn *conn, int64_t load, struct err *err) MUST_CHECK;
/* Whether that was so at any time since this worker (landfall.worker) began. */
enum lf_code load_state_is_indexed(struct pg_conn *conn, int64_t load, int64_t worker, bool *ret_indexed,
                                   struct err *err) MUST_CHECK;

/* All chunks are loaded; landfall.window remembers what instant each table shows now. Again without harm. */
enum lf_code load_state_finish(struct pg_conn *conn, int64_t load, const struct source *source, struct err *err) MUST_CHECK;
