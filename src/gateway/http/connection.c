#include "gateway/http/connection.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    PEER_BYTES = 64,
    LINGER_MS = 1000,
    /* So much may wait to be sent before the next pipelined request is begun. */
    QUEUED_BYTES_MAX = 64 * 1024,
    DISCARD_BYTES = 16 * 1024,
};

struct connection {
    struct connection_set *set;
    struct connection *next, **link; /* among the set's */
    struct transport transport;
    struct loop_watch watch;
    struct loop_timer timer;
    struct loop_task settle;
    struct exchange *exchange; /* owned, NULL while idle */
    size_t counted_bytes;      /* of set->in_flight_bytes */
    int64_t waits_since_ms;    /* for what its deadline is about */
    int64_t request_since_ms;  /* a request's first byte, 0: there is none */
    bool is_beyond_limit;
    bool is_handling;   /* a fiber is on it */
    bool has_continued; /* "100 Continue" is sent */
    bool saw_end;       /* the client sends no more */
    bool closes;        /* once all is sent */
    bool lingers;       /* all is sent and the stream ended */
    bool is_broken;     /* to be freed */
    char peer[PEER_BYTES];
};

static void settle_later(struct connection *connection)
{
    loop_at_turn_end(connection->set->loop, &connection->settle);
}

/* Bytes of requests and answers that this connection holds, as the set counts them. */
static void count_bytes(struct connection *connection)
{
    size_t held = connection->exchange ? exchange_held_bytes(connection->exchange) : 0;
    connection->set->in_flight_bytes += held - connection->counted_bytes;
    connection->counted_bytes = held;
}

static size_t queued(const struct connection *connection)
{
    return connection->exchange ? exchange_queued(connection->exchange) : 0;
}

