/*
 * call: one request to an operation, from its dispatch to its answer.
 *
 * An operation is one file in operations/, one function named after it, and one entry in api/operations.yaml:
 *
 *     enum lf_code operation_get_item(struct call *call, const struct get_item_request *request, struct err *err);
 *
 * It runs on a fiber, finds its request read and checked against its shape, its caller authorised for the tables that the
 * request names, and writes its answer to call->reply. On an error whatever is in the reply is thrown away and the error's
 * `__type`, status and message are answered (api/errors.yaml); what else belongs in the answer (CancellationReasons, the Item of
 * a failed condition) goes to call->error_members first, as JSON members beginning with a comma.
 *
 * To add an operation: an entry in operations.yaml, operations/<name>.c, a test beside it, a line in docs/compatibility.md.
 */
#pragma once

#include "base/buf.h"
#include "gateway/reply.h"
#include "gateway/worker.h"

struct call {
    struct worker *worker;
    struct arena *arena;             /* the request's */
    struct access_keys *keys;        /* NULL: no authentication */
    const struct access_key *caller; /* NULL: no authentication, everything is allowed */
    struct reply *reply;
    struct buf *error_members;
    bool has_error_message; /* error_members have the message, too: one that is longer than struct err holds */
    struct span request_id; /* x-amzn-RequestId */
    const struct operation_info *operation;
    struct span body; /* of the request, as it came */
    int status;       /* of an answer that another has given; 0: 200, or as the error says */
    bool was_done;    /* a transaction, of which the token says that PostgreSQL has done it: it is answered, and nothing else */
    bool needs_no_lease; /* DynamoDB keeps the authority over its tables until this gateway agrees, however long that takes
                            (route.h) */
};
