/*
 * server: HTTP/1.1 for one worker: listener, connections, requests (RFC 9112), TLS.
 *
 * Each request, once its head and body are whole, is a fiber that runs `handle`; its arena lives until the answer is written.
 * Requests of one connection are answered in order, one at a time; what a client pipelines waits in the connection's buffer. The
 * parser (parser.h) does no I/O and is fuzzed by itself.
 *
 *     accept ─► read head ─► read body (Content-Length or chunked) ─► fiber: handle ─► write ─► next request, or close
 *                 │ idle, slow or oversized                             │
 *                 └► 408, 413, 431, 400 and close                        └► peer gone: the fiber still ends, its answer is
 * dropped
 *
 * Limits: head SERVER_HEAD_BYTES, body options.body_bytes_max, connections, bytes in flight; beyond the last two a request is
 * answered by `overloaded` without reading its body to the end. One server, one thread; workers share a port by SO_REUSEPORT.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/sigv4.h"
#include "gateway/http/parser.h"
#include "gateway/http/tls.h"
#include "gateway/runtime/loop.h"

enum { SERVER_HEAD_BYTES = HTTP_HEAD_BYTES, SERVER_HEADERS_MAX = HTTP_HEADERS_MAX };

struct http_request {
    struct span method, path, query; /* as on the request line */
    const struct sigv4_header *headers;
    size_t header_count;
    struct span body;
    struct span peer;    /* address, for logs */
    struct arena *arena; /* the request's */
};

struct http_response {
    int status;
    struct span content_type;
    struct sigv4_header headers[8]; /* further ones */
    size_t header_count;
    struct buf *body; /* of the connection; the handler writes into it */
    bool closes;      /* the connection afterwards */
};

/* NULL when there is none; names are compared without case. */
const struct span *http_request_header(const struct http_request *request, const char *name);

/* Runs on a fiber. Must set status. */
typedef void http_handle(void *context, const struct http_request *request, struct http_response *response);

struct server_options {
    const char *address;   /* "127.0.0.1:8000", "[::1]:0", "*:8000" */
    bool joins;            /* servers of this process on the same port; else it must be free */
    struct tls_files *tls; /* borrowed, whoever owns it reads it again; NULL: plain */
    size_t body_bytes_max;
    size_t connections_max;
    size_t in_flight_bytes_max; /* of requests and answers of all connections of this worker */
    int64_t idle_ms_max;        /* between requests */
    int64_t request_ms_max;     /* from a request's first byte to its last */
    size_t request_arena_bytes_max;
    http_handle *handle;
    http_handle *overloaded; /* runs on the loop, not on a fiber: it must not wait; the body may not have come */
    void *context;
    /* What went wrong beside any request: no descriptor for a connection, for instance. May be NULL. */
    void (*report)(void *context, const struct err *err);
};

struct server;

/* Listens. Errors: LF_USAGE (address), LF_IO (in use, not permitted), LF_TLS. */
enum lf_code server_new(struct loop *loop, const struct server_options *options, struct server **ret_server,
                        struct err *err) MUST_CHECK;
/* "127.0.0.1:43211" */
const char *server_address(const struct server *server);
/* No new connections or requests; what is in flight is answered, with Connection: close. */
void server_stop(struct server *server);
void server_free(struct server *server); /* NULL is fine */
