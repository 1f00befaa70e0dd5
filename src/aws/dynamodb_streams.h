/*
 * dynamodb_streams: typed calls of DynamoDB Streams. What they return is in the arena given. Errors: those of dynamodb_call,
 * among them LF_EXPIRED_ITERATOR, LF_TRIMMED_DATA_ACCESS, LF_RESOURCE_NOT_FOUND, LF_LIMIT_EXCEEDED; LF_SYNTAX, LF_ITEM, LF_LIMIT
 * for an answer that cannot be read. Any thread. Source: AWS, "Amazon DynamoDB Streams API reference".
 */
#pragma once

#include "aws/dynamodb.h"
#include "item/value.h"

struct stream_shard {
    struct span id, parent_id; /* parent_id empty: none, or trimmed */
    struct span first_sequence_number;
    struct span last_sequence_number; /* empty: the shard is open */
};

struct stream_description {
    struct span arn, table;
    struct span status;    /* ENABLING, ENABLED, DISABLING, DISABLED */
    struct span view_type; /* NEW_AND_OLD_IMAGES, … */
    struct stream_shard *shards;
    size_t shard_count;
    struct span last_shard_id; /* where the next page begins; empty: this is the last */
};

/* One page of DescribeStream; `after_shard` empty: the first. */
enum lf_code dynamodb_describe_stream(struct dynamodb *client, struct span stream_arn, struct span after_shard,
                                      struct arena *arena, struct stream_description *ret_description,
                                      struct err *err) MUST_CHECK;

enum stream_iterator_type { STREAM_TRIM_HORIZON, STREAM_LATEST, STREAM_AT_SEQUENCE_NUMBER, STREAM_AFTER_SEQUENCE_NUMBER };

/* `sequence_number` empty for the first two. */
enum lf_code dynamodb_get_shard_iterator(struct dynamodb *client, struct span stream_arn, struct span shard_id,
                                         enum stream_iterator_type type, struct span sequence_number, struct arena *arena,
                                         struct span *ret_iterator, struct err *err) MUST_CHECK;

enum stream_event { STREAM_INSERT, STREAM_MODIFY, STREAM_REMOVE };

struct stream_record {
    struct span event_id, sequence_number;
    enum stream_event event;
    int64_t created_unix_s; /* ApproximateCreationDateTime, cut to the second */
    bool is_expiry;         /* removed by the service because its time to live was over */
    struct item keys;
    bool has_old_image, has_new_image;
    struct item old_image, new_image;
};

struct stream_records {
    struct stream_record *records;
    size_t count;
    struct span next_iterator; /* empty: the shard is closed and read to its end */
};

/* `limit` 0: as many as the service gives, at most 1,000 or 1 MB. */
enum lf_code dynamodb_get_records(struct dynamodb *client, struct span iterator, unsigned limit, struct arena *arena,
                                  struct stream_records *ret_records, struct err *err) MUST_CHECK;
