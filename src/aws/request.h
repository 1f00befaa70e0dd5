/* request: one signed request to an AWS service, sent once; who calls it loops (http.h). */
#pragma once

#include "aws/credentials.h"

struct aws_request {
    const char *method;
    struct span endpoint; /* "https://bucket.s3.eu-central-1.amazonaws.com" */
    struct span path;     /* percent-encoded, begins with '/' */
    struct span query;    /* percent-encoded, without '?' */
    const struct http_header *headers;
    size_t header_count; /* at most AWS_REQUEST_HEADERS_MAX */
    struct span body;
    const char *service; /* "s3", "sts": of the scope that is signed for */
    struct span region;
    const struct aws_credentials *credentials; /* NULL: not signed */
    const struct http_policy *policy;          /* its timeouts */
    http_sink *sink;
    void *context;
    int64_t clock_skew_s;  /* of the service's clock against this machine's */
    unsigned total_ms_max; /* as of http_request */
    bool is_once;          /* as of http_request */
};

enum { AWS_REQUEST_HEADERS_MAX = 8 };

/* The request with its URL, headers and signature, in the arena, the rest borrowed; it has not been sent. Errors: LF_AWS (this
 * machine's clock), LF_MEMORY. */
enum lf_code aws_request_build(const struct aws_request *request, struct arena *arena, struct http_request *ret_request,
                               struct err *err) MUST_CHECK;

/* Errors: as of http_send. */
enum lf_code aws_request_send(struct http *http, const struct aws_request *request, struct http_answer *answer,
                              struct err *err) MUST_CHECK;

/* What an answer that is not 2xx says, as an error: LF_NETWORK when another attempt may help, LF_NOT_FOUND, else LF_AWS. `what`
 * is what was asked for. XML of S3 and STS, and S3's answers without a body. */
enum lf_code aws_request_error(const struct http_answer *answer, struct span what, struct err *err) MUST_CHECK;
