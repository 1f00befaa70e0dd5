#include "live_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/unit.h"

enum { TIMEOUT_MS = 20000, SILENCE_MS = 50, REST_MS = 100, REST_CPU_MS = 5, STOP_MS = 20000 };

struct live_waiter {
    struct fiber *fiber;
    struct live_waiter *next;
};

/* What it serves ------------------------------------------------------------------------------------------------------------ */

static void wait_for_release(struct live_server *live)
{
    struct live_waiter waiter = { .fiber = fiber_self(), .next = live->waiters };
    live->waiters = &waiter;
    atomic_fetch_add(&live->waiting, 1);
    fiber_suspend();
}

static void release_all(void *context)
{
    struct live_server *live = context;
    struct live_waiter *waiter = live->waiters;
    live->waiters = NULL;
    while (waiter) {
        struct live_waiter *next = waiter->next;
        atomic_fetch_sub(&live->waiting, 1);
        fiber_wake(waiter->fiber);
        waiter = next;
    }
}

static void describe(const struct http_request *request, struct buf *out)
{
    const struct span *name = http_request_header(request, "X-Name");
    buf_printf(out, "%.*s %.*s?%.*s %zu headers, name %.*s, from %s", SPAN_ARG(request->method), SPAN_ARG(request->path),
               SPAN_ARG(request->query), request->header_count, SPAN_ARG(name ? *name : SPAN("-")),
               span_starts_with(request->peer, SPAN("127.0.0.1:")) ? "loopback" : "elsewhere");
}

static void put_big(const struct http_request *request, struct buf *out)
{
    size_t len = strtoul(request->query.ptr, NULL, 10);
    if (!buf_reserve(out, len))
        return;
    memset(out->data + out->len, 'b', len);
    out->len += len;
}

static void handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct live_server *live = context;
    response->status = 200;
    response->content_type = SPAN("text/plain");
    if (span_equal(request->path, SPAN("/wait"))) {
        buf_put_span(response->body, SPAN("re"));
        wait_for_release(live);
        buf_put_span(response->body, SPAN("leased "));
    }
    if (span_equal(request->path, SPAN("/request")))
        describe(request, response->body);
    else if (span_equal(request->path, SPAN("/big")))
        put_big(request, response->body);
    else if (span_equal(request->path, SPAN("/fail")))
        response->body->failed = true;
    else
        buf_put_span(response->body, request->body);
    response->closes = span_equal(request->path, SPAN("/close"));
    response->headers[response->header_count++] = (struct sigv4_header){ SPAN("x-test"), SPAN("yes") };
    atomic_fetch_add(&live->handled, 1);
}

static void handle_overload(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context, (void)request;
    response->status = 503;
    buf_put_span(response->body, SPAN("overloaded"));
}

