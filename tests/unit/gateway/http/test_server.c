#include "../../base/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live_server.h"

enum { PIPELINED = 500, BURSTS = 40 };

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void start(struct live_server *live)
{
    live_options(live);
    live_start(live);
}

static void put_echo(struct buf *out, struct span body)
{
    buf_printf(out, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", body.len);
    buf_put_span(out, body);
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

static void test_a_request_and_its_answer(void **state)
{
    (void)state;
    struct live_server live;
    struct answer answer;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, "POST /request?a=b HTTP/1.1\r\nHost: a\r\nx-nAME:  me \r\nContent-Length: 1\r\n\r\nx");
    read_answer(fd, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_span(answer.body, SPAN("POST /request?a=b 3 headers, name me, from loopback"));
    assert_true(span_starts_with(answer.head, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 51\r\nDate: ")));
    assert_true(span_ends_with(answer.head, SPAN(" GMT\r\nContent-Type: text/plain\r\nx-test: yes\r\n\r\n")));
    answer_done(&answer);
    (void)close(fd);
    live_end(&live);
}

static void test_head_has_no_body(void **state)
{
    (void)state;
    struct live_server live;
    struct answer answer;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, "HEAD /big?100 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/big?3"));
    read_answer(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(span_find(answer.head, SPAN("Content-Length: 100\r\n")) < answer.head.len);
    expect_answer(fd, 200, "bbb");
    answer_done(&answer);
    (void)close(fd);
    live_end(&live);
}

static void test_when_a_connection_stays(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool stays;
        const char *says;
    } cases[] = {
        { GET("/echo"), true, NULL },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "Connection: close\r\n" },
        { "GET / HTTP/1.0\r\n\r\n", false, "Connection: close\r\n" },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Connection: keep-alive\r\n" },
        { GET("/close"), false, "Connection: close\r\n" },
    };
    struct live_server live;
    start(&live);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        int fd = live_connect(&live);
        send_text(fd, cases[i].request);
        read_answer(fd, true, &answer);
        bool says = span_find(answer.head, SPAN("Connection: ")) < answer.head.len;
        assert_int_equal(says, cases[i].says != NULL);
        if (says)
            assert_true(span_find(answer.head, span_from_cstr(cases[i].says)) < answer.head.len);
        if (cases[i].stays) {
            send_text(fd, GET("/big?1"));
            expect_answer(fd, 200, "b");
        } else {
            expect_end(fd);
        }
        answer_done(&answer);
        (void)close(fd);
    }
    live_end(&live);
}

static void test_an_answer_too_large_is_an_error(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/fail"));
    expect_answer(fd, 500, "");
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
}

/* Pipelining ---------------------------------------------------------------------------------------------------------------- */

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct live_server live;
    struct buf sent;
    start(&live);
    buf_init(&sent, 1 << 20);
    int fd = live_connect(&live);
    for (unsigned i = 0; i < PIPELINED; i++) {
        char body[20];
        (void)snprintf(body, sizeof body, "request %u", i);
        put_echo(&sent, span_from_cstr(body));
    }
    send_bytes(fd, buf_span(&sent));
    for (unsigned i = 0; i < PIPELINED; i++) {
        char body[20];
        (void)snprintf(body, sizeof body, "request %u", i);
        expect_answer(fd, 200, body);
    }
    buf_done(&sent);
    (void)close(fd);
    live_end(&live);
}

/* The first answer does not wait for the second request, and the third request waits for it. */
static void test_pipelined_behind_one_that_waits(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/big?2") GET("/wait") GET("/big?3"));
    expect_answer(fd, 200, "bb");
    live_await_waiting(&live, 1);
    expect_silence(fd);
    send_text(fd, GET("/big?4"));
    live_release(&live);
    expect_answer(fd, 200, "released ");
    expect_answer(fd, 200, "bbb");
    expect_answer(fd, 200, "bbbb");
    (void)close(fd);
    live_end(&live);
}

