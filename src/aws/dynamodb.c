#include "aws/dynamodb.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "aws/dynamodb_attempt.h"
#include "aws/request.h"
#include "codec/json.h"

enum {
    CALL_BYTES_MAX = 1024 * 1024,
    REGION_BYTES_MAX = 64,
    SKEW_SECONDS_MIN = 60, /* what is less is not why a signature is refused */
    PAUSE_SLICE_MS = 50
};

struct dynamodb {
    struct http *http;           /* owned */
    struct aws_session *session; /* owned */
    struct arena arena;
    struct span region;
    struct span endpoints[2]; /* by enum dynamodb_service */
    struct http_policy policy;
    unsigned answer_ms_max;
    const _Atomic bool *is_over; /* borrowed, may be NULL */
    _Atomic int64_t clock_skew_s;
};

/* Opening ----------------------------------------------------------------------------------------------------------------- */

static unsigned or_default(unsigned given, unsigned otherwise)
{
    return given ? given : otherwise;
}

static bool is_aws(struct span endpoint)
{
    return span_ends_with(endpoint, SPAN(".amazonaws.com")) || span_ends_with(endpoint, SPAN(".amazonaws.com.cn"));
}

static struct span without_slashes(struct span endpoint)
{
    while (span_ends_with(endpoint, SPAN("/")))
        endpoint.len--;
    return endpoint;
}

