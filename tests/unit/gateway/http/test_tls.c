#define _GNU_SOURCE /* memmem */
#include "../../base/unit.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live_server.h"

enum { DAY_SECONDS = 24 * 60 * 60, BIG = 500000 };

/* A private CA, and a folder with what it certifies. */
struct fixture {
    char folder[64];
    char certificate_path[128], key_path[128];
    EVP_PKEY *ca_key;
    X509 *ca;
    struct live_server live;
    struct tls_files *files;
    SSL_CTX *client;
};

/* Certificates -------------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* For 127.0.0.1, signed by `issuer`, or a CA when there is none. */
static X509 *new_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    (void)X509_set_version(certificate, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + (long)random_below(1000000));
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_SECONDS);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_SECONDS);
    (void)X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    if (issuer)
        add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1");
    else
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

static FILE *open_to_write(const char *path)
{
    (void)unlink(path); /* a new file, as those write who replace certificates */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = open_to_write(path);
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_256_cbc() : NULL;
    assert_int_equal(PEM_write_PrivateKey(file, key, cipher, (const unsigned char *)passphrase,
                                          passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                     1);
    (void)fclose(file);
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = open_to_write(path);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
}

/* A new certificate and key in the server's files. */
static void certify(struct fixture *f, const char *name)
{
    EVP_PKEY *key = new_key();
    X509 *certificate = new_certificate(name, key, f->ca, f->ca_key);
    write_certificate(f->certificate_path, certificate);
    write_key(f->key_path, key, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* Fixture ------------------------------------------------------------------------------------------------------------------- */

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/test_tls.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->certificate_path, sizeof f->certificate_path, "%s/certificate.pem", f->folder);
    (void)snprintf(f->key_path, sizeof f->key_path, "%s/key.pem", f->folder);
    f->ca_key = new_key();
    f->ca = new_certificate("Private CA", f->ca_key, NULL, f->ca_key);
    certify(f, "first");
    f->client = SSL_CTX_new(TLS_client_method());
    assert_non_null(f->client);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(f->client), f->ca), 1);
    SSL_CTX_set_verify(f->client, SSL_VERIFY_PEER, NULL);
}

static void tear_down(struct fixture *f)
{
    SSL_CTX_free(f->client);
    X509_free(f->ca);
    EVP_PKEY_free(f->ca_key);
    tls_files_close(f->files);
    (void)unlink(f->certificate_path);
    (void)unlink(f->key_path);
    (void)rmdir(f->folder);
}

static void start(struct fixture *f)
{
    struct err err = ERR_INIT;
    set_up(f);
    assert_ok(err, tls_files_open(f->certificate_path, f->key_path, &f->files, &err));
    live_options(&f->live);
    f->live.options.tls = f->files;
    live_start(&f->live);
}

static void end(struct fixture *f)
{
    live_end(&f->live);
    tear_down(f);
}

/* Client -------------------------------------------------------------------------------------------------------------------- */

static SSL *connect_tls(struct fixture *f)
{
    SSL *ssl = SSL_new(f->client);
    assert_non_null(ssl);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1");
    assert_int_equal(SSL_set_fd(ssl, live_connect(&f->live)), 1);
    return ssl;
}

static SSL *handshake(struct fixture *f)
{
    SSL *ssl = connect_tls(f);
    if (SSL_connect(ssl) != 1)
        fail_msg("no handshake: %s", ERR_reason_error_string(ERR_peek_last_error()));
    return ssl;
}

static void close_tls(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

static void write_tls(SSL *ssl, struct span bytes)
{
    if (bytes.len)
        assert_int_equal(SSL_write(ssl, bytes.ptr, (int)bytes.len), bytes.len);
}

static void read_tls(SSL *ssl, struct buf *bytes, size_t len)
{
    assert_true(buf_reserve(bytes, len));
    int got = SSL_read(ssl, bytes->data + bytes->len, (int)len);
    if (got <= 0)
        fail_msg("the answer ends after %zu bytes: %s", bytes->len, buf_cstr(bytes));
    bytes->len += (size_t)got;
}

/* Reads one answer and nothing of the next. */
static void expect_tls_answer(SSL *ssl, struct span body)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 24);
    while (!span_ends_with(buf_span(&bytes), SPAN("\r\n\r\n")))
        read_tls(ssl, &bytes, 1);
    size_t head_len = bytes.len;
    while (bytes.len < head_len + body.len)
        read_tls(ssl, &bytes, head_len + body.len - bytes.len);
    assert_true(span_starts_with(buf_span(&bytes), SPAN("HTTP/1.1 200 ")));
    assert_span(span_from(buf_span(&bytes), head_len), body);
    buf_done(&bytes);
}

