/*
 * dynamodb: a client of the APIs of DynamoDB and DynamoDB Streams: a request as JSON in, an answer as JSON out.
 *
 *     request ─ sign ─ send ─┬─ 2xx, CRC right ──────────────────────────────► LF_OK, outcome done
 *        ▲                   ├─ DynamoDB says no (4xx with a __type) ─────────► error, outcome refused: nothing has happened
 *        │                   └─ 5xx, cut, timed out, damaged ─────────────────► error, outcome unknown: it may have happened, and
 *        └── pause, decorrelated jitter, as far as `repeat` allows ─┘           may still happen until the signature expires
 *
 * What may be sent again is the caller's decision, because a write whose outcome is unknown must not be: the second attempt of a
 * conditional write that succeeded fails its own condition. A refusal after an attempt of unknown outcome leaves it unknown. Not
 * even libcurl repeats such a request by itself when a connection that it kept turns out to be closed.
 *
 * A clock that is wrong is noticed by what the service answers, and corrected for the requests after. Requests to AWS go to
 * https://dynamodb.REGION.amazonaws.com and https://streams.dynamodb.REGION.amazonaws.com, or where the options or the
 * environment say. Source: AWS, "DynamoDB low-level API", "Error handling with DynamoDB", "Amazon DynamoDB API reference".
 *
 * One client serves all threads, with a connection for each call that is under way. Typed calls: dynamodb_items.h,
 * dynamodb_streams.h.
 */
#pragma once

#include "base/arena.h"

struct dynamodb;

struct dynamodb_options {
    const char *region;      /* NULL: of the environment or the profile; with an endpoint that is not AWS's, us-east-1 */
    const char *endpoint;    /* NULL: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the profile's, else AWS; serves streams, too */
    unsigned attempts_max;   /* of one call; 0: DYNAMODB_ATTEMPTS */
    unsigned delay_ms_max;   /* of a pause between attempts; 0: DYNAMODB_DELAY_MS_MAX */
    unsigned connect_ms_max; /* 0: DYNAMODB_CONNECT_MS */
    unsigned answer_ms_max;  /* of one attempt as a whole; 0: DYNAMODB_ANSWER_MS */
    const _Atomic bool *is_over; /* borrowed; true ends pauses and forbids further attempts; NULL: never */
};

enum {
    DYNAMODB_ATTEMPTS = 10,
    DYNAMODB_DELAY_MS_MIN = 25,
    DYNAMODB_DELAY_MS_MAX = 10000,
    DYNAMODB_CONNECT_MS = 5000,
    DYNAMODB_ANSWER_MS = 30000,
    DYNAMODB_SIGNATURE_SECONDS = 15 * 60 /* after which a request that was lost cannot land any more */
};

/* Looks for a region, not yet for credentials. `options` NULL: all defaults. Errors: LF_USAGE (no region, or none of AWS's),
 * those of aws_session_new. */
enum lf_code dynamodb_open(const struct dynamodb_options *options, struct dynamodb **ret_client, struct err *err) MUST_CHECK;
void dynamodb_close(struct dynamodb *client); /* NULL is fine; no call may be under way */

/* From now on, instead of the options' attempts_max; while no call is under way. */
void dynamodb_set_attempts(struct dynamodb *client, unsigned attempts_max);

/* Borrowed from the client. */
struct span dynamodb_region(const struct dynamodb *client);
struct span dynamodb_endpoint(const struct dynamodb *client); /* of DynamoDB itself */

enum dynamodb_service { DYNAMODB_TABLES, DYNAMODB_STREAMS };

/* Which failures are tried again. */
enum dynamodb_repeat {
    DYNAMODB_REPEAT_NONE,    /* none: the caller, or its own client, decides */
    DYNAMODB_REPEAT_REFUSED, /* those that say "not now" and have done nothing: throttled, not reached. For writes */
    DYNAMODB_REPEAT_ANY,     /* also those of unknown outcome: for reads, and for writes that may be done twice */
};

enum dynamodb_outcome {
    DYNAMODB_DONE,
    DYNAMODB_REFUSED, /* it has not happened and will not */
    DYNAMODB_UNKNOWN, /* it may have happened, or still happen within DYNAMODB_SIGNATURE_SECONDS */
};

struct dynamodb_answer {
    enum dynamodb_outcome outcome;
    unsigned status;   /* of HTTP, of the last attempt; 0: no answer came */
    struct span body;  /* in the arena; of a refusal, too: {"__type":…,"message":…} with reasons or item, as it came */
    struct span type;  /* of a refusal: the exception without its name space, "ConditionalCheckFailedException" */
    unsigned attempts; /* that were made */
};

/*
 * `operation`: "GetItem". `answer` is filled in any case; its spans are in the arena. Errors, each with DynamoDB's exception and
 * message in it: the code of api/errors.yaml whose `type` is the exception (LF_RESOURCE_NOT_FOUND, LF_VALIDATION,
 * LF_PROVISIONED_THROUGHPUT_EXCEEDED, …), LF_AWS for one that is not there, LF_NETWORK (not reached, cut, timed out, damaged,
 * 5xx that no exception explains), LF_CREDENTIALS, LF_TLS, LF_LIMIT (answer too large), LF_INTERRUPTED (is_over), LF_MEMORY.
 */
enum lf_code dynamodb_call(struct dynamodb *client, enum dynamodb_service service, const char *operation, struct span request,
                           enum dynamodb_repeat repeat, struct arena *arena, struct dynamodb_answer *answer,
                           struct err *err) MUST_CHECK;
