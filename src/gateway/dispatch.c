#include "gateway/dispatch.h"

#include <stdatomic.h>
#include <time.h>
#include <zlib.h>

#include "gateway/auth/authorise.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "gateway/worker.h"

enum { REQUEST_ID_BYTES = 52, ERROR_MEMBERS_BYTES_MAX = 64 * 1024 * 1024 };

/* Answers ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code make_request_id(struct worker *worker, struct arena *arena, struct span *ret_id, struct err *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char *id = arena_alloc(arena, REQUEST_ID_BYTES, err);
    if (!id)
        return err->code;
    uint64_t random = 0;
    for (size_t i = 0; i < REQUEST_ID_BYTES; i++, random >>= 5) {
        if (i % 12 == 0)
            random = worker_random(worker);
        id[i] = digits[random & 31];
    }
    *ret_id = span_of(id, REQUEST_ID_BYTES);
    return LF_OK;
}

static void put_header(struct http_response *response, struct span name, struct span value)
{
    response->headers[response->header_count++] = (struct sigv4_header){ .name = name, .value = value };
}

/* Clients compare it with the body they got. */
static void put_checksum(struct http_response *response, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct span body = buf_span(response->body);
    unsigned long crc = crc32_z(0, (const unsigned char *)body.ptr, body.len);
    char *digits = arena_alloc(arena, SPAN_DIGITS_MAX, &err); /* printf would take longer than the checksum */
    if (!digits)
        return;
    put_header(response, SPAN("x-amz-crc32"), span_of_number(crc, digits));
}

static void finish(const struct call *call, struct http_response *response, int status)
{
    response->status = status;
    response->content_type = SPAN("application/x-amz-json-1.0");
    put_header(response, SPAN("x-amzn-RequestId"), call->request_id);
    put_checksum(response, call->arena);
}

static void put_error(const struct call *call, struct http_response *response, const struct err *err)
{
    const struct lf_code_info *info = lf_code_info(err->code);
    struct reply reply;
    bool is_ours = !info->api_type; /* not an exception of the API: the caller learns no more than that something failed */
    buf_reset(response->body);
    reply_init(&reply, response->body);
    reply_object_begin(&reply);
    reply_member_string(&reply, SPAN("__type"),
                        span_from_cstr(is_ours ? lf_code_info(LF_INTERNAL_SERVER)->api_type : info->api_type));
    if (call->error_members)
        buf_put_span(response->body, buf_span(call->error_members));
    if (!call->has_error_message)
        reply_member_string(&reply, SPAN("message"), is_ours ? SPAN("Internal server error") : span_from_cstr(err->message));
    reply_object_end(&reply);
    if (is_ours)
        worker_log(call->worker, call->request_id, err);
    finish(call, response, is_ours ? 500 : info->http_status);
}

/* Operations ------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code find_operation(const struct http_request *request, const struct operation_info **ret_info,
                                   operation_run **ret_run, struct err *err)
{
    enum operation operation;
    const struct span *target = http_request_header(request, "x-amz-target");
    if (!span_equal(request->method, SPAN("POST")) || !target || !operation_find(*target, &operation) ||
        !operation_runs[operation])
        return ERR(err, LF_UNKNOWN_OPERATION, "%s", "");
    *ret_info = operation_info(operation);
    *ret_run = operation_runs[operation];
    return LF_OK;
}

static enum lf_code check_caller(struct call *call, const struct http_request *http, struct err *err)
{
    if (!call->keys)
        return LF_OK;
    return authenticate(call->worker->auth, call->keys, http, (int64_t)time(NULL), &call->caller, err);
}

static enum lf_code run_unknown(struct call *call, const struct http_request *http, struct err *err)
{
    const struct span *target = http_request_header(http, "x-amz-target");
    if (!call->worker->upstream || !target)
        return err->code;
    *err = (struct err)ERR_INIT;
    TRY(check_caller(call, http, err));
    return route_unknown(call, *target, err);
}

static enum lf_code run_operation(struct call *call, const struct http_request *http, struct err *err)
{
    operation_run *run = NULL;
    call->body = http->body;
    if (find_operation(http, &call->operation, &run, err))
        return run_unknown(call, http, err);
    TRY(check_caller(call, http, err));
    void *request = arena_calloc(call->arena, 1, call->operation->request->size, err);
    if (!request)
        return err->code;
    TRY(shape_read(call->operation->request, http->body, call->arena, request, err));
    TRY(authorise(call, call->operation, request, err));
    return route_run(call, request, run, err);
}

static enum lf_code answer(struct call *call, const struct http_request *http, struct http_response *response, struct err *err)
{
    struct reply reply;
    TRY(make_request_id(call->worker, call->arena, &call->request_id, err));
    reply_init(&reply, response->body);
    call->reply = &reply;
    TRY(run_operation(call, http, err));
    return buf_check(response->body, err);
}

static bool asks_for_health(const struct http_request *request)
{
    return !span_equal(request->method, SPAN("POST")) &&
           (span_equal(request->path, SPAN("/")) || span_equal(request->path, SPAN("/health")));
}

static void tell_health(struct worker *worker, struct http_response *response)
{
    struct err err = ERR_INIT;
    bool is_connected = db_is_connected(worker->db) && !catalog_check_fresh(worker->catalog, &err);
    bool is_healthy = is_connected || !catalog_needs_postgres(worker->catalog);
    response->status = is_healthy ? 200 : 503;
    response->content_type = SPAN("text/plain");
    buf_put_cstr(response->body, is_connected ? "healthy: landfall\n"
                                 : is_healthy ? "healthy: landfall, without PostgreSQL\n"
                                              : "unhealthy: no connection to PostgreSQL\n");
}

void dispatch(void *context, const struct http_request *request, struct http_response *response)
{
    struct worker *worker = context;
    struct err err = ERR_INIT;
    struct buf error_members;
    if (asks_for_health(request)) {
        tell_health(worker, response);
        return;
    }
    buf_init(&error_members, ERROR_MEMBERS_BYTES_MAX);
    struct call call = { .worker = worker, .arena = request->arena, .error_members = &error_members };
    call.keys = gateway_keys_take(worker->gateway);
    if (answer(&call, request, response, &err))
        put_error(&call, response, &err);
    else
        finish(&call, response, call.status ? call.status : 200);
    access_keys_unref(call.keys);
    buf_done(&error_members);
}

void dispatch_overloaded(void *context, const struct http_request *request, struct http_response *response)
{
    struct err err = ERR_INIT;
    struct call call = { .worker = context, .arena = request->arena };
    if (!make_request_id(call.worker, call.arena, &call.request_id, &err))
        (void)ERR(&err, LF_THROTTLING, "The gateway is over its limits of connections or memory. Try again.");
    put_error(&call, response, &err);
}
