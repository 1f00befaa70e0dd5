#include "aws/http_transfer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/secret.h"

/* libcurl's own state must be set up once, before any thread uses it. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_result;

static void init_curl(void)
{
    curl_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool http_transfer_init_library(void)
{
    (void)pthread_once(&curl_once, init_curl);
    return curl_result == CURLE_OK;
}

/* What libcurl calls ------------------------------------------------------------------------------------------------------- */

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
    struct buf *headers = &transfer->answer->headers;
    size_t len = size * count;
    if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buf_reset(headers); /* those before were of "100 Continue" or of a proxy */
    buf_put(headers, bytes, len);
    return buf_check(headers, &transfer->sink_err) == LF_OK ? len : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_transfer *transfer = context;
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
    struct http_transfer *transfer = context;
    size_t len = size * count < transfer->unread.len ? size * count : transfer->unread.len;
    if (len)
        memcpy(room, transfer->unread.ptr, len);
    transfer->unread = span_from(transfer->unread, len);
    return len;
}

static enum lf_code add_header(struct http_transfer *transfer, struct span name, struct span value, struct err *err)
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

static enum lf_code add_headers(struct http_transfer *transfer, struct err *err)
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
static CURLcode set_options(struct http_transfer *transfer)
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
static bool was_sent(const struct http_transfer *transfer, CURLcode result)
{
    long bytes = 0;
    CURLcode known = curl_easy_getinfo(transfer->curl, CURLINFO_REQUEST_SIZE, &bytes);
    return result == CURLE_SEND_FAIL_REWIND || known != CURLE_OK || bytes > 0;
}

enum lf_code http_transfer_begin(struct http_transfer *transfer, CURL *curl, const struct http_request *request,
                                 struct http_answer *answer, struct err *err)
{
    *transfer = (struct http_transfer){
        .request = request, .answer = answer, .curl = curl, .unread = request->body, .sink_err = ERR_INIT
    };
    answer->status = 0;
    answer->was_sent = false;
    buf_reset(&answer->headers);
    buf_reset(&answer->body);
    TRY(add_headers(transfer, err));
    CURLcode result = set_options(transfer);
    return result == CURLE_OK ? LF_OK : ERR(err, code_of(result), "%s", curl_easy_strerror(result));
}

static enum lf_code judge(struct http_transfer *transfer, CURLcode result, struct err *err)
{
    struct span place = place_of(transfer->request->url);
    transfer->answer->was_sent = was_sent(transfer, result);
    if (transfer->sink_err.code != LF_OK) {
        *err = transfer->sink_err;
        return err->code;
    }
    if (result != CURLE_OK)
        return ERR(err, code_of(result), "%.*s: %s", SPAN_ARG(place),
                   transfer->reason[0] ? transfer->reason : curl_easy_strerror(result));
    if (!headers_are_whole(buf_span(&transfer->answer->headers)))
        return ERR(err, LF_NETWORK, "%.*s: the connection was closed within the headers", SPAN_ARG(place));
    long status = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer->status = (unsigned)status;
    return LF_OK;
}

enum lf_code http_transfer_end(struct http_transfer *transfer, CURLcode result, struct err *err)
{
    enum lf_code code = judge(transfer, result, err);
    http_transfer_done(transfer);
    return code;
}

void http_transfer_done(struct http_transfer *transfer)
{
    wipe_headers(transfer->headers);
    transfer->headers = NULL;
}
