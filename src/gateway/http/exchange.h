/*
 * exchange: what a connection needs while it has something to do: the bytes that came, the request under way, the answers that
 * wait to be sent. An idle connection has none, so thousands of them cost little; exchanges are pooled per worker.
 *
 *     in:   | done with | request under way .... | the next ones … | room      |
 *           ^ in        ^ begin                                    ^ end       ^ in_size
 *     out:  | sent | heads and bodies of answers ... |, then `body` when it is the last answer's (is_body_queued)
 */
#pragma once

#include "gateway/http/parser.h"
#include "gateway/http/server.h"
#include "gateway/http/transport.h"

struct exchange {
    struct exchange *next; /* of the spare */
    char *in;              /* owned */
    size_t in_size, begin, end;
    struct http_parser parser;
    struct sigv4_header headers[HTTP_HEADERS_MAX]; /* of the request that is handled */
    struct arena arena;
    struct buf out, body; /* body: where the handler writes */
    bool is_body_queued;
    size_t sent; /* of out and then of body */
};

struct exchange_pool {
    struct exchange *spare;
    size_t spare_count;
    size_t body_bytes_max, arena_bytes_max;
};

struct exchange *exchange_take(struct exchange_pool *pool); /* NULL when memory is used up */
void exchange_give(struct exchange_pool *pool, struct exchange *exchange);
void exchange_pool_done(struct exchange_pool *pool);

/* Room behind `end`, by moving and growing if `may_move`, which a request that is being handled forbids. 0: there is none. */
size_t exchange_make_room(struct exchange *exchange, bool may_move);

/* The parsed request as the handler sees it, of which the body has come if `has_body`. */
void exchange_request(struct exchange *exchange, bool has_body, struct span peer, struct http_request *ret_request);
/* Goes on to the next request. */
void exchange_consume(struct exchange_pool *pool, struct exchange *exchange);

/* Makes `body` free for the next handler. */
void exchange_begin_answer(struct exchange *exchange);

/* What waits to be sent. */
size_t exchange_queued(const struct exchange *exchange);
/* Sends as much as is possible now. */
enum transport_state exchange_send(struct exchange *exchange, struct transport *transport);

/* Bytes of requests and answers it holds. */
static inline size_t exchange_held_bytes(const struct exchange *exchange)
{
    return exchange->end - exchange->begin + exchange_queued(exchange);
}
