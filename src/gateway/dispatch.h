/*
 * dispatch: from an HTTP request to an operation and back.
 *
 *     POST / ─► X-Amz-Target ─► authenticate ─► shape_read ─► may this key do that to these tables? ─► route ─► reply
 *                    └──────────────┴──────────────┴───────────────────┴─────────────────────────────────┴─► error: __type,
 * status
 *
 * Every answer carries x-amzn-RequestId and x-amz-crc32. GET / and GET /health say whether the gateway reaches its database.
 */
#pragma once

#include "gateway/call.h"
#include "gateway/http/server.h"

/* http_handle of the server: `context` is the worker. */
void dispatch(void *context, const struct http_request *request, struct http_response *response);
/* When the server is over its limits: ThrottlingException. */
void dispatch_overloaded(void *context, const struct http_request *request, struct http_response *response);

/* The operation's function, from api/operations.yaml; NULL when the operation is not served. `request` is its request struct. */
typedef enum lf_code operation_run(struct call *call, const void *request, struct err *err);
extern operation_run *const operation_runs[];
