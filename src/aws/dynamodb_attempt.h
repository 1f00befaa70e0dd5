/*
 * dynamodb_attempt: one attempt of a call of dynamodb.h in parts, for who sends it himself: over a loop that must not wait.
 *
 *     dynamodb_attempt_sign ─► http_request ─► (http_send, http_multi) ─► http_answer ─► dynamodb_attempt_judge
 *
 * An attempt that gets no answer has the outcome refused, or unknown if http_answer.was_sent. Any thread.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/dynamodb.h"

struct dynamodb_attempt {
    struct dynamodb *client;
    enum dynamodb_service service;
    const char *operation; /* "GetItem" */
    struct span request;
    bool is_once; /* must not be received twice, as of http_request */
    struct arena *arena;
};

/* Whose credentials the client signs with: for who keeps them fresh himself. */
struct aws_session *dynamodb_session(const struct dynamodb *client);

/* In the attempt's arena. Errors: those of aws_request_build. */
enum lf_code dynamodb_attempt_sign(const struct dynamodb_attempt *attempt, const struct aws_credentials *credentials,
                                   struct http_request *ret_request, struct err *err) MUST_CHECK;

/* Fills outcome, status, body and type of `answer`. Errors: those of dynamodb_call. *ret_may_repeat: the same request may fare
 * better a little later. */
enum lf_code dynamodb_attempt_judge(const struct dynamodb_attempt *attempt, const struct http_answer *http,
                                    struct dynamodb_answer *answer, bool *ret_may_repeat, struct err *err) MUST_CHECK;
