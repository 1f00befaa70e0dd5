/*
 * stream: a table's stream as its readers see it: ARNs, shards, sequence numbers, iterators.
 *
 *     stream     arn:…:table/NAME/stream/LABEL
 *     shard      STREAM_SHARDS of them, always open while the stream is enabled; an item's follows from its partition key
 *     number     21 digits: the incarnation of the database, then the number in landfall.change
 *     iterator   base64 of "NAME|LABEL|shard|number|issued"; it is good for 15 minutes and begins behind `number`
 *
 * Sources: AWS, "Amazon DynamoDB Streams API Reference"; "Change data capture for DynamoDB Streams".
 */
#pragma once

#include "gateway/call.h"
#include "gateway/stream/sequencer.h"

enum { STREAM_NUMBER_TEXT_BYTES = 22, STREAM_SHARD_TEXT_BYTES = 40, STREAM_ITERATOR_MS_MAX = 15 * 60 * 1000, STREAM_CLOSED = -1 };

/* The text of a number; and back: LF_VALIDATION. */
void stream_number_text(int64_t number, char text[STREAM_NUMBER_TEXT_BYTES]);
enum lf_code stream_number_read(struct span text, int64_t *ret_number, struct err *err) MUST_CHECK;

void stream_shard_text(const struct table *table, unsigned shard, char text[STREAM_SHARD_TEXT_BYTES]);
/* LF_RESOURCE_NOT_FOUND when the table has no such shard. */
enum lf_code stream_shard_read(const struct table *table, struct span text, unsigned *ret_shard, struct err *err) MUST_CHECK;

/* "NEW_AND_OLD_IMAGES" … */
struct span stream_view_name(enum api_stream_view_type view);

/* "2026-…" of "arn:…/stream/2026-…"; empty: it is none. */
struct span stream_label_of(struct span arn);

/* Whether the stream that a table's readers are to read is DynamoDB's, though PostgreSQL has the authority over its items: it
 * shows what reverse sync sends. One that is switched on here takes its place (docs/live.md, "Streams"). */
bool stream_is_dynamodbs(const struct call *call, const struct table *table);

/* The table of a stream, with a reference. LF_RESOURCE_NOT_FOUND when it has, and had, no stream of that label. */
enum lf_code stream_find(struct call *call, struct span arn, const struct table **ret_table, struct err *err) MUST_CHECK;
enum lf_code stream_put_arn(struct arena *arena, const struct table *table, struct span *ret_arn, struct err *err) MUST_CHECK;

struct stream_iterator {
    struct span table_name;
    struct span label;
    unsigned shard;
    int64_t number; /* the last one before what is read next */
    int64_t issued_ms;
};
enum lf_code stream_iterator_text(const struct stream_iterator *iterator, struct arena *arena, struct span *ret_text,
                                  struct err *err) MUST_CHECK;
/* LF_VALIDATION when it is none. */
enum lf_code stream_iterator_read(struct span text, struct arena *arena, struct stream_iterator *ret_iterator,
                                  struct err *err) MUST_CHECK;

/* The last number given so far, and the first that is still there, of any table. */
enum lf_code stream_last_number(struct db *db, int64_t *ret_number, struct err *err) MUST_CHECK;
enum lf_code stream_first_number(struct db *db, int64_t *ret_number, struct err *err) MUST_CHECK;
