/*
 * http_multi: requests of http.h by the hundred in one thread, over libcurl's multi interface, none of which is waited for here.
 *
 *     http_multi_begin ─► (the caller's loop: sockets, timer) ─► http_multi_ready, http_multi_due ─► done
 *
 * Who owns the event loop gives the hooks: which sockets to watch for what, and when to call http_multi_due. Connections are kept
 * and used again. One http_multi, one thread; `done` is called from http_multi_ready or http_multi_due, never from
 * http_multi_begin.
 */
#pragma once

#include "aws/http.h"

struct http_multi;

struct http_multi_hooks {
    /* Watch the socket for these from now on, for none: not any more. `watch` is what the last call for it returned, NULL at
     * first; NULL for a socket that cannot be watched, whose requests then end when their time is up. */
    void *(*watch)(void *context, int fd, bool reads, bool writes, void *watch);
    /* Call http_multi_due after so many milliseconds, once; negative: not at all. */
    void (*wake_after)(void *context, long ms);
    void *context;
};

/* Errors: LF_MEMORY. */
enum lf_code http_multi_new(const struct http_multi_hooks *hooks, struct http_multi **ret_multi, struct err *err) MUST_CHECK;
void http_multi_free(struct http_multi *multi); /* NULL is fine; ends what is under way without a word */

/* In the caller's memory until it is done; the first four are the caller's to fill. */
struct http_multi_request {
    const struct http_request *request;
    struct http_answer *answer; /* initialised */
    void (*done)(void *context);
    void *context;
    struct err err; /* as http_send's: LF_OK when there is an answer */
    struct http_job *job;
};

/* Errors: LF_MEMORY, LF_USAGE: then `done` is not called, and nothing was sent. */
enum lf_code http_multi_begin(struct http_multi *multi, struct http_multi_request *request, struct err *err) MUST_CHECK;

void http_multi_ready(struct http_multi *multi, int fd, bool reads, bool writes);
void http_multi_due(struct http_multi *multi);
