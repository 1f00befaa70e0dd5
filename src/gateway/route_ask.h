/*
 * route_ask: a request of a client's, asked of DynamoDB, and DynamoDB's answer handed on.
 *
 * A write, or a strong read, is asked under the gateway's lease (catalog_check_fresh) and answered only if the lease still held
 * when the answer came: somebody may have moved the authority since.
 */
#pragma once

#include "aws/dynamodb.h"
#include "gateway/call.h"

/* Suspends the fiber. LF_OK when there is an answer, be it a refusal; `answer` is filled in any case. Errors: those of
 * upstream_call when there is none; LF_INTERNAL_SERVER without a lease. */
enum lf_code route_ask(struct call *call, const void *request, struct span body, struct dynamodb_answer *answer,
                       struct err *err) MUST_CHECK;

/* Makes it the call's answer. */
void route_answer(struct call *call, const struct dynamodb_answer *answer);

/* Both. */
enum lf_code route_forward(struct call *call, const void *request, struct err *err) MUST_CHECK;

/* Whether the request asks for what was written last. */
bool route_is_strong(const struct call *call, const void *request);
