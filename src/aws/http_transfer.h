/*
 * http_transfer: one request of http.h in libcurl's hands: what http.c, which waits for it, and http_multi.c, which does not,
 * have in common. Inside aws/ only.
 *
 *     http_transfer_begin ─► libcurl performs ─► http_transfer_end, or http_transfer_done for one that is given up
 */
#pragma once

#include <curl/curl.h>

#include "aws/http.h"

struct http_transfer {
    const struct http_request *request; /* borrowed */
    struct http_answer *answer;         /* borrowed */
    CURL *curl;                         /* borrowed */
    struct curl_slist *headers;         /* owned */
    struct span unread;                 /* of the body, when libcurl takes it bit by bit */
    struct err sink_err;                /* of the sink, or of our own limit */
    char reason[CURL_ERROR_SIZE];
};

/* Before anything else; false: libcurl cannot be used. Any thread. */
bool http_transfer_init_library(void);

/* Sets the handle up. It is in use until the end; also after an error call http_transfer_done. */
enum lf_code http_transfer_begin(struct http_transfer *transfer, CURL *curl, const struct http_request *request,
                                 struct http_answer *answer, struct err *err) MUST_CHECK;

/* What has come of it, as http_send returns it. */
enum lf_code http_transfer_end(struct http_transfer *transfer, CURLcode result, struct err *err) MUST_CHECK;
void http_transfer_done(struct http_transfer *transfer);
