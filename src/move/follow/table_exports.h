/*
 * table_exports: what has to be there before a table without a stream can be followed: a place of exports, a map with its key,
 * and its row in landfall.phase with the chain's beginning, which the first `follow --exports` makes.
 *
 * The chain begins at what was loaded, where that is known; else when the last full export that lies in the place was taken; else
 * where the first incremental one begins; else, where Landfall asks for them, as late as exports can begin now. From then every
 * change is in the chain: that is what the table is followed since.
 */
#pragma once

#include "aws/dynamodb.h"
#include "map/model.h"
#include "move/phase.h"

struct table_exports_options {
    const struct map_table *table;
    struct dynamodb *client;
    struct span place; /* empty: that on record */
    bool requests;     /* Landfall asks for exports */
};

/*
 * In the arena. Of a table that has been decommissioned nothing is asked. Errors: LF_PRECONDITION (the table is followed by its
 * stream; nothing tells where the chain begins; a map with another key), those of exports_look, of dynamodb_call, LF_SQL,
 * LF_CONNECT.
 */
enum lf_code table_exports_open(struct pg_conn *conn, const struct table_exports_options *options, struct arena *arena,
                                struct table_phase *ret_phase, struct err *err) MUST_CHECK;
