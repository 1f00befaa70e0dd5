#include "aws/request.h"

#include <time.h>

#include "aws/xml.h"
#include "codec/sigv4.h"

enum { ARENA_BYTES_MAX = 4 * 1024 * 1024, OWN_HEADERS_MAX = 5 };

/* The headers of a request: ours, and what the caller adds. */
struct headers {
    struct http_header *all; /* room for AWS_REQUEST_HEADERS_MAX + OWN_HEADERS_MAX */
    size_t count;
};

static void add(struct headers *headers, struct span name, struct span value)
{
    headers->all[headers->count++] = (struct http_header){ name, value };
}

/* "https://host:port" gives "host:port". */
static struct span authority_of(struct span endpoint)
{
    size_t at = span_find(endpoint, SPAN("://"));
    return at < endpoint.len ? span_from(endpoint, at + 3) : endpoint;
}

static enum lf_code time_now(int64_t clock_skew_s, struct arena *arena, struct span *ret_time, struct err *err)
{
    char text[32];
    struct tm parts;
    time_t now = time(NULL) + clock_skew_s;
    if (!gmtime_r(&now, &parts) || strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts) != SIGV4_TIME_BYTES)
        return ERR(err, LF_AWS, "the clock of this machine is wrong");
    return arena_copy(arena, span_of(text, SIGV4_TIME_BYTES), ret_time, err);
}

static enum lf_code sign(const struct aws_request *request, const struct headers *headers, const struct sigv4_scope *scope,
                         struct span payload_hash, struct arena *arena, struct span *ret_authorization, struct err *err)
{
    struct sigv4_header signed_headers[AWS_REQUEST_HEADERS_MAX + OWN_HEADERS_MAX];
    for (size_t i = 0; i < headers->count; i++)
        signed_headers[i] = (struct sigv4_header){ headers->all[i].name, headers->all[i].value };
    const struct sigv4_request canonical = {
        .method = span_from_cstr(request->method),
        .path = request->path,
        .query = request->query,
        .headers = signed_headers,
        .header_count = headers->count,
        .payload_hash = payload_hash,
        .is_s3 = strcmp(request->service, "s3") == 0,
    };
    struct sigv4_signature signature;
    TRY(sigv4_sign(&canonical, scope, request->credentials->secret_key, arena, &signature, err));
    return sigv4_authorization(&signature, scope, request->credentials->access_key_id, arena, ret_authorization, err);
}

static enum lf_code add_signature(const struct aws_request *request, struct headers *headers, struct arena *arena,
                                  struct err *err)
{
    struct sigv4_scope scope = { .region = request->region, .service = span_from_cstr(request->service) };
    struct span payload_hash, authorization, token = secret_reveal(request->credentials->session_token);
    TRY(time_now(request->clock_skew_s, arena, &scope.time, err));
    TRY(sigv4_payload_hash(request->body, arena, &payload_hash, err));
    add(headers, SPAN("x-amz-date"), scope.time);
    add(headers, SPAN("x-amz-content-sha256"), payload_hash);
    if (token.len)
        add(headers, SPAN("x-amz-security-token"), token);
    TRY(sign(request, headers, &scope, payload_hash, arena, &authorization, err));
    add(headers, SPAN("Authorization"), authorization);
    return LF_OK;
}

enum lf_code aws_request_build(const struct aws_request *request, struct arena *arena, struct http_request *ret_request,
                               struct err *err)
{
    struct span url;
    struct headers headers = { .all = arena_calloc(arena, AWS_REQUEST_HEADERS_MAX + OWN_HEADERS_MAX, sizeof *headers.all, err) };
    if (!headers.all)
        return err->code;
    TRY(arena_printf(arena, &url, err, "%.*s%.*s%s%.*s", SPAN_ARG(request->endpoint), SPAN_ARG(request->path),
                     request->query.len ? "?" : "", SPAN_ARG(request->query)));
    add(&headers, SPAN("Host"), authority_of(request->endpoint));
    for (size_t i = 0; i < request->header_count; i++)
        add(&headers, request->headers[i].name, request->headers[i].value);
    if (request->credentials)
        TRY(add_signature(request, &headers, arena, err));
    *ret_request = (struct http_request){
        .method = request->method,
        .url = url,
        .headers = headers.all,
        .header_count = headers.count,
        .body = request->body,
        .sink = request->sink,
        .context = request->context,
        .connect_ms_max = request->policy->connect_ms_max,
        .stall_ms_max = request->policy->stall_ms_max,
        .total_ms_max = request->total_ms_max,
        .is_once = request->is_once,
    };
    return LF_OK;
}

static enum lf_code send_with(struct http *http, const struct aws_request *request, struct arena *arena,
                              struct http_answer *answer, struct err *err)
{
    struct http_request plain;
    TRY(aws_request_build(request, arena, &plain, err));
    return http_send(http, &plain, answer, err);
}

enum lf_code aws_request_send(struct http *http, const struct aws_request *request, struct http_answer *answer, struct err *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    enum lf_code code = send_with(http, request, &arena, answer, err);
    arena_done(&arena);
    return code;
}

/* Errors ------------------------------------------------------------------------------------------------------------------- */

enum { ERROR_CODE_BYTES = 64, ERROR_MESSAGE_BYTES = 512 };

struct service_error {
    char code[ERROR_CODE_BYTES], message[ERROR_MESSAGE_BYTES];
};

static void keep(char *room, size_t size, struct span text)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len)
        memcpy(room, text.ptr, len);
    room[len] = '\0';
}

static enum lf_code read_error(void *context, struct span path, struct span text, struct err *err)
{
    struct service_error *error = context;
    (void)err;
    if (span_ends_with(path, SPAN("Error/Code")))
        keep(error->code, sizeof error->code, text);
    else if (span_ends_with(path, SPAN("Error/Message")))
        keep(error->message, sizeof error->message, text);
    return LF_OK;
}

static bool is_transient(const char *code)
{
    static const char *const codes[] = { "SlowDown",   "RequestTimeout",      "InternalError",        "ServiceUnavailable",
                                         "Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError" };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

enum lf_code aws_request_error(const struct http_answer *answer, struct span what, struct err *err)
{
    struct service_error error = { 0 };
    struct err ignored = ERR_INIT; /* a body that is no XML says nothing; the status does */
    (void)!xml_read(buf_span(&answer->body), read_error, &error, &ignored);
    enum lf_code code = answer->status == 404 ? LF_NOT_FOUND : LF_AWS;
    if (http_status_is_transient(answer->status) || is_transient(error.code))
        code = LF_NETWORK;
    return ERR(err, code, "%.*s: status %u%s%s%s%s", SPAN_ARG(what), answer->status, error.code[0] ? ", " : "", error.code,
               error.message[0] ? ": " : "", error.message);
}
