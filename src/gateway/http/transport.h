/*
 * transport: the bytes of one connection, plain or through TLS, on a non-blocking socket. One thread.
 */
#pragma once

#include <sys/uio.h>

#include "gateway/http/tls.h"

struct transport {
    int fd;                  /* owned */
    struct tls_session *tls; /* owned; NULL: plain */
    bool read_waits_write;   /* TLS has to write before it can read on */
};

enum transport_state {
    TRANSPORT_DONE,   /* `ret_len` bytes, more than 0 */
    TRANSPORT_WAITS,  /* nothing to be had, or to be sent, now */
    TRANSPORT_ENDED,  /* the client sends no more; it may still read */
    TRANSPORT_BROKEN, /* the connection is of no use any more */
};

enum transport_state transport_read(struct transport *transport, char *data, size_t size, size_t *ret_len);
/* As much of the pieces as can be sent now. */
enum transport_state transport_write(struct transport *transport, const struct iovec *pieces, int count, size_t *ret_len);
/* Whether a read would give bytes that the loop does not know of. */
bool transport_has_pending(const struct transport *transport);
/* Ends the stream to the client; reading goes on. */
void transport_end(struct transport *transport);
/* Makes the coming close throw away what the kernel still holds for a client that does not read. */
void transport_give_up(struct transport *transport);
void transport_close(struct transport *transport);
