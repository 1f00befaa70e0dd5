/* table_description: what DynamoDB says of a table that is followed, or is to be. */
#pragma once

#include "aws/dynamodb.h"
#include "map/model.h"

struct table_description {
    struct span arn;
    struct span stream_arn;  /* of the latest stream; empty: there never was one */
    bool has_stream;         /* it is on */
    struct span stream_view; /* NEW_AND_OLD_IMAGES, … */
    bool is_active;
};

/* In the arena. Errors: LF_PRECONDITION (the map has another key), those of dynamodb_call. */
enum lf_code table_describe(struct dynamodb *client, const struct map_table *table, struct arena *arena,
                            struct table_description *ret_description, struct err *err) MUST_CHECK;
