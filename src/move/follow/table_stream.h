/*
 * table_stream: what has to be there before a table can be followed: its stream, a map with its key, and its row in
 * landfall.phase, which the first `follow` makes.
 */
#pragma once

#include "aws/dynamodb.h"
#include "map/model.h"
#include "move/phase.h"

struct table_stream_options {
    const struct map_table *table;
    struct dynamodb *client;
    bool enables;    /* switches the stream on where there is none */
    bool skips_gaps; /* goes on with another stream than the one that was followed */
};

/*
 * In the arena. Of a table that has been decommissioned nothing is asked: DynamoDB may not have it any more. Errors:
 * LF_PRECONDITION (no stream; another stream than the one followed; a map with another key), those of dynamodb_call, LF_SQL,
 * LF_CONNECT.
 */
enum lf_code table_stream_open(struct pg_conn *conn, const struct table_stream_options *options, struct arena *arena,
                               struct table_phase *ret_phase, struct err *err) MUST_CHECK;
