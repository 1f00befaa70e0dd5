#include "http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 64 * 1024 * 1024, REQUEST_BYTES_MAX = 1024 * 1024 };

struct http_server {
    http_server_answer *answer;
    void *context;
    int fd;
    char url[64];
    atomic_uint requests;
    pthread_t thread;
};

/* The length of head and body, or 0 while the head is not whole. */
static size_t request_bytes(struct span got)
{
    static const char name[] = "content-length:";
    size_t head = span_find(got, SPAN("\r\n\r\n"));
    if (head == got.len)
        return 0;
    for (size_t i = 0; i + sizeof name < head; i++)
        if (strncasecmp(got.ptr + i, name, sizeof name - 1) == 0)
            return head + 4 + strtoul(got.ptr + i + sizeof name - 1, NULL, 10);
    return head + 4;
}

static bool read_request(int fd, struct buf *request)
{
    for (;;) {
        size_t want = request_bytes(buf_span(request));
        if (want && request->len >= want)
            return true;
        if (!buf_reserve(request, 4096))
            return false;
        ssize_t len = read(fd, request->data + request->len, 4096);
        if (len <= 0)
            return false;
        request->len += (size_t)len;
    }
}

static void send_all(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t len = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (len <= 0)
            return;
        bytes = span_from(bytes, (size_t)len);
    }
}

static const struct span silence = { "\0", 1 };

static void wait_until_hung_up(int fd)
{
    char byte;
    while (read(fd, &byte, 1) > 0)
        continue;
}

static void serve(struct http_server *server, int fd)
{
    struct buf request, answer;
    buf_init(&request, REQUEST_BYTES_MAX);
    buf_init(&answer, ANSWER_BYTES_MAX);
    if (read_request(fd, &request)) {
        server->answer(server->context, atomic_fetch_add(&server->requests, 1), buf_span(&request), &answer);
        if (span_equal(buf_span(&answer), silence))
            wait_until_hung_up(fd);
        else
            send_all(fd, buf_span(&answer));
    }
    buf_done(&request);
    buf_done(&answer);
}

static void *run(void *context)
{
    struct http_server *server = context;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0;) {
        serve(server, fd);
        (void)close(fd);
    }
    return NULL;
}

struct http_server *http_server_start(http_server_answer *answer, void *context)
{
    struct http_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    assert_non_null(server);
    server->answer = answer;
    server->context = context;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->fd >= 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(server->fd, 16), 0);
    (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

void http_server_stop(struct http_server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd);
    free(server);
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

unsigned http_server_requests(const struct http_server *server)
{
    return server->requests;
}

void http_server_keep_silent(struct buf *answer)
{
    buf_put_span(answer, silence);
}

void http_server_put(struct buf *answer, const char *status, const char *headers, struct span body)
{
    buf_printf(answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", status, body.len, headers);
    buf_put_span(answer, body);
}
