/*
 * connection: one client: reads requests, has them handled in their order, sends the answers.
 *
 *     open ──► idle ──bytes──► reading ──whole──► handling ──► sending ──► idle …
 *                │                │ too slow: 408     ▲           │ closes: the stream ends, what still comes is thrown away
 *                └► closed        │ wrong: 400 …      └─pipelined─┤ for a while, so that a reset does not swallow the answer
 *                                 └───────────────────────────────┴► closed
 *
 * In a turn a connection reads once and sends once: what its fibers answered is sent at the end of the turn. It reads on while
 * a request is handled, as far as its buffer goes, and so hears that a client has gone or sends no more; a client that only
 * ended its own side still gets its answers.
 */
#pragma once

#include "gateway/http/answer.h"
#include "gateway/http/exchange.h"

struct connection;

/* What the connections of one server have in common. */
struct connection_set {
    struct loop *loop;                    /* borrowed */
    const struct server_options *options; /* borrowed */
    struct connection *first;             /* owned, all of them */
    size_t count;
    size_t in_flight_bytes; /* of requests and answers */
    struct exchange_pool exchanges;
    struct answer_clock clock;
    bool is_stopping;             /* no request after those that are there */
    void (*closed)(void *server); /* after one was closed */
    void *server;
};

/* Takes over `fd`, also when it fails. One that `is_beyond_limit` gets its first request answered by `overloaded`.
 * Errors: LF_MEMORY, LF_IO. */
enum lf_code connection_open(struct connection_set *set, int fd, const char *peer, bool is_beyond_limit,
                             struct err *err) MUST_CHECK;

/* From here on every answer is its connection's last; closes those that are idle. Not on a fiber. */
void connection_set_stop(struct connection_set *set);

/* Closes all at once. No fiber of theirs may go on after that. */
void connection_set_done(struct connection_set *set);
