#include "aws/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "base/secret.h"

enum { IDLE_MAX = 64 };

struct http {
    pthread_mutex_t lock; /* guards what is below */
    CURL *idle[IDLE_MAX]; /* owned, with their open connections */
    size_t idle_count;
};

/* libcurl's own state must be set up once, before any thread uses it. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_result;

static void init_curl(void)
{
    curl_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum lf_code http_new(struct http **ret_http, struct err *err)
{
    (void)pthread_once(&curl_once, init_curl);
    struct http *http = curl_result == CURLE_OK ? calloc(1, sizeof *http) : NULL;
    if (!http)
        return ERR(err, LF_MEMORY, "cannot set up an HTTP client");
    (void)pthread_mutex_init(&http->lock, NULL);
    *ret_http = http;
    return LF_OK;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    for (size_t i = 0; i < http->idle_count; i++)
        curl_easy_cleanup(http->idle[i]);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}

static CURL *take_handle(struct http *http)
{
    CURL *curl = NULL;
    (void)pthread_mutex_lock(&http->lock);
    if (http->idle_count)
        curl = http->idle[--http->idle_count];
    (void)pthread_mutex_unlock(&http->lock);
    return curl ? curl : curl_easy_init();
}

static void give_handle(struct http *http, CURL *curl)
{
    curl_easy_reset(curl); /* keeps connections */
    (void)pthread_mutex_lock(&http->lock);
    bool has_room = http->idle_count < IDLE_MAX;
    if (has_room)
        http->idle[http->idle_count++] = curl;
    (void)pthread_mutex_unlock(&http->lock);
    if (!has_room)
        curl_easy_cleanup(curl);
}

/* Answers ------------------------------------------------------------------------------------------------------------------ */

void http_answer_init(struct http_answer *answer)
{
    *answer = (struct http_answer){ 0 };
    buf_init(&answer->headers, HTTP_HEADERS_BYTES_MAX);
    buf_init(&answer->body, HTTP_ANSWER_BYTES_MAX);
}

void http_answer_done(struct http_answer *answer)
{
    secret_wipe(answer->headers.data, answer->headers.len);
    secret_wipe(answer->body.data, answer->body.len);
    buf_done(&answer->headers);
    buf_done(&answer->body);
}

static struct span trim(struct span text)
{
    while (text.len && strchr(" \t\r\n", text.ptr[0]))
        text = span_from(text, 1);
    while (text.len && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

struct span http_answer_header(const struct http_answer *answer, struct span name)
{
    struct span rest = buf_span(&answer->headers);
    while (rest.len) {
        size_t end = span_find_byte(rest, '\n');
        struct span line = span_of(rest.ptr, end);
        rest = span_from(rest, end + 1);
        if (line.len > name.len && line.ptr[name.len] == ':' && strncasecmp(line.ptr, name.ptr, name.len) == 0)
            return trim(span_from(line, name.len + 1));
    }
    return SPAN("");
}

/* Requests ----------------------------------------------------------------------------------------------------------------- */

/* A request that is under way. */
struct transfer {
    const struct http_request *request; /* borrowed */
    struct http_answer *answer;         /* borrowed */
    CURL *curl;
    struct curl_slist *headers; /* owned */
    struct span unread;         /* of the body, when it is given out by on_read */
    struct err sink_err;        /* of the sink, or of our own limit */
    char reason[CURL_ERROR_SIZE];
};

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct buf *headers = &transfer->answer->headers;
    size_t len = size * count;
    if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buf_reset(headers); /* those before were of "100 Continue" or of a proxy */
    buf_put(headers, bytes, len);
    return buf_check(headers, &transfer->sink_err) == LF_OK ? len : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct http_answer *answer = transfer->answer;
    size_t len = size * count;
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (unsigned)status;
    if (transfer->request->sink && status / 100 == 2)
        return transfer->request->sink(transfer->request->context, answer, span_of(bytes, len), &transfer->sink_err) == LF_OK
                   ? len
                   : 0;
    if (len > HTTP_ANSWER_BYTES_MAX - answer->body.len)
        (void)ERR(&transfer->sink_err, LF_LIMIT, "%s answers with more than %d bytes", transfer->request->url.ptr,
                  HTTP_ANSWER_BYTES_MAX);
    else
        buf_put(&answer->body, bytes, len);
    return transfer->sink_err.code == LF_OK && buf_check(&answer->body, &transfer->sink_err) == LF_OK ? len : 0;
}

static size_t on_read(char *room, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count < transfer->unread.len ? size * count : transfer->unread.len;
    if (len)
        memcpy(room, transfer->unread.ptr, len);
    transfer->unread = span_from(transfer->unread, len);
    return len;
}

static enum lf_code add_header(struct transfer *transfer, struct span name, struct span value, struct err *err)
{
    struct buf line;
    buf_init(&line, HTTP_HEADERS_BYTES_MAX);
    buf_put_span(&line, name);
    buf_put_cstr(&line, value.len ? ": " : ";"); /* libcurl's way to send a header without value */
    buf_put_span(&line, value);
    struct curl_slist *longer = line.failed ? NULL : curl_slist_append(transfer->headers, buf_cstr(&line));
    secret_wipe(line.data, line.len);
    buf_done(&line);
    if (!longer)
        return ERR(err, LF_MEMORY, "out of memory for a request");
    transfer->headers = longer;
    return LF_OK;
}

static enum lf_code add_headers(struct transfer *transfer, struct err *err)
{
    for (size_t i = 0; i < transfer->request->header_count; i++)
        TRY(add_header(transfer, transfer->request->headers[i].name, transfer->request->headers[i].value, err));
    return LF_OK;
}

static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line; line = line->next)
        secret_wipe(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

/* What curl_easy_setopt can fail with is lack of memory, or an option that this libcurl lacks; either way nothing is sent. */
static CURLcode set_options(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    CURL *curl = transfer->curl;
    const char *bundle = getenv("AWS_CA_BUNDLE");
    if (!bundle)
        bundle = getenv("CURL_CA_BUNDLE");
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(curl, (option), (value))
    SET(CURLOPT_URL, request->url.ptr);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_PATH_AS_IS, 1L); /* a key may hold "..", and the path is signed as it is */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_ERRORBUFFER, transfer->reason);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms_max);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)((request->stall_ms_max + 999) / 1000));
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_USERAGENT, "landfall");
    if (bundle)
        SET(CURLOPT_CAINFO, bundle);
    if (request->is_link_local)
        SET(CURLOPT_NOPROXY, "*");
    if (request->total_ms_max)
        SET(CURLOPT_TIMEOUT_MS, (long)request->total_ms_max);
    if (request->body.len)
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    if (request->body.len && !request->is_once)
        SET(CURLOPT_POSTFIELDS, request->body.ptr);
    if (request->body.len && request->is_once) { /* what cannot be read from the start again, libcurl does not send again */
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_READFUNCTION, on_read);
        SET(CURLOPT_READDATA, transfer);
    }
