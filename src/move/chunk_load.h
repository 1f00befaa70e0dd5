/*
 * chunk_load: one chunk of a source, as one transaction.
 *
 *     BEGIN ─ claim (INSERT INTO landfall.segment) ─ record by record: encode into a buffer per target ─ COPY each ─ sums ─
 * COMMIT └─ already there, or somebody is at it: ROLLBACK, not loaded
 *
 * Memory is bounded: buffers are sent whenever they hold more than CHUNK_LOAD_FLUSH_BYTES. When a row breaks a constraint of its
 * table, the chunk is begun again *carefully*: each item behind its own savepoint, and those that do not fit go to landfall.item
 * with PostgreSQL's reason, or where landfall.item has their key already to landfall.reject (line 0). A loader belongs to one
 * thread.
 */
#pragma once

#include <stdatomic.h>

#include "base/stage_clock.h"
#include "move/load_plan.h"
#include "move/parity.h"

enum { CHUNK_LOAD_FLUSH_BYTES = 32 * 1024 * 1024 };

struct chunk_counts {
    uint64_t items; /* that are items; rejects not counted */
    uint64_t unclaimed, rejected;
};

struct chunk_loader {
    const struct load_plan *plan; /* borrowed, as the next five */
    const struct source *source;
    struct pg_conn *conn;
    const _Atomic bool *stop;
    struct stage_clock *clock; /* NULL: nothing is profiled */
    int64_t load;              /* of landfall.load */
    bool keeps_rejects;        /* else a bad line is an error */
    bool waits;                /* for others that are at the chunk */
    bool is_careful;           /* this chunk */
    struct arena arena;        /* of one item */
    struct buf *buffers;       /* per target: a COPY stream */
    uint64_t *rows;            /* per target, of this chunk */
    size_t buffered_bytes;     /* in all buffers */
    struct chunk_counts counts;
    struct parity sums;
};

/* The borrowed members are the caller's to set. LF_MEMORY. */
enum lf_code chunk_loader_init(struct chunk_loader *loader, const struct load_plan *plan, struct err *err) MUST_CHECK;
void chunk_loader_done(struct chunk_loader *loader);

/*
 * Loads the chunk; *ret_loaded false when it was, or is being, loaded by somebody else, or when, of a live source, what was
 * loaded of its file does not end where it begins. After success `counts` and `rows` are the chunk's. Errors: LF_SYNTAX, LF_ITEM,
 * LF_LIMIT of a bad line ("file:line: byte N: …"), LF_INTERRUPTED once *stop is set, LF_SQL, LF_CONNECT, LF_MEMORY; nothing of
 * the chunk is committed then.
 */
enum lf_code chunk_load(struct chunk_loader *loader, const struct source_chunk *chunk, bool *ret_loaded,
                        struct err *err) MUST_CHECK;
