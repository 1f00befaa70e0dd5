/*
 * upstream: DynamoDB behind the gateway, asked from a worker's loop.
 *
 *     fiber ─► upstream_call ─ sign ─ send (http_multi on the loop) ─ suspended ─► answer, outcome as of aws/dynamodb.h
 *
 * A write is sent once: whoever gets the outcome unknown must not send it again. What only reads is tried twice. Credentials are
 * kept fresh by a thread of their own, so no request waits for them. One upstream, one worker; what workers share is the
 * upstream_source.
 */
#pragma once

#include "aws/dynamodb.h"
#include "gateway/catalog.h"
#include "gateway/runtime/loop.h"

struct upstream_source;

struct upstream_options {
    const char *endpoint; /* NULL: AWS's, or as the environment says */
    const char *region;   /* NULL: of the environment or the profile */
};

enum { UPSTREAM_CONNECT_MS = 3000, UPSTREAM_ANSWER_MS = 20000 };

/* Looks for credentials and waits for them. Errors: those of dynamodb_open and aws_session_credentials. */
enum lf_code upstream_source_new(const struct upstream_options *options, struct upstream_source **ret_source,
                                 struct err *err) MUST_CHECK;
void upstream_source_free(struct upstream_source *source); /* NULL is fine; after all upstreams of it */

struct upstream;

enum lf_code upstream_new(struct loop *loop, struct upstream_source *source, struct upstream **ret_upstream,
                          struct err *err) MUST_CHECK;
void upstream_free(struct upstream *upstream); /* NULL is fine. Not while the loop runs. */

struct upstream_request {
    enum dynamodb_service service;
    const char *operation; /* "GetItem" */
    struct span body;
    bool is_read;                /* may be sent twice */
    const struct catalog *lease; /* what must be fresh once the request is signed, before it is sent; NULL: nothing */
};

/* Suspends the fiber. `answer` is filled in any case, its spans are in the arena. Errors: those of dynamodb_call; of
 * catalog_check_fresh, with the outcome refused. */
enum lf_code upstream_call(struct upstream *upstream, const struct upstream_request *request, struct arena *arena,
                           struct dynamodb_answer *answer, struct err *err) MUST_CHECK;