static bool has_input(const struct connection *connection)
{
    return connection->exchange && connection->exchange->begin < connection->exchange->end;
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

static enum answer_connection answer_connection(const struct connection *connection)
{
    if (connection->closes)
        return ANSWER_CLOSES;
    return connection->exchange->parser.is_http_1_0 ? ANSWER_STAYS_1_0 : ANSWER_STAYS;
}

/* An answer that outgrew its buffer is none. */
static void replace_failed_body(struct connection *connection, struct http_response *response)
{
    if (!response->body->failed)
        return;
    buf_reset(response->body);
    *response = (struct http_response){ .status = 500, .body = response->body };
    connection->closes = true;
}

static void queue_answer(struct connection *connection, struct http_response *response)
{
    struct exchange *exchange = connection->exchange;
    replace_failed_body(connection, response);
    answer_clock_set(&connection->set->clock, loop_now_ms(connection->set->loop));
    answer_put_head(&exchange->out, &connection->set->clock, response, exchange->body.len, answer_connection(connection));
    exchange->is_body_queued = !exchange->parser.is_head && exchange->body.len;
    connection->is_broken = connection->is_broken || exchange->out.failed;
    connection->waits_since_ms = loop_now_ms(connection->set->loop);
    settle_later(connection);
}

static void refuse(struct connection *connection, int status, const char *why)
{
    struct exchange *exchange = connection->exchange;
    exchange_begin_answer(exchange);
    struct http_response response = { .status = status, .content_type = SPAN("text/plain"), .body = &exchange->body };
    buf_put_cstr(response.body, why);
    buf_put_byte(response.body, '\n');
    connection->closes = true;
    queue_answer(connection, &response);
}

/* Whether this is the last request of its connection, as far as the request goes. */
static bool ends_connection(const struct connection *connection)
{
    const struct exchange *exchange = connection->exchange;
    bool has_more = exchange->begin + exchange->parser.consumed < exchange->end;
    return !exchange->parser.keeps_alive || connection->is_beyond_limit || (connection->set->is_stopping && !has_more);
}

static void answer(struct connection *connection, http_handle *handle, bool has_body)
{
    const struct server_options *options = connection->set->options;
    struct exchange *exchange = connection->exchange;
    struct http_request request;
    exchange_begin_answer(exchange);
    exchange_request(exchange, has_body, span_from_cstr(connection->peer), &request);
    struct http_response response = { .status = 500, .body = &exchange->body };
    handle(options->context, &request, &response);
    connection->closes = connection->closes || response.closes || !has_body || ends_connection(connection);
    queue_answer(connection, &response);
    exchange_consume(&connection->set->exchanges, exchange);
    connection->request_since_ms = 0;
    connection->has_continued = false;
    count_bytes(connection);
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

/* Of the body, as far as Content-Length says. */
static size_t bytes_to_come(const struct exchange *exchange)
{
    if (exchange->parser.stage != HTTP_BODY)
        return 0;
    size_t have = exchange->end - exchange->begin - exchange->parser.at;
    return (size_t)exchange->parser.left - have;
}

static bool is_overloaded(const struct connection *connection)
{
    const struct connection_set *set = connection->set;
    size_t to_come = bytes_to_come(connection->exchange);
    return connection->is_beyond_limit || set->in_flight_bytes > set->options->in_flight_bytes_max ||
           to_come > set->options->in_flight_bytes_max - set->in_flight_bytes;
}

static void send_continue(struct connection *connection)
{
    const struct exchange *exchange = connection->exchange;
    if (connection->has_continued || !exchange->parser.expects_continue || !http_parser_has_head(&exchange->parser))
        return;
    connection->has_continued = true;
    exchange_begin_answer(connection->exchange);
    buf_put_span(&connection->exchange->out, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    settle_later(connection);
}

static void want_more(struct connection *connection)
{
    if (!has_input(connection)) {
        connection->closes = connection->closes || connection->saw_end;
        return;
    }
    if (connection->saw_end) {
        refuse(connection, 400, "the request ends in the middle");
        return;
    }
    if (!connection->request_since_ms)
        connection->request_since_ms = loop_now_ms(connection->set->loop);
    send_continue(connection);
}

static bool may_begin(const struct connection *connection)
{
    return connection->exchange && !connection->closes && !connection->is_broken && queued(connection) < QUEUED_BYTES_MAX;
}

/* Parses on until a request is whole; what needs no handler is answered on the way. False when there is no whole one. */
static bool next_request(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    while (may_begin(connection)) {
        struct err err = ERR_INIT;
        bool is_whole = false;
        if (has_input(connection) && http_parse(&exchange->parser, exchange->in + exchange->begin,
                                                exchange->end - exchange->begin, &is_whole, &err) != LF_OK) {
            refuse(connection, exchange->parser.status, err.message);
        } else if (http_parser_has_head(&exchange->parser) && is_overloaded(connection)) {
            answer(connection, connection->set->options->overloaded, is_whole);
        } else if (!is_whole) {
            want_more(connection);
            return false;
        } else {
            return true;
        }
    }
    return false;
}

/* On a fiber: this request and those that came with it. */
static void handle_requests(void *context)
{
    struct connection *connection = context;
    do {
        answer(connection, connection->set->options->handle, true);
    } while (next_request(connection));
    connection->is_handling = false;
    settle_later(connection);
}

static void go_on(struct connection *connection)
{
    while (!connection->is_handling && next_request(connection)) {
        struct err err = ERR_INIT;
        connection->is_handling = true;
        if (fiber_start(loop_fibers(connection->set->loop), handle_requests, connection, &err) != LF_OK) {
            connection->is_handling = false;
            answer(connection, connection->set->options->overloaded, true);
        }
    }
}

/* Reading ------------------------------------------------------------------------------------------------------------------- */

static void note_read(struct connection *connection, enum transport_state state, size_t len)
{
    connection->exchange->end += len;
    connection->saw_end = connection->saw_end || state == TRANSPORT_ENDED;
    connection->is_broken = connection->is_broken || state == TRANSPORT_BROKEN;
}

/* Once; what TLS has deciphered already to its end. While a request is handled, or an answer waits for a slow reader, nothing
 * moves and nothing grows. */
static void receive(struct connection *connection)
{
    if (!connection->exchange)
        connection->exchange = exchange_take(&connection->set->exchanges);
    struct exchange *exchange = connection->exchange;
    if (!exchange) {
        connection->is_broken = true;
        return;
    }
    enum transport_state state = TRANSPORT_DONE;
    bool may_move = !connection->is_handling && !queued(connection);
    for (bool again = true; again && state == TRANSPORT_DONE; again = transport_has_pending(&connection->transport)) {
        size_t len = 0, room = exchange_make_room(exchange, may_move);
        if (!room)
            break;
        state = transport_read(&connection->transport, exchange->in + exchange->end, room, &len);
        note_read(connection, state, len);
        may_move = false;
    }
    count_bytes(connection);
}

/* What a client still sends behind its last request. */
static void discard(struct connection *connection)
{
    char bytes[DISCARD_BYTES];
    size_t len;
    enum transport_state state = transport_read(&connection->transport, bytes, sizeof bytes, &len);
    connection->is_broken = state == TRANSPORT_ENDED || state == TRANSPORT_BROKEN;
}

static void on_ready(void *context, unsigned events)
{
    struct connection *connection = context;
    if (connection->lingers)
        discard(connection);
    else if (events & LOOP_READ || connection->transport.read_waits_write)
        receive(connection);
    if (!connection->lingers)
        go_on(connection);
    settle_later(connection);
}

/* The end of a turn --------------------------------------------------------------------------------------------------------- */

static void give_exchange(struct connection *connection)
{
    exchange_give(&connection->set->exchanges, connection->exchange);
    connection->exchange = NULL;
    count_bytes(connection);
}

static void connection_free(struct connection *connection)
{
    struct connection_set *set = connection->set;
    loop_watch_end(set->loop, &connection->watch);
    loop_timer_cancel(set->loop, &connection->timer);
    transport_close(&connection->transport);
    give_exchange(connection);
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    set->count--;
    free(connection);
    if (set->closed)
        set->closed(set->server);
}

static void send_queued(struct connection *connection)
{
    if (connection->is_broken || !queued(connection))
        return;
    enum transport_state state = exchange_send(connection->exchange, &connection->transport);
    connection->is_broken = state == TRANSPORT_BROKEN;
    if (state == TRANSPORT_DONE)
        connection->waits_since_ms = loop_now_ms(connection->set->loop);
    count_bytes(connection);
}

static unsigned wanted_events(struct connection *connection)
{
    if (connection->lingers)
        return LOOP_READ;
    bool is_held = connection->is_handling || queued(connection);
    bool has_room = !is_held || !connection->exchange || exchange_make_room(connection->exchange, false) > 0;
    bool reads = !connection->saw_end && !connection->closes && !connection->is_broken && has_room;
    bool writes = queued(connection) || connection->transport.read_waits_write;
    return (reads ? LOOP_READ : 0u) | (writes && !connection->is_broken ? LOOP_WRITE : 0u);
}

/* What TLS has deciphered while there was no room for it; the loop will not tell of it again. */
static void catch_up(struct connection *connection)
{
    if (!transport_has_pending(&connection->transport) || !(wanted_events(connection) & LOOP_READ) || connection->lingers)
        return;
    receive(connection);
    go_on(connection);
    settle_later(connection);
}

/* An idle connection holds no exchange. */
static void rest(struct connection *connection)
{
    if (!connection->exchange || connection->is_handling || has_input(connection) || queued(connection))
        return;
    give_exchange(connection);
    connection->closes = connection->closes || connection->saw_end || connection->set->is_stopping;
    connection->waits_since_ms = loop_now_ms(connection->set->loop);
}

/* Ends the stream once the last answer is sent. */
static void end_stream(struct connection *connection)
{
    if (!connection->closes || connection->lingers || connection->is_handling || queued(connection))
        return;
    give_exchange(connection);
    transport_end(&connection->transport);
    connection->lingers = true;
    connection->is_broken = connection->is_broken || connection->saw_end;
    connection->waits_since_ms = loop_now_ms(connection->set->loop);
}

/* By when something must have happened; INT64_MAX while it is ours to act. */
static int64_t deadline_ms(const struct connection *connection)
{
    const struct server_options *options = connection->set->options;
    if (connection->lingers)
        return connection->waits_since_ms + LINGER_MS;
    if (queued(connection))
        return connection->waits_since_ms + options->request_ms_max;
    if (connection->is_handling)
        return INT64_MAX;
    if (connection->request_since_ms)
        return connection->request_since_ms + options->request_ms_max;
    return connection->waits_since_ms + options->idle_ms_max;
}

/* The timer is only set again when it would come too late: deadlines mostly move on, with every request. */
static void set_timer(struct connection *connection)
{
    struct loop *loop = connection->set->loop;
    int64_t deadline = deadline_ms(connection);
    if (deadline == INT64_MAX || (connection->timer.heap_slot && connection->timer.due_ms <= deadline))
        return;
    loop_timer_set(loop, &connection->timer, deadline - loop_now_ms(loop));
}

static void settle(void *context)
{
    struct connection *connection = context;
    struct err err = ERR_INIT;
    send_queued(connection);
    if (!connection->lingers && !queued(connection))
        go_on(connection);
    catch_up(connection);
    rest(connection);
    end_stream(connection);
    if (loop_watch_set(connection->set->loop, &connection->watch, wanted_events(connection), &err) != LF_OK)
        connection->is_broken = true;
    if (!connection->is_broken)
        set_timer(connection);
    else if (!connection->is_handling && !connection->settle.is_queued)
        connection_free(connection);
}

/* Too late ------------------------------------------------------------------------------------------------------------------ */

static void on_deadline(struct connection *connection)
{
    bool reads_slowly = queued(connection) > 0;
    if (reads_slowly)
        transport_give_up(&connection->transport);
    if (connection->request_since_ms && !reads_slowly && !connection->lingers)
        refuse(connection, 408, "the request took too long to arrive");
    else
        connection->is_broken = true;
}

static void on_timer(void *context)
{
    struct connection *connection = context;
    if (deadline_ms(connection) <= loop_now_ms(connection->set->loop))
        on_deadline(connection);
    settle_later(connection);
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static enum lf_code new_connection(struct connection_set *set, int fd, struct connection **ret_connection, struct err *err)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return ERR(err, LF_MEMORY, "out of memory for a connection");
    connection->transport.fd = fd;
    enum lf_code code = set->options->tls ? tls_session_new(set->options->tls, fd, &connection->transport.tls, err) : LF_OK;
    if (code != LF_OK) {
        free(connection);
        return code;
    }
    *ret_connection = connection;
    return LF_OK;
}

static void join_set(struct connection_set *set, struct connection *connection)
{
    connection->set = set;
    connection->link = &set->first;
    connection->next = set->first;
    if (connection->next)
        connection->next->link = &connection->next;
    set->first = connection;
    set->count++;
}

enum lf_code connection_open(struct connection_set *set, int fd, const char *peer, bool is_beyond_limit, struct err *err)
{
    struct connection *connection = NULL;
    enum lf_code code = new_connection(set, fd, &connection, err);
    if (code != LF_OK) {
        (void)close(fd);
        return code;
    }
    join_set(set, connection);
    connection->watch = (struct loop_watch){ .fd = fd, .ready = on_ready, .context = connection };
    connection->timer = (struct loop_timer){ .fire = on_timer, .context = connection };
    connection->settle = (struct loop_task){ .run = settle, .context = connection };
    connection->is_beyond_limit = is_beyond_limit;
    connection->waits_since_ms = loop_now_ms(set->loop);
    (void)strncpy(connection->peer, peer, sizeof connection->peer - 1);
    code = loop_watch_set(set->loop, &connection->watch, LOOP_READ, err);
    if (code != LF_OK) {
        connection_free(connection);
        return code;
    }
    set_timer(connection);
    return LF_OK;
}

/* A request that has come but is not read yet still counts as there. */
void connection_set_stop(struct connection_set *set)
{
    set->is_stopping = true;
    for (struct connection *connection = set->first; connection; connection = connection->next) {
        if (connection->exchange || connection->lingers)
            continue;
        receive(connection);
        go_on(connection);
        settle_later(connection);
    }
}

void connection_set_done(struct connection_set *set)
{
    set->closed = NULL;
    while (set->first)
        connection_free(set->first);
    exchange_pool_done(&set->exchanges);
}
