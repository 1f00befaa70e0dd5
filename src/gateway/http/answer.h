/* answer: the head of an HTTP/1.1 answer (RFC 9112, 9110), written behind what a buffer already holds. One thread per clock. */
#pragma once

#include "gateway/http/server.h"

enum { ANSWER_DATE_BYTES = 29 };

/* The Date header, formatted once a second. */
struct answer_clock {
    int64_t second; /* of the loop's clock */
    char date[ANSWER_DATE_BYTES + 1];
};

enum answer_connection { ANSWER_STAYS, ANSWER_STAYS_1_0, ANSWER_CLOSES };

void answer_clock_set(struct answer_clock *clock, int64_t now_ms);

/* `body_len` is what Content-Length says, also when no body follows (HEAD). */
void answer_put_head(struct buf *out, const struct answer_clock *clock, const struct http_response *response, size_t body_len,
                     enum answer_connection connection);
