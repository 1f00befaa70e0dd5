#include "gateway/http/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* What tells whether a file is still the one that was read. */
struct file_version {
    struct timespec changed_at;
    off_t size;
    ino_t inode;
};

struct file_versions {
    struct file_version certificate, key;
};

struct tls_files {
    char *certificate_path, *key_path; /* owned */
    pthread_mutex_t lock;              /* guards what is below */
    SSL_CTX *context;                  /* owned; each session holds the one it began with */
    struct file_versions versions;     /* last read, with success or without */
};

struct tls_session {
    SSL *ssl;
};

/* Sockets as OpenSSL sees them ---------------------------------------------------------------------------------------------- *
 * Its own socket BIO writes by write(), which raises SIGPIPE when the other side is gone. */

static BIO_METHOD *socket_method;
static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;

static int socket_fd(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int socket_write(BIO *bio, const char *data, int len)
{
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(socket_fd(bio), data, (size_t)len, MSG_NOSIGNAL);
    if (sent < 0 && would_block())
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int socket_read(BIO *bio, char *data, int size)
{
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(socket_fd(bio), data, (size_t)size, 0);
    if (got < 0 && would_block())
        BIO_set_retry_read(bio);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static void make_socket_method(void)
{
    socket_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (!socket_method)
        return;
    (void)BIO_meth_set_write(socket_method, socket_write);
    (void)BIO_meth_set_read(socket_method, socket_read);
    (void)BIO_meth_set_ctrl(socket_method, socket_control);
}

static BIO *socket_bio(int fd)
{
    (void)pthread_once(&socket_method_once, make_socket_method);
    BIO *bio = socket_method ? BIO_new(socket_method) : NULL;
    if (bio) {
        BIO_set_data(bio, (void *)(intptr_t)fd);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* Files --------------------------------------------------------------------------------------------------------------------- */

static enum lf_code read_version(const char *path, struct file_version *ret_version, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path, strerror(errno));
    *ret_version = (struct file_version){ .changed_at = status.st_mtim, .size = status.st_size, .inode = status.st_ino };
    return LF_OK;
}

static enum lf_code read_versions(const struct tls_files *files, struct file_versions *ret_versions, struct err *err)
{
    TRY(read_version(files->certificate_path, &ret_versions->certificate, err));
    return read_version(files->key_path, &ret_versions->key, err);
}

static bool same_version(const struct file_version *a, const struct file_version *b)
{
    return a->changed_at.tv_sec == b->changed_at.tv_sec && a->changed_at.tv_nsec == b->changed_at.tv_nsec && a->size == b->size &&
           a->inode == b->inode;
}

static bool same_versions(const struct file_versions *a, const struct file_versions *b)
{
    return same_version(&a->certificate, &b->certificate) && same_version(&a->key, &b->key);
}

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "not as it should be";
}

/* A server cannot be asked for a passphrase. */
static int no_passphrase(char *text, int size, int is_write, void *context)
{
    (void)text, (void)size, (void)is_write, (void)context;
    return -1;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len, const unsigned char *offered,
                           unsigned offered_len, void *context)
{
    static const unsigned char http_1_1[] = "\x08http/1.1";
    (void)ssl, (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, ret_len, http_1_1, sizeof http_1_1 - 1, offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void set_rules(SSL_CTX *context)
{
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets resume; no cache for threads to share */
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

static enum lf_code fill_context(const struct tls_files *files, SSL_CTX *context, struct err *err)
{
    set_rules(context);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate_path) != 1)
        return ERR(err, LF_TLS, "%s: no certificate to serve with: %s", files->certificate_path, openssl_reason());
    if (SSL_CTX_use_PrivateKey_file(context, files->key_path, SSL_FILETYPE_PEM) != 1)
        return ERR(err, LF_TLS, "%s: no key for the certificate %s: %s", files->key_path, files->certificate_path,
                   openssl_reason());
    return LF_OK;
}

static enum lf_code read_context(const struct tls_files *files, SSL_CTX **ret_context, struct err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return ERR(err, LF_MEMORY, "cannot set up TLS: %s", openssl_reason());
    enum lf_code code = fill_context(files, context, err);
    if (code != LF_OK) {
        SSL_CTX_free(context);
        return code;
    }
    *ret_context = context;
    return LF_OK;
}

static enum lf_code reload_locked(struct tls_files *files, bool *ret_changed, struct err *err)
{
    struct file_versions versions = { 0 };
    SSL_CTX *context = NULL;
    TRY(read_versions(files, &versions, err));
    *ret_changed = !same_versions(&versions, &files->versions);
    if (!*ret_changed)
        return LF_OK;
    files->versions = versions;
    TRY(read_context(files, &context, err));
    SSL_CTX_free(files->context);
    files->context = context;
    return LF_OK;
}

enum lf_code tls_files_reload(struct tls_files *files, bool *ret_changed, struct err *err)
{
    (void)pthread_mutex_lock(&files->lock);
    enum lf_code code = reload_locked(files, ret_changed, err);
    (void)pthread_mutex_unlock(&files->lock);
    return code;
}

enum lf_code tls_files_open(const char *certificate_path, const char *key_path, struct tls_files **ret_files, struct err *err)
{
    bool changed;
    struct tls_files *files = calloc(1, sizeof *files);
    if (!files)
        return ERR(err, LF_MEMORY, "out of memory for TLS");
    (void)pthread_mutex_init(&files->lock, NULL);
    files->certificate_path = strdup(certificate_path);
    files->key_path = strdup(key_path);
    enum lf_code code = files->certificate_path && files->key_path ? tls_files_reload(files, &changed, err)
                                                                   : ERR(err, LF_MEMORY, "out of memory for TLS");
    if (code != LF_OK) {
        tls_files_close(files);
        return code;
    }
    *ret_files = files;
    return LF_OK;
}

void tls_files_close(struct tls_files *files)
{
    if (!files)
        return;
    SSL_CTX_free(files->context);
    (void)pthread_mutex_destroy(&files->lock);
    free(files->certificate_path);
    free(files->key_path);
    free(files);
}

/* Sessions ------------------------------------------------------------------------------------------------------------------ */

static SSL *new_ssl(struct tls_files *files)
{
    (void)pthread_mutex_lock(&files->lock);
    SSL *ssl = SSL_new(files->context);
    (void)pthread_mutex_unlock(&files->lock);
    return ssl;
}

enum lf_code tls_session_new(struct tls_files *files, int fd, struct tls_session **ret_session, struct err *err)
{
    struct tls_session *session = calloc(1, sizeof *session);
    BIO *bio = session ? socket_bio(fd) : NULL;
    SSL *ssl = bio ? new_ssl(files) : NULL;
    if (!ssl) {
        BIO_free(bio);
        free(session);
        return ERR(err, LF_MEMORY, "out of memory for a TLS session");
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    session->ssl = ssl;
    *ret_session = session;
    return LF_OK;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

static enum tls_state state_of(const struct tls_session *session, int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WAITS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WAITS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        return TLS_BROKEN;
    }
}

enum tls_state tls_read(struct tls_session *session, char *data, size_t size, size_t *ret_len)
{
    ERR_clear_error();
    int result = SSL_read(session->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
    if (result <= 0)
        return state_of(session, result);
    *ret_len = (size_t)result;
    return TLS_DONE;
}

enum tls_state tls_write(struct tls_session *session, const char *data, size_t len, size_t *ret_len)
{
    ERR_clear_error();
    int result = SSL_write(session->ssl, data, len < INT_MAX ? (int)len : INT_MAX);
    if (result <= 0)
        return state_of(session, result);
    *ret_len = (size_t)result;
    return TLS_DONE;
}

bool tls_has_pending(const struct tls_session *session)
{
    return SSL_pending(session->ssl) > 0;
}

void tls_end(struct tls_session *session)
{
    ERR_clear_error();
    if (SSL_is_init_finished(session->ssl))
        (void)SSL_shutdown(session->ssl);
}
