/*
 * http_load: so many requests a second, and how long each took.
 *
 *     http_load HOST:PORT REQUESTS [connections=64] [seconds=5] [warmup=1] [rate=0]
 *
 * REQUESTS is a file of whole HTTP/1.1 requests, each after its length in 4 bytes, big-endian; every connection sends them in
 * turn, beginning at a place of its own. Without a rate each connection sends its next request when it has its answer. With one
 * (requests per second, of all connections) requests have the moments at which they should be sent, and a latency counts from
 * that moment, whether the connection was free by then or not: a server that stalls cannot hide it by slowing the clients down.
 *
 * Prints one line: requests 512034 seconds 5.00 rate 102406 p50_us 583 p99_us 911 p999_us 1423 max_us 3120 not_2xx 0 failed 0
 */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file_text.h"

enum {
    ANSWER_BYTES = 64 * 1024, /* the head of an answer fits */
    CONNECTIONS_MAX = 65536,
    EVENTS = 256,
    STEPS_PER_DOUBLING = 64, /* of the histogram: 1.6 % apart */
    HISTOGRAM_BUCKETS = 64 * STEPS_PER_DOUBLING,
};

struct options {
    const char *address, *requests_path;
    unsigned connections;
    double seconds, warmup, rate;
};

struct results {
    uint64_t requests, not_2xx, failed;
    int64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* latencies in ns, logarithmic */
};

struct client {
    int fd;
    bool is_waiting;    /* for an answer */
    bool is_sending;    /* a request that did not go out at once */
    size_t next;        /* request to send */
    size_t sent;        /* of it */
    int64_t due_ns;     /* when it should be sent, or was */
    size_t answer_len;  /* bytes of the answer in `answer` */
    size_t answer_left; /* of the body, once the head is read */
    bool has_head;
    char answer[ANSWER_BYTES];
};

