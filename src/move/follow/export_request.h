/*
 * export_request: asks AWS for the next export of a chain, one at a time.
 *
 *     nothing on record ─► as much has happened as one holds ─► on record, with its token ─► asked for, with its ARN on record
 *          ▲                                                                                     │ still being made: later again
 *          └──────────── the chain has passed it ◄─────────── completed: in the place ◄──────────┤
 *                                                             failed: off the record, an error ◄─┘
 *
 * A process that ends anywhere between asks again with the same token, which is the same export. Source: AWS, "Requesting a table
 * export in DynamoDB".
 */
#pragma once

#include "aws/dynamodb.h"
#include "map/model.h"
#include "pg/conn.h"

struct export_request {
    struct dynamodb *client; /* borrowed, as the next two */
    const struct map_table *table;
    struct span place;
    unsigned seconds_min;
    bool has_completed; /* the export on record was seen to be there */
};

/* As late as exports of the table can begin now, as of timestamp.h. LF_PRECONDITION without point-in-time recovery. */
enum lf_code export_request_begin(struct dynamodb *client, struct span table, struct arena *arena, int64_t *ret_us,
                                  struct err *err) MUST_CHECK;

/*
 * One step, at a position (as of timestamp.h). *ret_completed: an export has just come to the place. Errors: LF_PRECONDITION (no
 * point-in-time recovery, or not back to the position; a place that is not in S3; an export that failed, or is not in the place
 * though AWS says so), those of dynamodb_call, LF_SQL.
 */
enum lf_code export_request_step(struct export_request *request, struct pg_conn *conn, int64_t position_us, struct arena *arena,
                                 bool *ret_completed, struct err *err) MUST_CHECK;