static void name_of_server(SSL *ssl, char *name, int size)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    assert_non_null(certificate);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, size) > 0);
    X509_free(certificate);
}

static void put_request(struct buf *out, const char *path, struct span body)
{
    buf_printf(out, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path, body.len);
    buf_put_span(out, body);
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

static void test_requests_in_either_version(void **state)
{
    (void)state;
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        (void)SSL_CTX_set_min_proto_version(f.client, versions[i]);
        (void)SSL_CTX_set_max_proto_version(f.client, versions[i]);
        SSL *ssl = handshake(&f);
        assert_int_equal(SSL_version(ssl), versions[i]);
        for (int times = 0; times < 3; times++) {
            write_tls(ssl, SPAN("GET /big?5 HTTP/1.1\r\nHost: a\r\n\r\n"));
            expect_tls_answer(ssl, SPAN("bbbbb"));
        }
        close_tls(ssl);
    }
    end(&f);
}

/* Larger than records and buffers, pipelined, cut anywhere. */
static void test_large_bodies_there_and_back(void **state)
{
    (void)state;
    struct fixture f;
    struct buf sent;
    static char body[BIG];
    start(&f);
    random_bytes(body, sizeof body);
    buf_init(&sent, 1 << 24);
    put_request(&sent, "/echo", span_of(body, sizeof body));
    put_request(&sent, "/echo", SPAN("small"));
    put_request(&sent, "/echo", span_of(body, 20000));
    SSL *ssl = handshake(&f);
    struct span rest = buf_span(&sent);
    while (rest.len) {
        size_t len = 1 + random_below(40000);
        struct span piece = span_of(rest.ptr, len < rest.len ? len : rest.len);
        write_tls(ssl, piece);
        rest = span_from(rest, piece.len);
    }
    expect_tls_answer(ssl, span_of(body, sizeof body));
    expect_tls_answer(ssl, SPAN("small"));
    expect_tls_answer(ssl, span_of(body, 20000));
    close_tls(ssl);
    buf_done(&sent);
    end(&f);
}

/* A record of 16 KB behind a request that waits: its last bytes find no room in the buffer, and nobody tells of them again but
 * TLS itself. */