struct load {
    struct options options;
    struct addrinfo *server;
    struct span *requests;
    size_t request_count;
    struct client *clients;
    int epoll_fd;
    int64_t begin_ns, end_ns; /* what is answered between counts */
    struct results results;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t seconds_ns(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

/* Histogram ----------------------------------------------------------------------------------------------------------------- */

static size_t bucket_of(int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    if (value < STEPS_PER_DOUBLING)
        return (size_t)value;
    unsigned doubling = 63u - (unsigned)__builtin_clzll(value) - 6u;
    return (size_t)(doubling + 1) * STEPS_PER_DOUBLING + (size_t)(value >> doubling) - STEPS_PER_DOUBLING;
}

static int64_t bucket_ns(size_t bucket)
{
    size_t doubling = bucket / STEPS_PER_DOUBLING;
    uint64_t step = bucket % STEPS_PER_DOUBLING;
    return (int64_t)(doubling ? (step + STEPS_PER_DOUBLING) << (doubling - 1) : step);
}

static int64_t percentile_us(const struct results *results, double share)
{
    uint64_t wanted = (uint64_t)((double)results->requests * share), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += results->buckets[i];
        if (seen > wanted)
            return bucket_ns(i) / 1000;
    }
    return results->max_ns / 1000;
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

static uint32_t read_length(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static enum lf_code split_requests(struct span text, struct arena *arena, struct load *load, struct err *err)
{
    struct span *requests = arena_calloc(arena, text.len / 4 + 1, sizeof *requests, err);
    if (!requests)
        return err->code;
    size_t count = 0;
    while (text.len >= 4) {
        uint32_t len = read_length(text.ptr);
        text = span_from(text, 4);
        if (len == 0 || len > text.len)
            break;
        requests[count++] = span_of(text.ptr, len);
        text = span_from(text, len);
    }
    if (text.len || !count)
        return ERR(err, LF_SYNTAX, "not a file of requests, each after its length in 4 bytes");
    load->requests = requests;
    load->request_count = count;
    return LF_OK;
}

/* Connections --------------------------------------------------------------------------------------------------------------- */

static enum lf_code watch(const struct load *load, struct client *client, int operation, uint32_t events, struct err *err)
{
    struct epoll_event event = { .events = events, .data.ptr = client };
    if (epoll_ctl(load->epoll_fd, operation, client->fd, &event) != 0)
        return ERR(err, LF_IO, "cannot watch a connection: %s", strerror(errno));
    return LF_OK;
}

static enum lf_code connect_client(struct load *load, struct client *client, struct err *err)
{
    int on = 1;
    const struct addrinfo *to = load->server;
    client->fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, to->ai_addr, to->ai_addrlen) != 0)
        return ERR(err, LF_NETWORK, "cannot connect to %s: %s", load->options.address, strerror(errno));
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(client->fd, F_SETFL, fcntl(client->fd, F_GETFL) | O_NONBLOCK);
    client->is_waiting = client->has_head = client->is_sending = false;
    client->answer_len = client->sent = 0;
    return watch(load, client, EPOLL_CTL_ADD, EPOLLIN, err);
}

static enum lf_code fail(struct load *load, struct client *client, struct err *err)
{
    load->results.failed++;
    (void)close(client->fd);
    return connect_client(load, client, err);
}

/* Answers ------------------------------------------------------------------------------------------------------------------- */

static void note_answer(struct load *load, const struct client *client)
{
    int64_t now = now_ns(), latency = now - client->due_ns;
    if (now < load->begin_ns || now >= load->end_ns)
        return;
    struct results *results = &load->results;
    results->requests++;
    results->not_2xx += client->answer[9] != '2';
    results->buckets[bucket_of(latency)]++;
    if (latency > results->max_ns)
        results->max_ns = latency;
}

static size_t content_length(const char *head, const char *end)
{
    static const char name[] = "\r\ncontent-length:";
    for (const char *at = head; end - at > (ptrdiff_t)sizeof name; at++)
        if (*at == '\r' && strncasecmp(at, name, sizeof name - 1) == 0)
            return strtoul(at + sizeof name - 1, NULL, 10);
    return 0;
}

/* Takes in what came; whether the answer is whole. */
static bool take_answer(struct client *client, size_t got)
{
    if (client->has_head) {
        client->answer_left -= got < client->answer_left ? got : client->answer_left;
        return client->answer_left == 0;
    }
    client->answer_len += got;
    const char *head_end = memmem(client->answer, client->answer_len, "\r\n\r\n", 4);
    if (!head_end)
        return false;
    size_t head_len = (size_t)(head_end - client->answer) + 4;
    size_t total = head_len + content_length(client->answer, head_end + 4);
    client->has_head = true;
    client->answer_left = total - (client->answer_len < total ? client->answer_len : total);
    return client->answer_left == 0;
}

/* Reads until the answer is whole or nothing more has come. */
static bool read_answer(struct client *client, bool *ret_failed)
{
    /* The head stays where it is, for its status; the body is read over what is behind it. */
    enum { KEPT_BYTES = ANSWER_BYTES / 2 };
    for (;;) {
        size_t at = client->has_head ? KEPT_BYTES : client->answer_len;
        ssize_t got = at < ANSWER_BYTES ? recv(client->fd, client->answer + at, ANSWER_BYTES - at, 0) : 0;
        if (got <= 0) {
            *ret_failed = got == 0 || (errno != EAGAIN && errno != EINTR);
            return false;
        }
        if (take_answer(client, (size_t)got))
            return true;
    }
}

/* Sending ------------------------------------------------------------------------------------------------------------------- */

/* The moment of a client's next request. */
static int64_t next_due(const struct load *load, int64_t last_ns)
{
    if (load->options.rate <= 0)
        return now_ns();
    return last_ns + (int64_t)(1e9 * load->options.connections / load->options.rate);
}

static enum lf_code note_sent(const struct load *load, struct client *client, bool is_whole, struct err *err)
{
    if (is_whole) {
        client->next = (client->next + 1) % load->request_count;
        client->sent = client->answer_len = 0;
        client->has_head = false;
        client->is_waiting = true;
    }
    if (client->is_sending == !is_whole)
        return LF_OK;
    client->is_sending = !is_whole;
    return watch(load, client, EPOLL_CTL_MOD, client->is_sending ? EPOLLOUT : EPOLLIN, err);
}

static enum lf_code send_request(struct load *load, struct client *client, struct err *err)
{
    struct span request = load->requests[client->next];
    ssize_t sent = send(client->fd, request.ptr + client->sent, request.len - client->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return fail(load, client, err);
    client->sent += sent > 0 ? (size_t)sent : 0;
    return note_sent(load, client, client->sent == request.len, err);
}

/* What a connection's descriptor is ready for: an answer, more of a request, or the end. */
static enum lf_code drive(struct load *load, struct client *client, struct err *err)
{
    bool failed = false;
    if (!client->is_sending) {
        if (!read_answer(client, &failed))
            return failed ? fail(load, client, err) : LF_OK;
        if (!client->is_waiting)
            return fail(load, client, err);
        note_answer(load, client);
        client->is_waiting = false;
        client->due_ns = next_due(load, client->due_ns);
    }
    return client->due_ns <= now_ns() ? send_request(load, client, err) : LF_OK;
}

/* Sends what is due on connections that wait for their moment; how long until the next one's. A connection without a rate, new
 * or opened again, is due at once. */
static enum lf_code send_due(struct load *load, int64_t *ret_wait_ns, struct err *err)
{
    int64_t now = now_ns(), first = load->end_ns;
    for (unsigned i = 0; i < load->options.connections; i++) {
        struct client *client = &load->clients[i];
        if (!client->is_waiting && !client->is_sending && client->due_ns <= now)
            TRY(send_request(load, client, err));
        if (!client->is_waiting && !client->is_sending && client->due_ns < first)
            first = client->due_ns;
    }
    *ret_wait_ns = first > now ? first - now : 0;
    return LF_OK;
}

static enum lf_code run(struct load *load, struct err *err)
{
    struct epoll_event events[EVENTS];
    while (now_ns() < load->end_ns) {
        int64_t wait_ns;
        TRY(send_due(load, &wait_ns, err));
        struct timespec timeout = { .tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000 };
        int count = epoll_pwait2(load->epoll_fd, events, EVENTS, &timeout, NULL);
        if (count < 0 && errno != EINTR)
            return ERR(err, LF_IO, "cannot wait for answers: %s", strerror(errno));
        for (int i = 0; i < count; i++)
            TRY(drive(load, events[i].data.ptr, err));
    }
    return LF_OK;
}

/* Set-up -------------------------------------------------------------------------------------------------------------------- */

static enum lf_code set_option(struct options *options, const char *text, struct err *err)
{
    const char *value = strchr(text, '=');
    char *end = NULL;
    double number = value ? strtod(value + 1, &end) : 0;
    size_t len = value ? (size_t)(value - text) : 0;
    struct span name = span_of(text, len);
    if (!value || *end || number < 0)
        return ERR(err, LF_USAGE, "'%s' is not NAME=NUMBER", text);
    if (span_equal(name, SPAN("connections")) && number >= 1 && number <= CONNECTIONS_MAX)
        options->connections = (unsigned)number;
    else if (span_equal(name, SPAN("seconds")))
        options->seconds = number;
    else if (span_equal(name, SPAN("warmup")))
        options->warmup = number;
    else if (span_equal(name, SPAN("rate")))
        options->rate = number;
    else
        return ERR(err, LF_USAGE, "'%s' is not an option of http_load", text);
    return LF_OK;
}

static enum lf_code read_options(int argc, char **argv, struct options *options, struct err *err)
{
    if (argc < 3)
        return ERR(err, LF_USAGE, "http_load HOST:PORT REQUESTS [connections=64] [seconds=5] [warmup=1] [rate=0]");
    *options = (struct options){ .address = argv[1], .requests_path = argv[2], .connections = 64, .seconds = 5, .warmup = 1 };
    for (int i = 3; i < argc; i++)
        TRY(set_option(options, argv[i], err));
    return LF_OK;
}

static enum lf_code resolve(struct load *load, struct err *err)
{
    char host[256];
    const char *colon = strrchr(load->options.address, ':');
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    if (!colon || colon - load->options.address >= (ptrdiff_t)sizeof host)
        return ERR(err, LF_USAGE, "'%s' is not HOST:PORT", load->options.address);
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - load->options.address), load->options.address);
    int failed = getaddrinfo(host, colon + 1, &hints, &load->server);
    return failed ? ERR(err, LF_NETWORK, "%s: %s", load->options.address, gai_strerror(failed)) : LF_OK;
}

