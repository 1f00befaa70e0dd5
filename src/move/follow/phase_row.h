/*
 * phase_row: changes of a table's row in landfall.phase that following it begins with: each a change of the catalog, with a line
 * in landfall.event, that is waited for.
 */
#pragma once

#include "aws/dynamodb.h"
#include "pg/conn.h"

struct phase_row_change {
    const char *what; /* in landfall.event */
    const char
        *sql; /* $1 the table, $2 changes_from, $3 and $4 region and endpoint (NULL: AWS's); $5 state, where there is one */
    struct span table;
    struct span changes_from; /* ARN of a stream, or place of exports */
    struct span state;        /* of a stream its view type, of exports the position; empty: none */
};

/* `client` is of where the table is. Errors: LF_SQL, LF_CONNECT, LF_PRECONDITION (gateways that do not hear of it). */
enum lf_code phase_row_apply(struct pg_conn *conn, const struct dynamodb *client, const struct phase_row_change *change,
                             struct err *err) MUST_CHECK;
