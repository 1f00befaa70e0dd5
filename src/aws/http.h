/*
 * http: requests over libcurl (which stays behind this folder).
 *
 * One client serves all threads; it keeps the connections it has made and gives each request one that is idle. HTTPS is verified
 * against the system's certificates (or CURL_CA_BUNDLE, AWS_CA_BUNDLE); http_proxy, https_proxy and no_proxy are respected;
 * redirects are not followed. Nothing is tried twice here: a request may have to be signed anew or to go on elsewhere in the
 * stream, so the caller loops with `http_again`:
 *
 *     struct http_attempts attempts;
 *     http_attempts_init(&attempts, &policy);
 *     do
 *         code = attempt(…, err);
 *     while (code != LF_OK && http_again(&attempts, err));
 */
#pragma once

#include "base/arena.h"
#include "base/backoff.h"
#include "base/buf.h"

enum { HTTP_ANSWER_BYTES_MAX = 32 * 1024 * 1024, HTTP_HEADERS_BYTES_MAX = 256 * 1024 };

struct http;

/* Errors: LF_MEMORY. */
enum lf_code http_new(struct http **ret_http, struct err *err) MUST_CHECK;
void http_free(struct http *http); /* NULL is fine; no request may be under way */

struct http_header {
    struct span name, value;
};

struct http_answer {
    unsigned status;
    bool was_sent;      /* whether anything of the request may have been received; also of one that failed */
    struct buf headers; /* lines as received */
    struct buf body;    /* unless a sink took it */
};
void http_answer_init(struct http_answer *answer);
void http_answer_done(struct http_answer *answer); /* wipes it: it may hold credentials */

/* The value of a header, "" when it is not there. Borrowed from the answer. */
struct span http_answer_header(const struct http_answer *answer, struct span name);

/* Takes some of the body of an answer with a status of 2xx; an error ends the request. */
typedef enum lf_code http_sink(void *context, const struct http_answer *answer, struct span bytes, struct err *err);

struct http_request {
    const char *method;
    struct span url; /* NUL-terminated */
    const struct http_header *headers;
    size_t header_count;
    struct span body;
    http_sink *sink; /* NULL: the body goes into the answer */
    void *context;
    unsigned connect_ms_max;
    unsigned stall_ms_max; /* without a byte; whole seconds */
    unsigned total_ms_max; /* from the start to the end of the answer; 0: no limit */
    bool is_link_local;    /* an address of this host or instance: never through a proxy */
    bool is_once; /* the body must not be received twice: an idle connection that turns out to be closed is LF_NETWORK, too */
};

/* Any status is an answer. Errors: LF_NETWORK (not reached, cut, stalled: another attempt may help), LF_TLS, LF_USAGE (no URL),
 * LF_LIMIT (answer too large), LF_MEMORY, the sink's. */
enum lf_code http_send(struct http *http, const struct http_request *request, struct http_answer *answer,
                       struct err *err) MUST_CHECK;

/* Whether the status means that another attempt may help. */
bool http_status_is_transient(unsigned status);

struct http_policy {
    unsigned attempts_max; /* at least 1 */
    unsigned delay_ms_min, delay_ms_max;
    unsigned connect_ms_max, stall_ms_max;
};

struct http_attempts {
    const struct http_policy *policy; /* borrowed */
    struct backoff backoff;
    unsigned made;
};
void http_attempts_init(struct http_attempts *attempts, const struct http_policy *policy);

/* After a failed attempt: true when it was LF_NETWORK and one more is due, after a pause; else the error is final, and says how
 * many attempts there were. */
bool http_again(struct http_attempts *attempts, struct err *err);
