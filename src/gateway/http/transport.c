#include "gateway/http/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum transport_state state_of_errno(void)
{
    bool waits = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return waits ? TRANSPORT_WAITS : TRANSPORT_BROKEN;
}

static enum transport_state state_of_tls(enum tls_state state)
{
    switch (state) {
    case TLS_DONE:
        return TRANSPORT_DONE;
    case TLS_WAITS_READ:
    case TLS_WAITS_WRITE:
        return TRANSPORT_WAITS;
    case TLS_ENDED:
        return TRANSPORT_ENDED;
    default:
        return TRANSPORT_BROKEN;
    }
}

enum transport_state transport_read(struct transport *transport, char *data, size_t size, size_t *ret_len)
{
    if (transport->tls) {
        enum tls_state state = tls_read(transport->tls, data, size, ret_len);
        transport->read_waits_write = state == TLS_WAITS_WRITE;
        return state_of_tls(state);
    }
    ssize_t got = recv(transport->fd, data, size, 0);
    if (got > 0)
        *ret_len = (size_t)got;
    return got > 0 ? TRANSPORT_DONE : got == 0 ? TRANSPORT_ENDED : state_of_errno();
}

static enum transport_state write_plain(const struct transport *transport, const struct iovec *pieces, int count, size_t *ret_len)
{
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };
    ssize_t sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);
    if (sent < 0)
        return state_of_errno();
    *ret_len = (size_t)sent;
    return TRANSPORT_DONE;
}

/* The bytes from `at` on, as many as one record takes. */
static size_t gather(const struct iovec *pieces, int count, size_t at, char *record)
{
    size_t len = 0;
    for (int i = 0; i < count && len < TLS_RECORD_BYTES; i++) {
        if (at >= pieces[i].iov_len) {
            at -= pieces[i].iov_len;
            continue;
        }
        size_t part = pieces[i].iov_len - at;
        if (part > TLS_RECORD_BYTES - len)
            part = TLS_RECORD_BYTES - len;
        memcpy(record + len, (const char *)pieces[i].iov_base + at, part);
        len += part;
        at = 0;
    }
    return len;
}

static enum transport_state write_tls(struct transport *transport, const struct iovec *pieces, int count, size_t *ret_len)
{
    char record[TLS_RECORD_BYTES];
    size_t done = 0;
    enum tls_state state = TLS_DONE;
    for (size_t len = gather(pieces, count, 0, record); len && state == TLS_DONE; len = gather(pieces, count, done, record)) {
        size_t sent = 0;
        state = tls_write(transport->tls, record, len, &sent);
        done += sent;
    }
    *ret_len = done;
    return done ? TRANSPORT_DONE : state_of_tls(state);
}

enum transport_state transport_write(struct transport *transport, const struct iovec *pieces, int count, size_t *ret_len)
{
    return transport->tls ? write_tls(transport, pieces, count, ret_len) : write_plain(transport, pieces, count, ret_len);
}

bool transport_has_pending(const struct transport *transport)
{
    return transport->tls && tls_has_pending(transport->tls);
}

void transport_end(struct transport *transport)
{
    if (transport->tls)
        tls_end(transport->tls);
    (void)shutdown(transport->fd, SHUT_WR);
}

void transport_give_up(struct transport *transport)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(transport->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void transport_close(struct transport *transport)
{
    tls_session_free(transport->tls);
    (void)close(transport->fd);
}
