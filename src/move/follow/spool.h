/*
 * spool: the records of streams on their way into PostgreSQL (landfall.spool), and how far each shard has been read
 * (landfall.stream_shard). A batch and the shard's new position are one transaction; a position is moved only from where it was,
 * so of two that read the same shard one fails, and nothing is there twice.
 */
#pragma once

#include "aws/dynamodb_streams.h"
#include "move/follow/lineage.h"
#include "pg/conn.h"

struct spool_stream {
    struct span table, arn;
};

/* Reads what is on record into `shards`; their texts are in its arena. */
enum lf_code spool_read_shards(struct pg_conn *conn, struct spool_stream stream, struct shards *shards,
                               struct err *err) MUST_CHECK;

/* New shards from `known` on, and that those which may_drain are at their end, in one transaction: whoever sees that a parent is
 * drained sees its children. */
enum lf_code spool_write_shards(struct pg_conn *conn, struct spool_stream stream, struct shards *shards, size_t known,
                                struct err *err) MUST_CHECK;

/* Writes captured_to of the shards where it has grown. */
enum lf_code spool_write_captured_to(struct pg_conn *conn, struct spool_stream stream, struct shard *const *shards,
                                     const int64_t *captured_to_us, size_t count, struct err *err) MUST_CHECK;

/* A gap, in landfall.stream_shard and landfall.event; the table's rows are not readable any more. */
enum lf_code spool_write_gap(struct pg_conn *conn, struct spool_stream stream, struct span shard, const char *what,
                             struct err *err) MUST_CHECK;

/* Takes gaps off the record that a verify without differences, begun since, has shown to be mended. */
enum lf_code spool_heal_gaps(struct pg_conn *conn, struct span table, struct err *err) MUST_CHECK;

/* The first gap on record, in the arena; empty: there is none. */
enum lf_code spool_read_gap(struct pg_conn *conn, struct spool_stream stream, struct arena *arena, struct span *ret_gap,
                            struct err *err) MUST_CHECK;

/* From where to where records move a shard on. */
struct spool_move {
    struct span shard, from, to; /* sequence numbers; `from` empty: its beginning */
};

/* Appends records, of which those created before `since_unix_s` are left out, and moves the shard. *ret_kept: how many were not
 * left out. LF_TRANSACTION_CONFLICT: somebody else has moved the shard. */
enum lf_code spool_append(struct pg_conn *conn, struct spool_stream stream, const struct spool_move *move,
                          const struct stream_records *records, int64_t since_unix_s, size_t *ret_kept,
                          struct err *err) MUST_CHECK;

/* Moves the shard, and that all up to `captured_to_us` (since 1970) is captured; otherwise as spool_append. */
enum lf_code spool_pass(struct pg_conn *conn, struct spool_stream stream, const struct spool_move *move, int64_t captured_to_us,
                        struct err *err) MUST_CHECK;

/* A record to be applied. */
struct spool_record {
    int64_t id;
    struct item key;
    bool has_item; /* false: removed, or the stream has no new images */
    struct item item;
    bool is_removed, is_expiry;
    int64_t changed_unix_us;
};

struct spool_batch {
    struct spool_record *records; /* in order of id */
    size_t count;
};

enum { SPOOL_BATCH_RECORDS = 2000, SPOOL_BATCH_BYTES = 8 * 1024 * 1024 };

/* In a transaction. The oldest behind `after`: a batch, in the arena. */
enum lf_code spool_read(struct pg_conn *conn, struct span table, int64_t after, struct arena *arena,
                        struct spool_batch *ret_batch, struct err *err) MUST_CHECK;

/* In a transaction. Takes out those of the batch with is_done. */
enum lf_code spool_delete(struct pg_conn *conn, struct span table, const struct spool_batch *batch, const bool *is_done,
                          struct arena *arena, struct err *err) MUST_CHECK;
