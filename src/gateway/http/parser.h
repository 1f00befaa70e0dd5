/*
 * parser: one HTTP/1.1 request (RFC 9112, with RFC 9110's grammar) out of the bytes of a connection. No I/O; strict.
 *
 *     data:  | request line | header lines | CRLF | body, or chunks and trailers | the next request …
 *            ^ 0                                  ^ body.at                      ^ consumed
 *
 * The caller keeps all bytes of a request, from its first on, in one buffer and shows it to `http_parse` again whenever it has
 * grown; the buffer may move between two calls, which is why the parser knows places and not pointers. How the bytes were cut
 * makes no difference to what comes out. Chunks are put together where they lie: the body is one run of bytes in the end.
 *
 * Refused, because two readers could see two different requests in it: Content-Length twice or beside Transfer-Encoding, a line
 * ended by LF alone, a folded line, space before a colon, control characters, a transfer coding other than chunked (501).
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum {
    HTTP_HEAD_BYTES = 16 * 1024, /* request line and headers; trailers and what else stands between chunks as much again */
    HTTP_HEADERS_MAX = 64,
    HTTP_CHUNK_LINE_BYTES = 256, /* a chunk's size and extensions */
};

/* A piece of the request's bytes. */
struct http_piece {
    uint32_t at, len;
};

struct http_field {
    struct http_piece name, value;
};

enum http_stage {
    HTTP_BEFORE_REQUEST, /* nothing yet, or the empty line that may come before a request */
    HTTP_REQUEST_LINE,
    HTTP_HEADERS,
    HTTP_BODY, /* of a Content-Length */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_END,
    HTTP_TRAILERS,
    HTTP_COMPLETE,
};

struct http_parser {
    enum http_stage stage;
    size_t body_bytes_max;

    /* From the end of the head on (stage HTTP_BODY and later). */
    struct http_piece method, path, query;
    struct http_field fields[HTTP_HEADERS_MAX];
    size_t field_count;
    bool keeps_alive;      /* the client means to send more on this connection */
    bool expects_continue; /* and waits for "100 Continue" before it sends the body */
    bool is_head;          /* HEAD: the answer has no body */
    bool is_http_1_0;

    /* Once complete. */
    struct http_piece body;
    size_t consumed; /* where the next request begins */

    int status; /* the answer to a request that was refused */

    /* Of the parser alone. */
    size_t at;             /* everything before is parsed */
    size_t searched;       /* no end of line before here */
    size_t between_chunks; /* bytes so far that are neither head nor body */
    uint64_t left;         /* of the body or of the chunk */
    bool has_length, is_chunked, has_host, closes, stays;
};

/* Ready for the next request. Writes no more of it than it must. */
void http_parser_init(struct http_parser *parser, size_t body_bytes_max);

/* Goes on as far as `data` reaches; `ret_complete` tells whether that is to the end of the request. Chunks are moved within
 * `data`. Errors, each with `status` set: LF_SYNTAX (400, 417, 501, 505), LF_LIMIT (413, 414, 431). */
enum lf_code http_parse(struct http_parser *parser, char *data, size_t len, bool *ret_complete, struct err *err) MUST_CHECK;

/* Takes out of an unfinished chunked request what is no longer needed; the new length. */
size_t http_parser_compact(struct http_parser *parser, char *data, size_t len);

/* Whether the head is whole. */
static inline bool http_parser_has_head(const struct http_parser *parser)
{
    return parser->stage >= HTTP_BODY;
}

static inline struct span http_piece_of(const char *data, struct http_piece piece)
{
    return span_of(data + piece.at, piece.len);
}
