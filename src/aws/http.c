#include "aws/http_transfer.h"

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

enum lf_code http_new(struct http **ret_http, struct err *err)
{
    struct http *http = http_transfer_init_library() ? calloc(1, sizeof *http) : NULL;
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

static enum lf_code perform(CURL *curl, const struct http_request *request, struct http_answer *answer, struct err *err)
{
    struct http_transfer transfer;
    enum lf_code code = http_transfer_begin(&transfer, curl, request, answer, err);
    if (code == LF_OK)
        return http_transfer_end(&transfer, curl_easy_perform(curl), err);
    http_transfer_done(&transfer);
    return code;
}

enum lf_code http_send(struct http *http, const struct http_request *request, struct http_answer *answer, struct err *err)
{
    CURL *curl = take_handle(http);
    if (!curl)
        return ERR(err, LF_MEMORY, "cannot set up a request");
    enum lf_code code = perform(curl, request, answer, err);
    give_handle(http, curl);
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
