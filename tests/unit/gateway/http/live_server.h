/*
 * live_server: a server in a thread of its own, for tests, and a client that speaks raw bytes to it.
 *
 * What it serves: /echo gives the body back; /request describes the request; /wait answers "released" once the test says so;
 * /big?N gives N bytes; /close ends the connection; /fail overflows its answer. Everything fails the test on error; reads time
 * out.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "gateway/http/server.h"

struct live_server {
    struct server_options options; /* set by live_options, changed by the test before live_start */
    size_t fibers_max;
    struct loop *loop;
    struct server *server;
    pthread_t thread;
    struct live_waiter *waiters; /* of the loop's thread */
    struct loop_task release, stop;
    atomic_uint waiting, handled, reports;
};

/* Generous limits, no TLS. */
void live_options(struct live_server *live);
/* Listens, but does not accept before live_run. */
void live_listen(struct live_server *live);
void live_run(struct live_server *live);
/* Both. */
void live_start(struct live_server *live);
/* All requests to /wait that have come are answered. */
void live_release(struct live_server *live);
/* Until so many requests to /wait are waiting. */
void live_await_waiting(struct live_server *live, unsigned count);
/* Until so many requests have been handled to their end. */
void live_await_handled(struct live_server *live, unsigned count);
/* Until it has reported an error. */
void live_await_report(struct live_server *live);
/* Until it waits: one that spins never does. */
void live_expect_rest(const struct live_server *live);
/* Begins a graceful stop; live_end waits for it. */
void live_stop(struct live_server *live);
void live_end(struct live_server *live);

/* A connection to it. */
int live_connect(const struct live_server *live);
void send_bytes(int fd, struct span bytes);
void send_text(int fd, const char *text);
/* The client ends its side. */
void end_sending(int fd);

struct answer {
    int status;
    struct span head; /* in `bytes` */
    struct span body;
    struct buf bytes;
};

/* The next answer, whose body has the length that its head says; none for HEAD. */
void read_answer(int fd, bool has_body, struct answer *ret_answer);
void answer_done(struct answer *answer);
/* Reads one and checks it; "" for any body. */
void expect_answer(int fd, int status, const char *body);
/* No further byte comes: the server has ended the connection. */
void expect_end(int fd);
/* Nothing comes for a moment. */
void expect_silence(int fd);
