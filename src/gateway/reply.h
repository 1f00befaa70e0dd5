/*
 * reply: writing the JSON of an answer.
 *
 *     struct reply reply;
 *     reply_init(&reply, &buf);
 *     reply_object_begin(&reply);
 *     reply_name(&reply, SPAN("Item"));
 *     reply_item(&reply, &item);
 *     reply_member_integer(&reply, SPAN("Count"), 1);
 *     reply_object_end(&reply);                             {"Item":{…},"Count":1}
 *
 * Commas are put where they belong; nesting is the caller's. Names are DynamoDB's own and need no escapes. Memory: the buffer's
 * sticky error is asked for once, when the answer is complete. Not thread-safe.
 */
#pragma once

#include "base/buf.h"
#include "item/value.h"

struct reply {
    struct buf *buf;  /* borrowed */
    bool needs_comma; /* a value stands before, in the same object or array */
};

void reply_init(struct reply *reply, struct buf *buf);

void reply_object_begin(struct reply *reply);
void reply_object_end(struct reply *reply);
void reply_array_begin(struct reply *reply);
void reply_array_end(struct reply *reply);

/* The name of a member; its value comes next. */
void reply_name(struct reply *reply, struct span name);
/* The same for names of the user's, which are escaped. */
void reply_user_name(struct reply *reply, struct span name);

/* Values: of the member just named, or elements of an array. */
void reply_string(struct reply *reply, struct span text);
void reply_integer(struct reply *reply, int64_t value);
void reply_double(struct reply *reply, double value);       /* "0.5", "3.0" */
void reply_timestamp(struct reply *reply, int64_t unix_ms); /* seconds: "1732185858.125" */
void reply_boolean(struct reply *reply, bool value);
void reply_item(struct reply *reply, const struct item *item);
void reply_value(struct reply *reply, const struct value *value);
void reply_raw(struct reply *reply, struct span json); /* a whole value, as it is */

/* A member at once. */
void reply_member_string(struct reply *reply, struct span name, struct span text);
void reply_member_integer(struct reply *reply, struct span name, int64_t value);
void reply_member_timestamp(struct reply *reply, struct span name, int64_t unix_ms);
void reply_member_boolean(struct reply *reply, struct span name, bool value);
void reply_member_item(struct reply *reply, struct span name, const struct item *item);
void reply_member_raw(struct reply *reply, struct span name, struct span json);

/* ---- ConsumedCapacity ---- */

/* What an operation used of one table. */
struct consumed_capacity {
    struct span table_name;
    double table_units;
    const struct consumed_index *indexes;
    size_t index_count;
    bool is_transaction; /* transactions also say whether units were for reading or for writing */
    bool is_write;
};

struct consumed_index {
    struct span name;
    bool is_local;
    double units;
};

enum capacity_detail { CAPACITY_TOTAL, CAPACITY_INDEXES };

/* {"TableName":"t","CapacityUnits":2.0} and, with CAPACITY_INDEXES, "Table", "LocalSecondaryIndexes" and
 * "GlobalSecondaryIndexes" of those that were used. */
void reply_capacity(struct reply *reply, const struct consumed_capacity *capacity, enum capacity_detail detail);