#undef SET
    return code;
}

/* Trust and usage do not change by themselves; what else can happen may pass. */
static enum lf_code code_of(CURLcode result)
{
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
        return LF_TLS;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return LF_USAGE;
    case CURLE_OUT_OF_MEMORY:
        return LF_MEMORY;
    default:
        return LF_NETWORK;
    }
}

/* Without the query, which may be long. */
static struct span place_of(struct span url)
{
    return span_of(url.ptr, span_find_byte(url, '?'));
}

/* libcurl takes a connection that is closed within the headers for the end of an answer without a body. */
static bool headers_are_whole(struct span headers)
{
    return span_ends_with(headers, SPAN("\n\r\n")) || span_ends_with(headers, SPAN("\n\n"));
}

/* An error of rewinding means that the request was sent, and was to be sent again. */
static bool was_sent(const struct transfer *transfer, CURLcode result)
{
    long bytes = 0;
    CURLcode known = curl_easy_getinfo(transfer->curl, CURLINFO_REQUEST_SIZE, &bytes);
    return result == CURLE_SEND_FAIL_REWIND || known != CURLE_OK || bytes > 0;
}

static enum lf_code perform(struct transfer *transfer, struct err *err)
{
    TRY(add_headers(transfer, err));
    CURLcode result = set_options(transfer);
    if (result == CURLE_OK)
        result = curl_easy_perform(transfer->curl);
    transfer->answer->was_sent = was_sent(transfer, result);
    if (transfer->sink_err.code != LF_OK) {
        *err = transfer->sink_err;
        return err->code;
    }
    if (result != CURLE_OK)
        return ERR(err, code_of(result), "%.*s: %s", SPAN_ARG(place_of(transfer->request->url)),
                   transfer->reason[0] ? transfer->reason : curl_easy_strerror(result));
    if (!headers_are_whole(buf_span(&transfer->answer->headers)))
        return ERR(err, LF_NETWORK, "%.*s: the connection was closed within the headers",
                   SPAN_ARG(place_of(transfer->request->url)));
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer->status = (unsigned)status;
    return LF_OK;
}

enum lf_code http_send(struct http *http, const struct http_request *request, struct http_answer *answer, struct err *err)
{
    struct transfer transfer = {
        .request = request, .answer = answer, .curl = take_handle(http), .unread = request->body, .sink_err = ERR_INIT
    };
    if (!transfer.curl)
        return ERR(err, LF_MEMORY, "cannot set up a request");
    answer->status = 0;
    answer->was_sent = false;
    buf_reset(&answer->headers);
    buf_reset(&answer->body);
    enum lf_code code = perform(&transfer, err);
    wipe_headers(transfer.headers);
    give_handle(http, transfer.curl);
    return code;
}

/* Attempts ----------------------------------------------------------------------------------------------------------------- */

bool http_status_is_transient(unsigned status)
{
    return status == 408 || status == 429 || status >= 500;
}

void http_attempts_init(struct http_attempts *attempts, const struct http_policy *policy)
{
    *attempts = (struct http_attempts){ .policy = policy };
    backoff_init(&attempts->backoff, policy->delay_ms_min, policy->delay_ms_max, backoff_seed());
}

bool http_again(struct http_attempts *attempts, struct err *err)
{
    if (err->code != LF_NETWORK)
        return false;
    if (++attempts->made < attempts->policy->attempts_max) {
        backoff_wait(&attempts->backoff);
        return true;
    }
    if (attempts->made > 1)
        (void)err_while(err, "making attempt %u, the last", attempts->made);
    return false;
}