static enum lf_code set_region(struct dynamodb *client, struct span region, bool has_endpoint, struct err *err)
{
    if (!region.len && has_endpoint)
        region = SPAN("us-east-1");
    if (!region.len)
        return ERR(err, LF_USAGE, "no AWS region: give --region, AWS_REGION, or a region in the profile");
    for (size_t i = 0; i < region.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", region.ptr[i]) || region.len >= REGION_BYTES_MAX)
            return ERR(err, LF_USAGE, "%.*s is no region of AWS", SPAN_ARG(region));
    return arena_copy(&client->arena, region, &client->region, err);
}

static enum lf_code set_endpoint(struct dynamodb *client, enum dynamodb_service service, struct span endpoint, struct err *err)
{
    const char *host = service == DYNAMODB_STREAMS ? "streams.dynamodb" : "dynamodb";
    const char *china = span_starts_with(client->region, SPAN("cn-")) ? ".cn" : "";
    if (endpoint.len)
        return arena_copy(&client->arena, endpoint, &client->endpoints[service], err);
    return arena_printf(&client->arena, &client->endpoints[service], err, "https://%s.%.*s.amazonaws.com%s", host,
                        SPAN_ARG(client->region), china);
}

static enum lf_code set_places(struct dynamodb *client, const struct dynamodb_options *options, struct err *err)
{
    struct span given = without_slashes(span_from_cstr(options->endpoint)), region = span_from_cstr(options->region);
    struct span tables = given.len ? given : aws_session_endpoint(client->session, "DYNAMODB");
    struct span streams = given.len ? given : aws_session_endpoint(client->session, "DYNAMODB_STREAMS");
    if (!streams.len || (is_aws(streams) && span_equal(streams, tables)))
        streams = is_aws(tables) ? SPAN("") : tables; /* AWS serves streams elsewhere, everybody else at the same place */
    TRY(set_region(client, region.len ? region : aws_session_region(client->session), tables.len > 0, err));
    TRY(set_endpoint(client, DYNAMODB_TABLES, tables, err));
    return set_endpoint(client, DYNAMODB_STREAMS, streams, err);
}

static enum lf_code init_client(struct dynamodb *client, const struct dynamodb_options *options, struct err *err)
{
    client->policy = (struct http_policy){
        .attempts_max = or_default(options->attempts_max, DYNAMODB_ATTEMPTS),
        .delay_ms_min = DYNAMODB_DELAY_MS_MIN,
        .delay_ms_max = or_default(options->delay_ms_max, DYNAMODB_DELAY_MS_MAX),
        .connect_ms_max = or_default(options->connect_ms_max, DYNAMODB_CONNECT_MS),
        .stall_ms_max = or_default(options->answer_ms_max, DYNAMODB_ANSWER_MS),
    };
    client->answer_ms_max = or_default(options->answer_ms_max, DYNAMODB_ANSWER_MS);
    client->is_over = options->is_over;
    TRY(http_new(&client->http, err));
    TRY(aws_session_new(client->http, &client->session, err));
    return set_places(client, options, err);
}

enum lf_code dynamodb_open(const struct dynamodb_options *options, struct dynamodb **ret_client, struct err *err)
{
    static const struct dynamodb_options defaults = { 0 };
    struct dynamodb *client = calloc(1, sizeof *client);
    if (!client)
        return ERR(err, LF_MEMORY, "out of memory for a client of DynamoDB");
    arena_init(&client->arena, CALL_BYTES_MAX);
    enum lf_code code = init_client(client, options ? options : &defaults, err);
    if (code == LF_OK)
        *ret_client = client;
    else
        dynamodb_close(client);
    return code;
}

void dynamodb_close(struct dynamodb *client)
{
    if (!client)
        return;
    aws_session_free(client->session);
    http_free(client->http);
    arena_done(&client->arena);
    free(client);
}

void dynamodb_set_attempts(struct dynamodb *client, unsigned attempts_max)
{
    client->policy.attempts_max = attempts_max;
}

struct span dynamodb_region(const struct dynamodb *client)
{
    return client->region;
}

struct span dynamodb_endpoint(const struct dynamodb *client)
{
    return client->endpoints[DYNAMODB_TABLES];
}

/* What a refusal says ----------------------------------------------------------------------------------------------------- */

struct refusal {
    struct span type, message;
};

/* "com.amazonaws.dynamodb.v20120810#Name" and "Name:http://…" are both Name. */
static struct span bare_type(struct span type)
{
    size_t hash = span_find_byte(type, '#');
    if (hash < type.len)
        type = span_from(type, hash + 1);
    return span_of(type.ptr, span_find_byte(type, ':'));
}

static enum lf_code read_refusal(struct span body, struct arena *arena, struct refusal *refusal, struct err *err)
{
    struct json_reader json;
    struct json_token name, value;
    json_init(&json, body, arena);
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &name, err));
    for (;;) {
        TRY(json_next(&json, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return LF_OK;
        TRY(json_next(&json, &value, err));
        if (value.kind == JSON_STRING && span_equal(name.text, SPAN("__type")))
            refusal->type = bare_type(value.text);
        else if (value.kind == JSON_STRING && (span_equal(name.text, SPAN("message")) || span_equal(name.text, SPAN("Message"))))
            refusal->message = value.text;
        TRY(json_skip(&json, &value, err));
    }
}

static enum lf_code code_of_type(struct span type)
{
    for (int code = LF_OK + 1; code < LF_CODES; code++) {
        const char *known = lf_code_info((enum lf_code)code)->api_type;
        if (known && span_equal(bare_type(span_from_cstr(known)), type))
            return (enum lf_code)code;
    }
    if (span_equal(type, SPAN("ExpiredTokenException")) || span_equal(type, SPAN("ExpiredToken")))
        return LF_CREDENTIALS;
    return LF_AWS;
}

static enum lf_code code_of_refusal(unsigned status, struct span type)
{
    enum lf_code code = type.len ? code_of_type(type) : LF_AWS;
    return code == LF_AWS && http_status_is_transient(status) ? LF_NETWORK : code;
}

static bool may_pass(enum lf_code code)
{
    const struct lf_code_info *info = lf_code_info(code);
    return code == LF_NETWORK || (info->api_type && info->retryable);
}

/* Clocks ------------------------------------------------------------------------------------------------------------------ */

static bool is_about_time(const struct refusal *refusal)
{
    static const char *const types[] = { "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_equal(refusal->type, span_from_cstr(types[i])))
            return true;
    return span_find(refusal->message, SPAN("Signature expired")) < refusal->message.len ||
           span_find(refusal->message, SPAN("Signature not yet current")) < refusal->message.len;
}

/* Learns the service's time from what it answered; true when that makes a difference. */
static bool correct_clock(struct dynamodb *client, const struct http_answer *answer, struct arena *arena)
{
    struct err ignored = ERR_INIT; /* then the clock stays as it is */
    struct span date;
    if (arena_copy(arena, http_answer_header(answer, SPAN("Date")), &date, &ignored) != LF_OK)
        return false;
    time_t theirs = curl_getdate(date.ptr, NULL);
    int64_t skew_s = (int64_t)theirs - (int64_t)time(NULL);
    int64_t change_s = skew_s - atomic_load(&client->clock_skew_s);
    if (theirs == -1 || (change_s > -SKEW_SECONDS_MIN && change_s < SKEW_SECONDS_MIN))
        return false;
    atomic_store(&client->clock_skew_s, skew_s);
    return true;
}

/* One attempt ------------------------------------------------------------------------------------------------------------- */

struct call {
    struct dynamodb_attempt attempt;
    enum dynamodb_repeat repeat;
    struct dynamodb_answer *answer;
    bool may_repeat; /* by what the last attempt has shown */
};

struct aws_session *dynamodb_session(const struct dynamodb *client)
{
    return client->session;
}

enum lf_code dynamodb_attempt_sign(const struct dynamodb_attempt *attempt, const struct aws_credentials *credentials,
                                   struct http_request *ret_request, struct err *err)
{
    struct dynamodb *client = attempt->client;
    struct span target;
    TRY(arena_printf(attempt->arena, &target, err, "%s_20120810.%s",
                     attempt->service == DYNAMODB_STREAMS ? "DynamoDBStreams" : "DynamoDB", attempt->operation));
    const struct http_header headers[] = { { SPAN("Content-Type"), SPAN("application/x-amz-json-1.0") },
                                           { SPAN("X-Amz-Target"), target } };
    const struct aws_request request = {
        .method = "POST",
        .endpoint = client->endpoints[attempt->service],
        .path = SPAN("/"),
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = attempt->request,
        .service = "dynamodb",
        .region = client->region,
        .credentials = credentials,
        .policy = &client->policy,
        .clock_skew_s = atomic_load(&client->clock_skew_s),
        .total_ms_max = client->answer_ms_max,
        .is_once = attempt->is_once,
    };
    return aws_request_build(&request, attempt->arena, ret_request, err);
}

static bool checksum_fits(const struct http_answer *answer)
{
    struct span given = http_answer_header(answer, SPAN("x-amz-crc32")), body = buf_span(&answer->body);
    char expected[16];
    (void)snprintf(expected, sizeof expected, "%lu", crc32_z(0, (const unsigned char *)body.ptr, body.len));
    return !given.len || span_equal(given, span_from_cstr(expected));
}

/* The transaction of a token that is under way may yet happen; whatever else has a name has not. */
static enum dynamodb_outcome outcome_of_refusal(const struct dynamodb_answer *answer)
{
    bool is_refused = answer->status / 100 == 4 && answer->type.len;
    return is_refused && !span_equal(answer->type, SPAN("TransactionInProgressException")) ? DYNAMODB_REFUSED : DYNAMODB_UNKNOWN;
}

static enum lf_code judge_refusal(const struct dynamodb_attempt *attempt, const struct http_answer *http,
                                  struct dynamodb_answer *answer, bool *ret_may_repeat, struct err *err)
{
    struct refusal refusal = { 0 };
    struct err ignored = ERR_INIT; /* a body that is no JSON says nothing; the status does */
    (void)!read_refusal(answer->body, attempt->arena, &refusal, &ignored);
    answer->type = refusal.type;
    answer->outcome = outcome_of_refusal(answer);
    enum lf_code code = code_of_refusal(answer->status, refusal.type);
    *ret_may_repeat = may_pass(code) || (is_about_time(&refusal) && correct_clock(attempt->client, http, attempt->arena));
    if (!refusal.type.len)
        return ERR(err, code, "%s: status %u from %.*s", attempt->operation, answer->status,
                   SPAN_ARG(attempt->client->endpoints[attempt->service]));
    return ERR(err, code, "%s: %.*s: %.*s", attempt->operation, SPAN_ARG(refusal.type), SPAN_ARG(refusal.message));
}

enum lf_code dynamodb_attempt_judge(const struct dynamodb_attempt *attempt, const struct http_answer *http,
                                    struct dynamodb_answer *answer, bool *ret_may_repeat, struct err *err)
{
    answer->status = http->status;
    answer->outcome = DYNAMODB_UNKNOWN;
    *ret_may_repeat = false;
    TRY(arena_copy(attempt->arena, buf_span(&http->body), &answer->body, err));
    if (!checksum_fits(http)) {
        *ret_may_repeat = true;
        return ERR(err, LF_NETWORK, "%s: the answer was damaged on its way (x-amz-crc32 differs)", attempt->operation);
    }
    if (answer->status / 100 != 2)
        return judge_refusal(attempt, http, answer, ret_may_repeat, err);
    answer->outcome = DYNAMODB_DONE;
    return LF_OK;
}

static enum lf_code attempt_with(struct call *call, const struct aws_credentials *credentials, struct err *err)
{
    struct http_request request;
    struct http_answer answer;
    TRY(dynamodb_attempt_sign(&call->attempt, credentials, &request, err));
    http_answer_init(&answer);
    enum lf_code code = http_send(call->attempt.client->http, &request, &answer, err);
    if (code == LF_OK)
        code = dynamodb_attempt_judge(&call->attempt, &answer, call->answer, &call->may_repeat, err);
    else if (answer.was_sent)
        call->answer->outcome = DYNAMODB_UNKNOWN;
    call->may_repeat |= code == LF_NETWORK;
    http_answer_done(&answer);
    return code;
}

static enum lf_code attempt(struct call *call, struct err *err)
{
    const struct aws_credentials *credentials = NULL;
    unsigned attempts = call->answer->attempts;
    *call->answer = (struct dynamodb_answer){ .outcome = DYNAMODB_REFUSED, .attempts = attempts };
    call->may_repeat = false;
    TRY(aws_session_credentials(call->attempt.client->session, &credentials, err));
    call->answer->attempts++;
    enum lf_code code = attempt_with(call, credentials, err);
    aws_credentials_unref(credentials);
    return code;
}

/* Attempts ---------------------------------------------------------------------------------------------------------------- */

static bool is_over(const struct dynamodb *client)
{
    return client->is_over && atomic_load(client->is_over);
}

static void pause_for(const struct dynamodb *client, unsigned delay_ms)
{
    while (delay_ms && !is_over(client)) {
        unsigned slice_ms = delay_ms < PAUSE_SLICE_MS ? delay_ms : PAUSE_SLICE_MS;
        struct timespec slice = { .tv_nsec = (long)slice_ms * 1000000 };
        (void)nanosleep(&slice, NULL);
        delay_ms -= slice_ms;
    }
}

/* Whether the failed attempt may be followed by another. */
static bool repeat_is_allowed(const struct call *call)
{
    bool is_safe = call->repeat == DYNAMODB_REPEAT_ANY ||
                   (call->repeat == DYNAMODB_REPEAT_REFUSED && call->answer->outcome == DYNAMODB_REFUSED);
    return call->may_repeat && is_safe && call->answer->attempts < call->attempt.client->policy.attempts_max;
}

static enum lf_code repeat(struct call *call, struct err *err)
{
    struct backoff backoff;
    bool was_unknown = false;
    enum lf_code code;
    backoff_init(&backoff, call->attempt.client->policy.delay_ms_min, call->attempt.client->policy.delay_ms_max,
                 backoff_seed() ^ (uint64_t)(uintptr_t)call);
    while ((code = attempt(call, err)) != LF_OK && repeat_is_allowed(call)) {
        was_unknown |= call->answer->outcome == DYNAMODB_UNKNOWN;
        pause_for(call->attempt.client, backoff_next_ms(&backoff));
        if (is_over(call->attempt.client)) {
            code = ERR(err, LF_INTERRUPTED, "%s: stopped between two attempts", call->attempt.operation);
            break;
        }
    }
    if (code != LF_OK && was_unknown)
        call->answer->outcome = DYNAMODB_UNKNOWN;
    if (code != LF_OK && call->answer->attempts > 1)
        (void)err_while(err, "making attempt %u, the last", call->answer->attempts);
    return code;
}

enum lf_code dynamodb_call(struct dynamodb *client, enum dynamodb_service service, const char *operation, struct span request,
                           enum dynamodb_repeat repeat_what, struct arena *arena, struct dynamodb_answer *answer, struct err *err)
{
    struct call call = { .attempt = { .client = client,
                                      .service = service,
                                      .operation = operation,
                                      .request = request,
                                      .is_once = repeat_what != DYNAMODB_REPEAT_ANY,
                                      .arena = arena },
                         .repeat = repeat_what,
                         .answer = answer };
    *answer = (struct dynamodb_answer){ .outcome = DYNAMODB_REFUSED };
    return repeat(&call, err);
}
