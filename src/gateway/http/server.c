#define _GNU_SOURCE /* accept4 */
#include "gateway/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/connection.h"

enum {
    ADDRESS_BYTES = 300,
    PEER_BYTES = INET6_ADDRSTRLEN + 10,
    BACKLOG = 4096,
    ACCEPTS_PER_TURN = 64,
    /* So many beyond connections_max are accepted to be told that there is no room; the next ones wait in the backlog. */
    REFUSED_MAX = 64,
    ACCEPT_PAUSE_MS = 100,
};

struct server {
    struct server_options options;
    struct loop *loop;
    char address[ADDRESS_BYTES];
    struct loop_watch listener; /* fd owned; -1 once it is stopped */
    struct loop_timer accept_again;
    struct loop_task stop;
    struct fiber *stopping; /* waits for the last connection */
    struct connection_set connections;
};

const struct span *http_request_header(const struct http_request *request, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < request->header_count; i++)
        if (request->headers[i].name.len == len && strncasecmp(request->headers[i].name.ptr, name, len) == 0)
            return &request->headers[i].value;
    return NULL;
}

/* Addresses ----------------------------------------------------------------------------------------------------------------- */

struct host_port {
    char host[ADDRESS_BYTES]; /* "" for all */
    char port[8];
};

static enum lf_code split_address(const char *address, struct host_port *ret, struct err *err)
{
    const char *colon = strrchr(address, ':');
    size_t host_len = colon ? (size_t)(colon - address) : 0;
    bool is_ip6 = host_len > 2 && address[0] == '[' && colon[-1] == ']';
    bool is_ambiguous = !is_ip6 && (address[0] == '[' || memchr(address, ':', host_len));
    char *port_end = NULL;
    long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &port_end, 10) : -1;
    if (host_len == 0 || host_len >= sizeof ret->host || is_ambiguous || port < 0 || port > UINT16_MAX || *port_end)
        return ERR(err, LF_USAGE, "'%s' is not an address to listen on: HOST:PORT, [IPv6]:PORT or *:PORT", address);
    struct span host = is_ip6 ? span_of(address + 1, host_len - 2) : span_of(address, host_len);
    if (span_equal(host, SPAN("*")))
        host = SPAN("");
    (void)snprintf(ret->host, sizeof ret->host, "%.*s", SPAN_ARG(host));
    (void)snprintf(ret->port, sizeof ret->port, "%ld", port);
    return LF_OK;
}

/* "127.0.0.1:43211" or "[::1]:43211" */
static void format_address(const struct sockaddr_storage *from, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)from;
        (void)inet_ntop(AF_INET6, &ip6->sin6_addr, host, sizeof host);
        (void)snprintf(text, size, "[%s]:%u", host, ntohs(ip6->sin6_port));
    } else {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)from;
        (void)inet_ntop(AF_INET, &ip4->sin_addr, host, sizeof host);
        (void)snprintf(text, size, "%s:%u", host, ntohs(ip4->sin_port));
    }
}

/* Listening ----------------------------------------------------------------------------------------------------------------- */

static void close_keeping_errno(int fd)
{
    int saved_errno = errno;
    (void)close(fd);
    errno = saved_errno;
}