static enum lf_code start_clients(struct load *load, struct arena *arena, struct err *err)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll_fd < 0)
        return ERR(err, LF_IO, "cannot make an epoll descriptor: %s", strerror(errno));
    load->clients = arena_calloc(arena, load->options.connections, sizeof *load->clients, err);
    if (!load->clients)
        return err->code;
    for (unsigned i = 0; i < load->options.connections; i++) {
        load->clients[i].next = (size_t)i * load->request_count / load->options.connections;
        TRY(connect_client(load, &load->clients[i], err));
    }
    int64_t start = now_ns();
    for (unsigned i = 0; i < load->options.connections && load->options.rate > 0; i++)
        load->clients[i].due_ns = start + (int64_t)(1e9 * i / load->options.rate);
    load->begin_ns = start + seconds_ns(load->options.warmup);
    load->end_ns = load->begin_ns + seconds_ns(load->options.seconds);
    return LF_OK;
}

static void print_results(const struct load *load)
{
    const struct results *results = &load->results;
    printf("requests %" PRIu64 " seconds %.2f rate %.0f p50_us %" PRId64 " p99_us %" PRId64 " p999_us %" PRId64 " max_us %" PRId64
           " not_2xx %" PRIu64 " failed %" PRIu64 "\n",
           results->requests, load->options.seconds, (double)results->requests / load->options.seconds,
           percentile_us(results, 0.5), percentile_us(results, 0.99), percentile_us(results, 0.999), results->max_ns / 1000,
           results->not_2xx, results->failed);
}

static enum lf_code load_all(int argc, char **argv, struct arena *arena, struct load *load, struct err *err)
{
    struct span text;
    TRY(read_options(argc, argv, &load->options, err));
    TRY(resolve(load, err));
    TRY(file_text_read(span_from_cstr(load->options.requests_path), SIZE_MAX / 4, arena, &text, err));
    TRY(split_requests(text, arena, load, err));
    TRY(start_clients(load, arena, err));
    TRY(run(load, err));
    print_results(load);
    return LF_OK;
}

int main(int argc, char **argv)
{
    static struct load load;
    struct arena arena;
    struct err err = ERR_INIT;
    arena_init(&arena, SIZE_MAX);
    if (load_all(argc, argv, &arena, &load, &err) != LF_OK)
        (void)fprintf(stderr, "%s\n", err.message);
    if (load.server)
        freeaddrinfo(load.server);
    arena_done(&arena);
    return lf_code_info(err.code)->exit_status;
}
