/*
 * http_server: an HTTP server on this host for tests, in a thread of its own. Each request is answered by a function of the test,
 * with bytes as they go over the wire: a cut or malformed answer is as easy as a good one.
 */
#pragma once

#include "../base/unit.h"
#include "base/buf.h"

struct http_server;

/* Called in the server's thread. `request` is the whole request, head and body; what is put into `answer` is sent, then the
 * connection is closed. `number` counts requests from 0. */
typedef void http_server_answer(void *context, unsigned number, struct span request, struct buf *answer);

struct http_server *http_server_start(http_server_answer *answer, void *context);
void http_server_stop(struct http_server *server);

/* "http://127.0.0.1:PORT" */
const char *http_server_url(const struct http_server *server);
unsigned http_server_requests(const struct http_server *server);

/* No answer: the connection stays as it is until the client has hung up. */
void http_server_keep_silent(struct buf *answer);

/* A whole answer. */
void http_server_put(struct buf *answer, const char *status, const char *headers, struct span body);
