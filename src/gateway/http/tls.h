/*
 * tls: the server's side of TLS (OpenSSL) on non-blocking sockets: TLS 1.2 and 1.3, ALPN http/1.1, no renegotiation.
 *
 * Certificate chain and key come from PEM files and are read again once these have changed: connections that are open go on with
 * what they began with. What cannot be used leaves the old in place and is an error once, until the files change again.
 * A tls_files serves all threads; a session belongs to its connection's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { TLS_RECORD_BYTES = 16 * 1024 };

struct tls_files;
struct tls_session;

/* Errors: LF_NOT_FOUND, LF_IO (a file), LF_TLS (what is in it: no certificate, a key of another, a passphrase), LF_MEMORY. */
enum lf_code tls_files_open(const char *certificate_path, const char *key_path, struct tls_files **ret_files,
                            struct err *err) MUST_CHECK;
void tls_files_close(struct tls_files *files); /* NULL is fine */

/* Reads the files again if they have changed since they were last read. Errors: as tls_files_open. */
enum lf_code tls_files_reload(struct tls_files *files, bool *ret_changed, struct err *err) MUST_CHECK;

enum tls_state {
    TLS_DONE,        /* `ret_len` bytes, more than 0 */
    TLS_WAITS_READ,  /* until the socket can be read */
    TLS_WAITS_WRITE, /* until it can be written */
    TLS_ENDED,       /* the other side has ended its stream properly */
    TLS_BROKEN,      /* it has not, or does not speak TLS with us */
};

/* The handshake happens within the first reads. `fd` stays the caller's. Errors: LF_MEMORY. */
enum lf_code tls_session_new(struct tls_files *files, int fd, struct tls_session **ret_session, struct err *err) MUST_CHECK;
void tls_session_free(struct tls_session *session); /* NULL is fine */

enum tls_state tls_read(struct tls_session *session, char *data, size_t size, size_t *ret_len);
/* A write that has to wait is repeated with the same bytes at the same place of the stream; more may follow them. */
enum tls_state tls_write(struct tls_session *session, const char *data, size_t len, size_t *ret_len);
/* Whether bytes have been deciphered that the socket will not announce again. */
bool tls_has_pending(const struct tls_session *session);
/* Tells the other side that no more comes. */
void tls_end(struct tls_session *session);