/* Without IPV6_V6ONLY, which some systems set, "*" takes IPv4 as well. */
static int bound_socket(const struct addrinfo *info, bool shares_port)
{
    int on = 1, off = 0;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return -1;
    bool good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                (!shares_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
                (info->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
                bind(fd, info->ai_addr, info->ai_addrlen) == 0;
    if (!good) {
        close_keeping_errno(fd);
        return -1;
    }
    return fd;
}

/* A socket that shares its port may be bound beside another program's of the same user; one that does not may not. */
static bool is_free(const struct addrinfo *info)
{
    int fd = bound_socket(info, false);
    if (fd < 0)
        return false;
    (void)close(fd);
    return true;
}

static int listen_on(const struct addrinfo *info, bool joins)
{
    int fd = joins || is_free(info) ? bound_socket(info, true) : -1;
    if (fd < 0 || listen(fd, BACKLOG) == 0)
        return fd;
    close_keeping_errno(fd);
    return -1;
}

/* The first address of the host's that can be had; of all, IPv6 first, which includes IPv4. */
static int listen_on_first(const struct addrinfo *infos, bool wants_all, bool joins)
{
    int fd = -1;
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *info = infos; info && fd < 0 && wants_all; info = info->ai_next)
        if (info->ai_family == AF_INET6)
            fd = listen_on(info, joins);
    for (const struct addrinfo *info = infos; info && fd < 0; info = info->ai_next)
        fd = listen_on(info, joins);
    return fd;
}

static enum lf_code open_listener(struct server *server, struct err *err)
{
    struct host_port to = { 0 };
    struct addrinfo *infos, hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    TRY(split_address(server->options.address, &to, err));
    int failed = getaddrinfo(to.host[0] ? to.host : NULL, to.port, &hints, &infos);
    if (failed)
        return ERR(err, LF_USAGE, "cannot listen on %s: %s", server->options.address, gai_strerror(failed));
    server->listener.fd = listen_on_first(infos, !to.host[0], server->options.joins);
    freeaddrinfo(infos);
    if (server->listener.fd < 0)
        return ERR(err, LF_IO, "cannot listen on %s: %s", server->options.address, strerror(errno));
    struct sockaddr_storage bound = { 0 };
    socklen_t len = sizeof bound;
    if (getsockname(server->listener.fd, (struct sockaddr *)&bound, &len) != 0)
        return ERR(err, LF_IO, "cannot tell the address of %s: %s", server->options.address, strerror(errno));
    format_address(&bound, server->address, sizeof server->address);
    return LF_OK;
}

static void close_listener(struct server *server)
{
    if (server->listener.fd < 0)
        return;
    loop_watch_end(server->loop, &server->listener);
    (void)close(server->listener.fd);
    server->listener.fd = -1;
}

/* Accepting ----------------------------------------------------------------------------------------------------------------- */

static void report(const struct server *server, const struct err *err)
{
    if (server->options.report)
        server->options.report(server->options.context, err);
}

static bool has_room(const struct server *server)
{
    return server->connections.count < server->options.connections_max + REFUSED_MAX;
}

/* Listens as long as there is room; what fails is tried again in a while. */
static void listen_if_room(struct server *server)
{
    struct err err = ERR_INIT;
    bool pauses = server->accept_again.heap_slot || !has_room(server);
    if (server->listener.fd < 0)
        return;
    if (loop_watch_set(server->loop, &server->listener, pauses ? 0 : LOOP_READ, &err) != LF_OK)
        loop_timer_set(server->loop, &server->accept_again, ACCEPT_PAUSE_MS);
}

static void take_connection(struct server *server, int fd, const struct sockaddr_storage *from)
{
    int on = 1;
    char peer[PEER_BYTES];
    struct err err = ERR_INIT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    format_address(from, peer, sizeof peer);
    bool is_beyond_limit = server->connections.count >= server->options.connections_max;
    if (connection_open(&server->connections, fd, peer, is_beyond_limit, &err) != LF_OK)
        report(server, &err);
}

/* False when there is none for now. Out of descriptors or memory, it would be asked again at once: better in a while. */
static bool accept_one(struct server *server)
{
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof from;
    int fd = accept4(server->listener.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        take_connection(server, fd, &from);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        struct err err = ERR_INIT;
        (void)ERR(&err, LF_IO, "cannot accept a connection: %s", strerror(errno));
        report(server, &err);
        loop_timer_set(server->loop, &server->accept_again, ACCEPT_PAUSE_MS);
    }
    return errno == ECONNABORTED || errno == EINTR;
}

static void on_listener(void *context, unsigned events)
{
    struct server *server = context;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && has_room(server) && accept_one(server); i++)
        continue;
    listen_if_room(server);
}

static void on_accept_again(void *context)
{
    listen_if_room(context);
}

/* Stopping ------------------------------------------------------------------------------------------------------------------ */

/* A fiber of its own, because the loop runs on until there is none. */
static void wait_for_connections(void *context)
{
    struct server *server = context;
    while (server->connections.count) {
        server->stopping = fiber_self();
        fiber_suspend();
    }
}

static void on_connection_closed(void *context)
{
    struct server *server = context;
    listen_if_room(server);
    if (server->connections.count || !server->stopping)
        return;
    fiber_wake(server->stopping);
    server->stopping = NULL;
}

/* Those that the kernel has accepted for us are connections, too. */
static void stop_now(void *context)
{
    struct server *server = context;
    struct err err = ERR_INIT;
    if (server->listener.fd < 0)
        return;
    while (has_room(server) && accept_one(server))
        continue;
    close_listener(server);
    loop_timer_cancel(server->loop, &server->accept_again);
    connection_set_stop(&server->connections);
    if (fiber_start(loop_fibers(server->loop), wait_for_connections, server, &err) != LF_OK)
        report(server, &err);
}

void server_stop(struct server *server)
{
    loop_at_turn_end(server->loop, &server->stop);
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static void fill_server(struct server *server, struct loop *loop, const struct server_options *options)
{
    server->options = *options;
    server->loop = loop;
    server->listener = (struct loop_watch){ .fd = -1, .ready = on_listener, .context = server };
    server->accept_again = (struct loop_timer){ .fire = on_accept_again, .context = server };
    server->stop = (struct loop_task){ .run = stop_now, .context = server };
    server->connections = (struct connection_set){
        .loop = loop,
        .options = &server->options,
        .exchanges = { .body_bytes_max = options->body_bytes_max, .arena_bytes_max = options->request_arena_bytes_max },
        .closed = on_connection_closed,
        .server = server,
    };
}

static enum lf_code start_server(struct server *server, struct err *err)
{
    TRY(open_listener(server, err));
    return loop_watch_set(server->loop, &server->listener, LOOP_READ, err);
}

enum lf_code server_new(struct loop *loop, const struct server_options *options, struct server **ret_server, struct err *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return ERR(err, LF_MEMORY, "out of memory for a server");
    fill_server(server, loop, options);
    enum lf_code code = start_server(server, err);
    if (code != LF_OK) {
        server_free(server);
        return code;
    }
    *ret_server = server;
    return LF_OK;
}

const char *server_address(const struct server *server)
{
    return server->address;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    close_listener(server);
    loop_timer_cancel(server->loop, &server->accept_again);
    connection_set_done(&server->connections);
    free(server);
}