static void count_report(void *context, const struct err *err)
{
    struct live_server *live = context;
    (void)err;
    atomic_fetch_add(&live->reports, 1);
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

void live_options(struct live_server *live)
{
    memset(live, 0, sizeof *live);
    live->fibers_max = 1000;
    live->options = (struct server_options){
        .address = "127.0.0.1:0",
        .body_bytes_max = 1024 * 1024,
        .connections_max = 1000,
        .in_flight_bytes_max = 64 * 1024 * 1024,
        .idle_ms_max = 60000,
        .request_ms_max = 60000,
        .request_arena_bytes_max = 1024 * 1024,
        .handle = handle,
        .overloaded = handle_overload,
        .context = live,
        .report = count_report,
    };
}

static void *run(void *context)
{
    struct live_server *live = context;
    struct err err = ERR_INIT;
    if (loop_run(live->loop, STOP_MS, &err) != LF_OK)
        (void)fprintf(stderr, "the loop failed: %s\n", err.message);
    return NULL;
}

static void stop_all(void *context)
{
    struct live_server *live = context;
    server_stop(live->server);
    loop_stop(live->loop);
}

void live_listen(struct live_server *live)
{
    struct err err = ERR_INIT;
    live->release = (struct loop_task){ .run = release_all, .context = live };
    live->stop = (struct loop_task){ .run = stop_all, .context = live };
    assert_ok(err, loop_new(live->fibers_max, &live->loop, &err));
    assert_ok(err, server_new(live->loop, &live->options, &live->server, &err));
}

void live_run(struct live_server *live)
{
    assert_int_equal(pthread_create(&live->thread, NULL, run, live), 0);
}

void live_start(struct live_server *live)
{
    live_listen(live);
    live_run(live);
}

void live_release(struct live_server *live)
{
    loop_post(live->loop, &live->release);
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

static void await_count(atomic_uint *counter, unsigned count, const char *what)
{
    for (int waited_ms = 0; atomic_load(counter) != count; waited_ms++) {
        if (waited_ms > TIMEOUT_MS)
            fail_msg("%u requests %s, not %u", atomic_load(counter), what, count);
        pause_ms(1);
    }
}

void live_await_waiting(struct live_server *live, unsigned count)
{
    await_count(&live->waiting, count, "wait");
}

void live_await_handled(struct live_server *live, unsigned count)
{
    await_count(&live->handled, count, "are handled");
}

void live_await_report(struct live_server *live)
{
    for (int waited_ms = 0; !atomic_load(&live->reports); waited_ms++) {
        assert_true(waited_ms < TIMEOUT_MS);
        pause_ms(1);
    }
}

static int64_t cpu_ms(const struct live_server *live)
{
    clockid_t clock;
    struct timespec used = { 0 };
    assert_int_equal(pthread_getcpuclockid(live->thread, &clock), 0);
    (void)clock_gettime(clock, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

void live_expect_rest(const struct live_server *live)
{
    for (int tries = 0; tries < 20; tries++) {
        int64_t before = cpu_ms(live);
        pause_ms(REST_MS);
        if (cpu_ms(live) - before <= REST_CPU_MS)
            return;
    }
    fail_msg("the server does not come to rest");
}

void live_stop(struct live_server *live)
{
    loop_post(live->loop, &live->stop);
}

void live_end(struct live_server *live)
{
    live_stop(live);
    (void)pthread_join(live->thread, NULL);
    assert_int_equal(fiber_pool_count(loop_fibers(live->loop)), 0);
    server_free(live->server);
    loop_free(live->loop);
}

/* The client ---------------------------------------------------------------------------------------------------------------- */

int live_connect(const struct live_server *live)
{
    const char *address = server_address(live->server);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval timeout = { .tv_sec = TIMEOUT_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    assert_true(fd >= 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* what is sent arrives before what others send later */
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void send_bytes(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0)
            fail_msg("cannot send: %s", strerror(errno));
        bytes = span_from(bytes, (size_t)sent);
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, span_from_cstr(text));
}

void end_sending(int fd)
{
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void receive_more(int fd, struct buf *bytes, size_t len)
{
    assert_true(buf_reserve(bytes, len));
    ssize_t got = recv(fd, bytes->data + bytes->len, len, 0);
    if (got <= 0)
        fail_msg("no answer: %s; so far: %s", got < 0 ? strerror(errno) : "the connection has ended", buf_cstr(bytes));
    bytes->len += (size_t)got;
}

/* Byte by byte, so as not to take any of the next answer. */
static size_t read_head(int fd, struct buf *bytes)
{
    while (!span_ends_with(buf_span(bytes), SPAN("\r\n\r\n")))
        receive_more(fd, bytes, 1);
    return bytes->len;
}

void read_answer(int fd, bool has_body, struct answer *ret_answer)
{
    struct buf *bytes = &ret_answer->bytes;
    buf_init(bytes, (size_t)64 * 1024 * 1024);
    size_t head_len = read_head(fd, bytes);
    size_t at = span_find(buf_span(bytes), SPAN("Content-Length: "));
    size_t length = at < bytes->len ? strtoul(buf_cstr(bytes) + at + sizeof "Content-Length: " - 1, NULL, 10) : 0;
    for (size_t end = head_len + (has_body ? length : 0); bytes->len < end;)
        receive_more(fd, bytes, end - bytes->len);
    assert_true(span_starts_with(buf_span(bytes), SPAN("HTTP/1.1 ")));
    ret_answer->status = atoi(buf_cstr(bytes) + sizeof "HTTP/1.1 " - 1);
    ret_answer->head = span_of(bytes->data, head_len);
    ret_answer->body = span_from(buf_span(bytes), head_len);
}

void answer_done(struct answer *answer)
{
    buf_done(&answer->bytes);
}

void expect_answer(int fd, int status, const char *body)
{
    struct answer answer;
    read_answer(fd, true, &answer);
    if (answer.status != status)
        fail_msg("not %d: %s", status, buf_cstr(&answer.bytes));
    if (body[0])
        assert_span(answer.body, span_from_cstr(body));
    answer_done(&answer);
}

void expect_end(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    if (got != 0)
        fail_msg("not the end: %s", got > 0 ? "a byte" : strerror(errno));
}

void expect_silence(int fd)
{
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&watched, 1, SILENCE_MS), 0);
}
