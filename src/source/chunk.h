/*
 * chunk: cuts one data file into chunks of whole records, at the same places on every run, and checks the file at its end.
 *
 *     file:   ├── at least chunk_bytes, to the end of a record ──┼── chunk 1 ── … ──┼── last, may be short ──┤
 *
 * Lines of text end at newlines. A file that begins with the version marker of binary Ion is cut between the values at its top
 * level, by their lengths; later chunks begin with the symbol tables that are in force there, so that each is a stream that can
 * be read alone. What was read beyond a cut waits in `tail`. One reader, one thread at a time; source.c sees to that.
 */
#pragma once

#include "source/ion_tables.h"
#include "source/source.h"
#include "source/stored_file.h"

enum chunk_reader_state { CHUNK_READER_IDLE, CHUNK_READER_BUSY, CHUNK_READER_DONE };

struct chunk_reader {
    struct tree *tree;              /* borrowed */
    const struct source_file *file; /* borrowed */
    enum chunk_reader_state state;  /* source.c's, under its mutex */
    size_t chunk_bytes, step_bytes; /* of a chunk at least, and of what is read at a time */
    struct stored_file *stored;     /* owned; open between the first chunk and the last */
    enum export_format format;      /* by the file's first bytes */
    struct ion_tables tables;       /* owned; in force at the next chunk, of binary Ion */
    struct buf tail;
    uint64_t number; /* of the next chunk */
    uint64_t lines;  /* before it; of binary Ion: records */
    uint64_t offset; /* of its first byte */
    int64_t items;   /* records so far: lines that are not blank, or values */
};

void chunk_reader_init(struct chunk_reader *reader, struct tree *tree, const struct source_file *file);
void chunk_reader_done(struct chunk_reader *reader);

/* The next chunk; after the one that is_last there is none. Errors as of source_next. */
enum lf_code chunk_reader_next(struct chunk_reader *reader, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                               struct err *err) MUST_CHECK;
