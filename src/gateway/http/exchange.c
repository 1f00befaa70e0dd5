#include "gateway/http/exchange.h"

#include <stdlib.h>

enum {
    IN_BYTES = 16 * 1024,
    SPARE_MAX = 256,
    /* What grew beyond that for one request is given back to malloc. */
    KEPT_BYTES_MAX = 64 * 1024,
    KEPT_ARENA_BYTES_MAX = 256 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024 * 1024,
};

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static void exchange_free(struct exchange *exchange)
{
    buf_done(&exchange->out);
    buf_done(&exchange->body);
    arena_done(&exchange->arena);
    free(exchange->in);
    free(exchange);
}

static struct exchange *exchange_new(const struct exchange_pool *pool)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    arena_init(&exchange->arena, pool->arena_bytes_max);
    buf_init(&exchange->out, 2 * (size_t)ANSWER_BYTES_MAX);
    buf_init(&exchange->body, ANSWER_BYTES_MAX);
    http_parser_init(&exchange->parser, pool->body_bytes_max);
    return exchange;
}

struct exchange *exchange_take(struct exchange_pool *pool)
{
    struct exchange *exchange = pool->spare;
    if (!exchange)
        return exchange_new(pool);
    pool->spare = exchange->next;
    pool->spare_count--;
    return exchange;
}

static void empty_buf(struct buf *buf)
{
    if (buf->cap > KEPT_BYTES_MAX)
        buf_done(buf);
    buf_reset(buf);
}

static void empty(struct exchange_pool *pool, struct exchange *exchange)
{
    if (exchange->in_size > KEPT_BYTES_MAX) {
        free(exchange->in);
        exchange->in = NULL;
        exchange->in_size = 0;
    }
    exchange->begin = exchange->end = exchange->sent = 0;
    exchange->is_body_queued = false;
    empty_buf(&exchange->out);
    empty_buf(&exchange->body);
    arena_reset(&exchange->arena);
    if (exchange->arena.held_bytes > KEPT_ARENA_BYTES_MAX)
        arena_done(&exchange->arena);
    http_parser_init(&exchange->parser, pool->body_bytes_max);
}

void exchange_give(struct exchange_pool *pool, struct exchange *exchange)
{
    if (!exchange)
        return;
    if (pool->spare_count == SPARE_MAX) {
        exchange_free(exchange);
        return;
    }
    empty(pool, exchange);
    exchange->next = pool->spare;
    pool->spare = exchange;
    pool->spare_count++;
}

void exchange_pool_done(struct exchange_pool *pool)
{
    while (pool->spare) {
        struct exchange *next = pool->spare->next;
        exchange_free(pool->spare);
        pool->spare = next;
    }
    pool->spare_count = 0;
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

/* Gives up what is done with. */
static void close_gaps(struct exchange *exchange)
{
    size_t len = exchange->end - exchange->begin;
    if (exchange->begin)
        memmove(exchange->in, exchange->in + exchange->begin, len);
    exchange->begin = 0;
    exchange->end = http_parser_compact(&exchange->parser, exchange->in, len);
}

static bool grow(struct exchange *exchange)
{
    size_t size = exchange->in_size ? exchange->in_size * 2 : IN_BYTES;
    char *in = realloc(exchange->in, size);
    if (!in)
        return false;
    exchange->in = in;
    exchange->in_size = size;
    return true;
}

size_t exchange_make_room(struct exchange *exchange, bool may_move)
{
    if (exchange->end < exchange->in_size)
        return exchange->in_size - exchange->end;
    if (!may_move)
        return 0;
    if (exchange->in)
        close_gaps(exchange);
    /* Moving little by little would cost more than growing does. */
    if (exchange->in_size - exchange->end <= exchange->in_size / 2 && !grow(exchange))
        return 0;
    return exchange->in_size - exchange->end;
}

void exchange_request(struct exchange *exchange, bool has_body, struct span peer, struct http_request *ret_request)
{
    const struct http_parser *parser = &exchange->parser;
    const char *data = exchange->in + exchange->begin;
    for (size_t i = 0; i < parser->field_count; i++)
        exchange->headers[i] = (struct sigv4_header){ .name = http_piece_of(data, parser->fields[i].name),
                                                      .value = http_piece_of(data, parser->fields[i].value) };
    *ret_request = (struct http_request){
        .method = http_piece_of(data, parser->method),
        .path = http_piece_of(data, parser->path),
        .query = http_piece_of(data, parser->query),
        .headers = exchange->headers,
        .header_count = parser->field_count,
        .body = has_body ? http_piece_of(data, parser->body) : span_of(NULL, 0),
        .peer = peer,
        .arena = &exchange->arena,
    };
}

void exchange_consume(struct exchange_pool *pool, struct exchange *exchange)
{
    exchange->begin += exchange->parser.consumed;
    if (exchange->begin == exchange->end)
        exchange->begin = exchange->end = 0;
    http_parser_init(&exchange->parser, pool->body_bytes_max);
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

void exchange_begin_answer(struct exchange *exchange)
{
    if (exchange->is_body_queued) {
        buf_put_span(&exchange->out, buf_span(&exchange->body));
        exchange->is_body_queued = false;
    }
    buf_reset(&exchange->body);
    arena_reset(&exchange->arena);
}

static size_t body_queued(const struct exchange *exchange)
{
    return exchange->is_body_queued ? exchange->body.len : 0;
}

size_t exchange_queued(const struct exchange *exchange)
{
    return exchange->out.len + body_queued(exchange) - exchange->sent;
}

static void note_sent(struct exchange *exchange, size_t len)
{
    exchange->sent += len;
    if (exchange_queued(exchange))
        return;
    empty_buf(&exchange->out);
    if (exchange->is_body_queued)
        empty_buf(&exchange->body);
    exchange->is_body_queued = false;
    exchange->sent = 0;
}

enum transport_state exchange_send(struct exchange *exchange, struct transport *transport)
{
    size_t out_sent = exchange->sent < exchange->out.len ? exchange->sent : exchange->out.len;
    size_t body_sent = exchange->sent - out_sent, len = 0;
    struct iovec pieces[2] = {
        { .iov_base = exchange->out.data + out_sent, .iov_len = exchange->out.len - out_sent },
        { .iov_base = exchange->body.data + body_sent, .iov_len = body_queued(exchange) - body_sent },
    };
    enum transport_state state = transport_write(transport, pieces, exchange->is_body_queued ? 2 : 1, &len);
    if (state == TRANSPORT_DONE)
        note_sent(exchange, len);
    return state;
}