static void test_what_is_deciphered_is_not_forgotten(void **state)
{
    (void)state;
    struct fixture f;
    struct buf sent;
    static char body[TLS_RECORD_BYTES];
    start(&f);
    buf_init(&sent, 1 << 24);
    random_bytes(body, sizeof body);
    put_request(&sent, "/echo", span_of(body, 16000));
    struct span rest = span_of(body, TLS_RECORD_BYTES - (sent.len - 16000));
    buf_reset(&sent);
    put_request(&sent, "/echo", rest);
    assert_int_equal(sent.len, TLS_RECORD_BYTES);
    SSL *ssl = handshake(&f);
    write_tls(ssl, SPAN("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    live_await_waiting(&f.live, 1);
    write_tls(ssl, buf_span(&sent));
    close_tls(handshake(&f)); /* by then the server has read the record */
    live_release(&f.live);
    expect_tls_answer(ssl, SPAN("released "));
    expect_tls_answer(ssl, rest);
    close_tls(ssl);
    buf_done(&sent);
    end(&f);
}

static void test_a_client_that_ends_its_side_gets_its_answer(void **state)
{
    (void)state;
    struct fixture f;
    char byte;
    start(&f);
    SSL *ssl = handshake(&f);
    write_tls(ssl, SPAN("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(SSL_shutdown(ssl), 0);
    live_await_waiting(&f.live, 1);
    live_release(&f.live);
    expect_tls_answer(ssl, SPAN("released "));
    assert_int_equal(SSL_get_error(ssl, SSL_read(ssl, &byte, 1)), SSL_ERROR_ZERO_RETURN);
    close_tls(ssl);
    end(&f);
}

/* Handshakes ---------------------------------------------------------------------------------------------------------------- */

static void test_protocols_are_agreed(void **state)
{
    (void)state;
    struct fixture f;
    const unsigned char *chosen;
    unsigned len;
    start(&f);
    SSL *ssl = connect_tls(&f);
    (void)SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_int_equal(SSL_connect(ssl), 1);
    SSL_get0_alpn_selected(ssl, &chosen, &len);
    assert_span(span_of((const char *)chosen, len), SPAN("http/1.1"));
    close_tls(ssl);
    ssl = connect_tls(&f);
    (void)SSL_set_alpn_protos(ssl, (const unsigned char *)"\x02h2", 3);
    assert_true(SSL_connect(ssl) != 1);
    close_tls(ssl);
    end(&f);
}

static void test_who_does_not_speak_tls(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    (void)SSL_CTX_set_min_proto_version(f.client, TLS1_VERSION);
    (void)SSL_CTX_set_max_proto_version(f.client, TLS1_1_VERSION);
    SSL_CTX_set_security_level(f.client, 0);
    SSL *ssl = connect_tls(&f);
    assert_true(SSL_connect(ssl) != 1);
    close_tls(ssl);
    int fd = live_connect(&f.live);
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    char bytes[256];
    send_text(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(poll(&watched, 1, 20000), 1);
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        assert_null(memmem(bytes, (size_t)got, "HTTP/1.1", 8));
    (void)close(fd);
    end(&f);
    assert_int_equal(atomic_load(&f.live.handled), 0);
}

/* Only who trusts the CA accepts the certificate. */
static void test_the_certificate_is_the_ca_s(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    SSL_CTX *stranger = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(stranger, SSL_VERIFY_PEER, NULL);
    SSL_CTX *trusting = f.client;
    f.client = stranger;
    SSL *ssl = connect_tls(&f);
    assert_true(SSL_connect(ssl) != 1);
    close_tls(ssl);
    f.client = trusting;
    close_tls(handshake(&f));
    SSL_CTX_free(stranger);
    end(&f);
}

/* Files --------------------------------------------------------------------------------------------------------------------- */

static void test_files_are_read_again(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = ERR_INIT;
    bool changed = true;
    char name[64];
    start(&f);
    SSL *before = handshake(&f);
    assert_ok(err, tls_files_reload(f.files, &changed, &err));
    assert_false(changed);
    certify(&f, "second");
    assert_ok(err, tls_files_reload(f.files, &changed, &err));
    assert_true(changed);
    SSL *after = handshake(&f);
    name_of_server(after, name, sizeof name);
    assert_string_equal(name, "second");
    name_of_server(before, name, sizeof name);
    assert_string_equal(name, "first");
    write_tls(before, SPAN("GET /big?1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect_tls_answer(before, SPAN("b"));
    close_tls(before);
    close_tls(after);
    end(&f);
}

/* What cannot be used is an error once; what was there goes on. */
static void test_new_files_that_are_wrong(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = ERR_INIT;
    bool changed;
    char name[64];
    start(&f);
    EVP_PKEY *other = new_key();
    write_key(f.key_path, other, NULL);
    assert_code(err, LF_TLS, tls_files_reload(f.files, &changed, &err));
    assert_non_null(strstr(err.message, f.key_path));
    assert_ok(err, tls_files_reload(f.files, &changed, &err));
    assert_false(changed);
    (void)unlink(f.key_path);
    assert_code(err, LF_NOT_FOUND, tls_files_reload(f.files, &changed, &err));
    SSL *ssl = handshake(&f);
    name_of_server(ssl, name, sizeof name);
    assert_string_equal(name, "first");
    close_tls(ssl);
    certify(&f, "mended");
    assert_ok(err, tls_files_reload(f.files, &changed, &err));
    ssl = handshake(&f);
    name_of_server(ssl, name, sizeof name);
    assert_string_equal(name, "mended");
    close_tls(ssl);
    EVP_PKEY_free(other);
    end(&f);
}

static void test_files_that_cannot_be_used(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    set_up(&f);
    assert_code(err, LF_NOT_FOUND, tls_files_open("/nowhere/c.pem", f.key_path, &f.files, &err));
    assert_non_null(strstr(err.message, "/nowhere/c.pem"));
    assert_code(err, LF_NOT_FOUND, tls_files_open(f.certificate_path, "/nowhere/k.pem", &f.files, &err));
    assert_code(err, LF_TLS, tls_files_open(f.key_path, f.key_path, &f.files, &err));
    assert_code(err, LF_TLS, tls_files_open(f.certificate_path, f.certificate_path, &f.files, &err));
    EVP_PKEY *key = new_key();
    write_key(f.key_path, key, NULL);
    assert_code(err, LF_TLS, tls_files_open(f.certificate_path, f.key_path, &f.files, &err)); /* another's */
    write_key(f.key_path, key, "secret");
    assert_code(err, LF_TLS, tls_files_open(f.certificate_path, f.key_path, &f.files, &err));
    EVP_PKEY_free(key);
    tear_down(&f);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_in_either_version),
        cmocka_unit_test(test_large_bodies_there_and_back),
        cmocka_unit_test(test_what_is_deciphered_is_not_forgotten),
        cmocka_unit_test(test_a_client_that_ends_its_side_gets_its_answer),
        cmocka_unit_test(test_protocols_are_agreed),
        cmocka_unit_test(test_who_does_not_speak_tls),
        cmocka_unit_test(test_the_certificate_is_the_ca_s),
        cmocka_unit_test(test_files_are_read_again),
        cmocka_unit_test(test_new_files_that_are_wrong),
        cmocka_unit_test(test_files_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