/* More than the connection's buffer takes while a request is handled: the rest waits in the kernel, nothing is lost. */
static void test_more_is_pipelined_than_is_buffered(void **state)
{
    (void)state;
    enum { REQUESTS = 100, BODY = 2000 };
    struct live_server live;
    struct buf sent;
    char body[BODY];
    start(&live);
    buf_init(&sent, 1 << 20);
    memset(body, 'x', sizeof body);
    int fd = live_connect(&live);
    buf_put_cstr(&sent, "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nand stays its body");
    for (unsigned i = 0; i < REQUESTS; i++) {
        body[0] = (char)('a' + i % 26);
        put_echo(&sent, span_of(body, sizeof body));
    }
    send_bytes(fd, buf_span(&sent));
    live_await_waiting(&live, 1);
    live_expect_rest(&live);
    expect_silence(fd);
    live_release(&live);
    expect_answer(fd, 200, "released and stays its body");
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct answer answer;
        read_answer(fd, true, &answer);
        body[0] = (char)('a' + i % 26);
        assert_span(answer.body, span_of(body, sizeof body));
        answer_done(&answer);
    }
    buf_done(&sent);
    (void)close(fd);
    live_end(&live);
}

/* Bodies -------------------------------------------------------------------------------------------------------------------- */

static void test_chunks_that_come_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: z\r\n\r\n";
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    for (size_t i = 0; i < sizeof text - 1; i++)
        send_bytes(fd, span_of(text + i, 1));
    expect_answer(fd, 200, "hello world");
    (void)close(fd);
    live_end(&live);
}

static void test_a_body_of_the_limit(void **state)
{
    (void)state;
    struct live_server live;
    struct buf sent;
    struct answer answer;
    start(&live);
    size_t len = live.options.body_bytes_max;
    char *body = malloc(len);
    assert_non_null(body);
    random_bytes(body, len);
    buf_init(&sent, 4 << 20);
    put_echo(&sent, span_of(body, len));
    int fd = live_connect(&live);
    for (int i = 0; i < 2; i++) {
        send_bytes(fd, buf_span(&sent));
        read_answer(fd, true, &answer);
        assert_span(answer.body, span_of(body, len));
        answer_done(&answer);
    }
    buf_done(&sent);
    free(body);
    (void)close(fd);
    live_end(&live);
}

static void test_a_body_is_asked_for(void **state)
{
    (void)state;
    struct live_server live;
    struct answer answer;
    start(&live);
    int fd = live_connect(&live);
    for (int i = 0; i < 2; i++) {
        send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        read_answer(fd, false, &answer);
        assert_span(buf_span(&answer.bytes), SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
        expect_silence(fd);
        send_text(fd, "body");
        expect_answer(fd, 200, "body");
        answer_done(&answer);
    }
    (void)close(fd);
    live_end(&live);
}

/* The client hears why although it is still sending. */
static void test_a_body_too_large_is_refused_while_it_comes(void **state)
{
    (void)state;
    struct live_server live;
    char filler[64 * 1024];
    start(&live);
    memset(filler, 'x', sizeof filler);
    int fd = live_connect(&live);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    for (int i = 0; i < 4; i++)
        send_bytes(fd, span_of(filler, sizeof filler));
    expect_answer(fd, 413, "the body is too large\n");
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
}

static void test_what_is_wrong_is_refused(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/big?1") "POST / HTTP/1.1\r\nHost : a\r\n\r\n" GET("/big?2"));
    expect_answer(fd, 200, "b");
    expect_answer(fd, 400, "not a header: a name, a colon, a value\n");
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
    assert_int_equal(atomic_load(&live.handled), 1);
}

static void test_a_head_too_large_is_refused(void **state)
{
    (void)state;
    struct live_server live;
    char filler[SERVER_HEAD_BYTES];
    start(&live);
    memset(filler, 'x', sizeof filler);
    int fd = live_connect(&live);
    send_text(fd, "POST / HTTP/1.1\r\nHost: ");
    send_bytes(fd, span_of(filler, sizeof filler));
    expect_answer(fd, 431, "");
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
}

/* Clients that end or do not move on ---------------------------------------------------------------------------------------- */

static void test_a_client_that_ends_its_side_gets_its_answers(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/big?1") GET("/wait") GET("/big?2"));
    end_sending(fd);
    expect_answer(fd, 200, "b");
    live_await_waiting(&live, 1);
    live_expect_rest(&live);
    live_release(&live);
    expect_answer(fd, 200, "released ");
    expect_answer(fd, 200, "bb");
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
}

static void test_a_client_that_ends_in_the_middle(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab");
    end_sending(fd);
    expect_answer(fd, 400, "the request ends in the middle\n");
    expect_end(fd);
    (void)close(fd);
    fd = live_connect(&live);
    end_sending(fd);
    expect_end(fd);
    (void)close(fd);
    live_end(&live);
}

static void reset_connection(int fd)
{
    struct linger abort = { .l_onoff = 1 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    (void)close(fd);
}

static void test_a_client_that_vanishes(void **state)
{
    (void)state;
    struct live_server live;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/wait") GET("/wait"));
    live_await_waiting(&live, 1);
    reset_connection(fd);
    fd = live_connect(&live); /* by its answer the reset has been seen, too */
    send_text(fd, GET("/big?1"));
    expect_answer(fd, 200, "b");
    live_release(&live);
    live_await_handled(&live, 2); /* the fiber ends; what the client had pipelined is not begun */
    (void)close(fd);
    live_end(&live);
    assert_int_equal(atomic_load(&live.handled), 2);
}

static void test_a_slow_request_is_given_up(void **state)
{
    (void)state;
    static const char *const beginnings[] = { "P", "POST / HTTP/1.1\r\nHost: a\r\n",
                                              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab" };
    struct live_server live;
    live_options(&live);
    live.options.request_ms_max = 60;
    live_start(&live);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        int fd = live_connect(&live);
        send_text(fd, GET("/big?1"));
        expect_answer(fd, 200, "b");
        send_text(fd, beginnings[i]);
        expect_answer(fd, 408, "");
        expect_end(fd);
        (void)close(fd);
    }
    live_end(&live);
}

/* Not the time between bytes counts, but that of the whole request. */
static void test_a_trickling_request_is_given_up(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.options.request_ms_max = 100;
    live_start(&live);
    int fd = live_connect(&live);
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    send_text(fd, "POST / HTTP/1.1\r\nX: ");
    for (int i = 0; poll(&watched, 1, 10) == 0; i++) {
        assert_true(i < 1000);
        send_text(fd, "x");
    }
    expect_answer(fd, 408, "");
    (void)close(fd);
    live_end(&live);
}

static void test_an_idle_connection_is_closed(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.options.idle_ms_max = 1000;
    live_start(&live);
    int fresh = live_connect(&live), used = live_connect(&live), waits = live_connect(&live);
    send_text(waits, GET("/wait"));
    send_text(used, GET("/big?1"));
    expect_answer(used, 200, "b");
    expect_end(fresh);
    expect_end(used);
    live_await_waiting(&live, 1);
    live_release(&live);
    expect_answer(waits, 200, "released "); /* it was not idle */
    (void)close(fresh);
    (void)close(used);
    (void)close(waits);
    live_end(&live);
}

/* The server holds one answer for it, no more, and not for ever; others are served meanwhile. */
static void test_a_slow_reader_is_closed(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.options.request_ms_max = 200;
    live_start(&live);
    int slow = live_connect(&live), other = live_connect(&live);
    send_text(slow, GET("/big?20000000") GET("/big?20000000"));
    live_await_handled(&live, 1);
    send_text(other, GET("/big?1"));
    expect_answer(other, 200, "b");
    assert_int_equal(atomic_load(&live.handled), 2);
    for (struct pollfd watched = { .fd = slow, .events = POLLERR | POLLHUP }; poll(&watched, 1, 20000) == 0;)
        fail_msg("still open");
    (void)close(slow);
    (void)close(other);
    live_end(&live);
    assert_int_equal(atomic_load(&live.handled), 2);
}

/* One that reads slowly but does read is served to the end. */
static void test_a_large_answer_in_small_reads(void **state)
{
    (void)state;
    enum { LEN = 20000000 };
    struct live_server live;
    struct answer answer;
    start(&live);
    int fd = live_connect(&live);
    send_text(fd, GET("/big?20000000") GET("/big?1"));
    live_await_handled(&live, 1);
    live_expect_rest(&live);
    read_answer(fd, true, &answer);
    assert_int_equal(answer.body.len, LEN);
    expect_answer(fd, 200, "b");
    answer_done(&answer);
    (void)close(fd);
    live_end(&live);
}

/* Stopping ------------------------------------------------------------------------------------------------------------------ */

static void test_stopping_answers_what_is_in_flight(void **state)
{
    (void)state;
    struct live_server live;
    struct answer answer;
    start(&live);
    int waits = live_connect(&live), idle = live_connect(&live), half = live_connect(&live);
    send_text(waits, GET("/wait"));
    send_text(half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    send_text(idle, GET("/big?1"));
    expect_answer(idle, 200, "b");
    live_await_waiting(&live, 1);
    live_stop(&live);
    expect_end(idle);
    assert_int_equal(live_connect(&live), -1);
    send_text(half, "lf");
    read_answer(half, true, &answer);
    assert_span(answer.body, SPAN("half"));
    assert_true(span_find(answer.head, SPAN("Connection: close\r\n")) < answer.head.len);
    answer_done(&answer);
    expect_end(half);
    live_release(&live);
    read_answer(waits, true, &answer);
    assert_span(answer.body, SPAN("released "));
    assert_true(span_find(answer.head, SPAN("Connection: close\r\n")) < answer.head.len);
    answer_done(&answer);
    expect_end(waits);
    (void)close(waits);
    (void)close(idle);
    (void)close(half);
    live_end(&live);
}

/* The kernel has taken them for us: they are connections although nobody has accepted them. */
static void test_stopping_answers_what_is_not_yet_accepted(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live_listen(&live);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = live_connect(&live);
        send_text(fds[i], GET("/big?1") GET("/big?2"));
    }
    server_stop(live.server); /* the loop does not run, so this is its thread */
    live_run(&live);
    for (int i = 0; i < 3; i++) {
        expect_answer(fds[i], 200, "b");
        expect_answer(fds[i], 200, "bb");
        expect_end(fds[i]);
        (void)close(fds[i]);
    }
    live_end(&live);
}

/* Addresses ----------------------------------------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",         "8000",  ":8000",           "127.0.0.1",    "127.0.0.1:",    "127.0.0.1:x",
                                         "::1:8000", "[::1]", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "[]:1" };
    struct live_server live;
    live_options(&live);
    assert_ok((struct err)ERR_INIT, loop_new(1, &live.loop, &(struct err)ERR_INIT));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err;
        live.options.address = wrong[i];
        assert_code(err, LF_USAGE, server_new(live.loop, &live.options, &live.server, &err));
    }
    struct err err = ERR_INIT;
    live.options.address = "*:0";
    assert_ok(err, server_new(live.loop, &live.options, &live.server, &err));
    int fd = live_connect(&live);
    assert_true(fd >= 0);
    (void)close(fd);
    server_free(live.server);
    loop_free(live.loop);
}

static void test_an_address_in_use(void **state)
{
    (void)state;
    struct live_server live;
    struct err err;
    char address[32];
    struct sockaddr_in taken = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof taken;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&taken, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&taken, &len), 0);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(taken.sin_port));
    live_options(&live);
    live.options.address = address;
    assert_ok((struct err)ERR_INIT, loop_new(1, &live.loop, &(struct err)ERR_INIT));
    assert_code(err, LF_IO, server_new(live.loop, &live.options, &live.server, &err));
    loop_free(live.loop);
    (void)close(fd);
}

/* Everything at once -------------------------------------------------------------------------------------------------------- */

/* Requests of random sizes, some chunked, some that wait, cut at random places over several connections. */
struct stream {
    int fd;
    struct buf sent, expected;
    size_t at; /* of sent */
};

static void put_random_request(struct stream *stream)
{
    char body[5000];
    size_t len = random_below(random_below(8) ? 100 : sizeof body);
    random_bytes(body, len);
    if (random_below(2)) {
        put_echo(&stream->sent, span_of(body, len));
    } else {
        size_t first = random_below((unsigned)len + 1);
        buf_put_cstr(&stream->sent, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        if (first)
            buf_printf(&stream->sent, "%zx\r\n", first);
        buf_put(&stream->sent, body, first);
        buf_printf(&stream->sent, first ? "\r\n" : "");
        if (len > first)
            buf_printf(&stream->sent, "%zx\r\n", len - first);
        buf_put(&stream->sent, body + first, len - first);
        buf_printf(&stream->sent, len > first ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    }
    buf_put(&stream->expected, &len, sizeof len);
    buf_put(&stream->expected, body, len);
}

static void send_some(struct stream *stream)
{
    struct span rest = span_from(buf_span(&stream->sent), stream->at);
    size_t part = 1 + random_below(random_below(4) ? 300 : 20000);
    rest.len = part < rest.len ? part : rest.len;
    send_bytes(stream->fd, rest);
    stream->at += rest.len;
}

static void check_stream(struct stream *stream)
{
    struct span rest = buf_span(&stream->expected);
    while (rest.len) {
        size_t len;
        struct answer answer;
        memcpy(&len, rest.ptr, sizeof len);
        read_answer(stream->fd, true, &answer);
        assert_span(answer.body, span_of(rest.ptr + sizeof len, len));
        answer_done(&answer);
        rest = span_from(rest, sizeof len + len);
    }
}

static void test_random_streams(void **state)
{
    (void)state;
    enum { STREAMS = 6, REQUESTS = 30 };
    struct live_server live;
    struct stream streams[STREAMS];
    start(&live);
    for (int s = 0; s < STREAMS; s++) {
        streams[s] = (struct stream){ .fd = live_connect(&live) };
        buf_init(&streams[s].sent, 1 << 24);
        buf_init(&streams[s].expected, 1 << 24);
    }
    for (int burst = 0; burst < BURSTS; burst++) {
        for (int i = 0; i < REQUESTS; i++)
            put_random_request(&streams[random_below(STREAMS)]);
        for (bool left = true; left;) {
            left = false;
            for (int s = 0; s < STREAMS; s++) {
                if (streams[s].at < streams[s].sent.len)
                    send_some(&streams[s]);
                left = left || streams[s].at < streams[s].sent.len;
            }
        }
        for (int s = 0; s < STREAMS; s++) {
            check_stream(&streams[s]);
            buf_reset(&streams[s].sent);
            buf_reset(&streams[s].expected);
            streams[s].at = 0;
        }
    }
    for (int s = 0; s < STREAMS; s++) {
        (void)close(streams[s].fd);
        buf_done(&streams[s].sent);
        buf_done(&streams[s].expected);
    }
    live_end(&live);
    assert_int_equal(atomic_load(&live.handled), BURSTS * REQUESTS);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_and_its_answer),
        cmocka_unit_test(test_head_has_no_body),
        cmocka_unit_test(test_when_a_connection_stays),
        cmocka_unit_test(test_an_answer_too_large_is_an_error),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_pipelined_behind_one_that_waits),
        cmocka_unit_test(test_more_is_pipelined_than_is_buffered),
        cmocka_unit_test(test_chunks_that_come_byte_by_byte),
        cmocka_unit_test(test_a_body_of_the_limit),
        cmocka_unit_test(test_a_body_is_asked_for),
        cmocka_unit_test(test_a_body_too_large_is_refused_while_it_comes),
        cmocka_unit_test(test_what_is_wrong_is_refused),
        cmocka_unit_test(test_a_head_too_large_is_refused),
        cmocka_unit_test(test_a_client_that_ends_its_side_gets_its_answers),
        cmocka_unit_test(test_a_client_that_ends_in_the_middle),
        cmocka_unit_test(test_a_client_that_vanishes),
        cmocka_unit_test(test_a_slow_request_is_given_up),
        cmocka_unit_test(test_a_trickling_request_is_given_up),
        cmocka_unit_test(test_an_idle_connection_is_closed),
        cmocka_unit_test(test_a_slow_reader_is_closed),
        cmocka_unit_test(test_a_large_answer_in_small_reads),
        cmocka_unit_test(test_stopping_answers_what_is_in_flight),
        cmocka_unit_test(test_stopping_answers_what_is_not_yet_accepted),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_an_address_in_use),
        cmocka_unit_test(test_random_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
