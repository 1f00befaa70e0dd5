#include "../../base/unit.h"

#include "base/buf.h"
#include "gateway/http/parser.h"

enum { BODY_MAX = 1000, MANY = 3000 };

/* A request read from bytes that come in pieces, into memory that moves with each. */
struct reading {
    struct http_parser parser;
    char *data; /* owned */
    size_t len;
    bool is_complete;
    enum lf_code code;
    struct err err;
};

static void begin_reading(struct reading *r)
{
    *r = (struct reading){ .err = ERR_INIT };
    memset(&r->parser, 0xA5, sizeof r->parser);
    http_parser_init(&r->parser, BODY_MAX);
}

static void end_reading(struct reading *r)
{
    free(r->data);
}

static void feed(struct reading *r, struct span piece)
{
    char *moved = malloc(r->len + piece.len + 1);
    assert_non_null(moved);
    if (r->len)
        memcpy(moved, r->data, r->len);
    if (piece.len)
        memcpy(moved + r->len, piece.ptr, piece.len);
    free(r->data);
    r->data = moved;
    r->len += piece.len;
    if (r->code == LF_OK && !r->is_complete)
        r->code = http_parse(&r->parser, r->data, r->len, &r->is_complete, &r->err);
    if (r->code == LF_OK)
        r->len = http_parser_compact(&r->parser, r->data, r->len);
}

static void put_piece(struct buf *out, const struct reading *r, struct http_piece piece)
{
    buf_put_byte(out, '[');
    buf_put_span(out, http_piece_of(r->data, piece));
    buf_put_byte(out, ']');
}

/* Everything that a caller may look at. */
static void describe(struct buf *out, const struct reading *r)
{
    const struct http_parser *p = &r->parser;
    buf_reset(out);
    if (r->code != LF_OK) {
        buf_printf(out, "refused %d: %s", p->status, r->err.message);
        return;
    }
    if (!r->is_complete) {
        buf_printf(out, "incomplete%s", http_parser_has_head(p) ? " with head" : "");
        return;
    }
    put_piece(out, r, p->method);
    put_piece(out, r, p->path);
    put_piece(out, r, p->query);
    for (size_t i = 0; i < p->field_count; i++) {
        put_piece(out, r, p->fields[i].name);
        put_piece(out, r, p->fields[i].value);
    }
    put_piece(out, r, p->body);
    buf_printf(out, "%s%s%s%s rest ", p->keeps_alive ? " stays" : " closes", p->expects_continue ? " expects" : "",
               p->is_head ? " head" : "", p->is_http_1_0 ? " 1.0" : "");
    buf_put_span(out, span_of(r->data + p->consumed, r->len - p->consumed));
}

static void read_whole(struct span text, struct buf *out)
{
    struct reading r;
    begin_reading(&r);
    feed(&r, text);
    describe(out, &r);
    end_reading(&r);
}

/* In pieces of 1 to `piece_max` bytes. */
static void read_in_pieces(struct span text, unsigned piece_max, struct buf *out)
{
    struct reading r;
    begin_reading(&r);
    for (size_t at = 0; at < text.len;) {
        size_t len = 1 + random_below(piece_max);
        struct span piece = span_from(text, at);
        piece.len = len < piece.len ? len : piece.len;
        feed(&r, piece);
        at += piece.len;
    }
    describe(out, &r);
    end_reading(&r);
}

static void read_cut_at(struct span text, size_t cut, struct buf *out)
{
    struct reading r;
    begin_reading(&r);
    feed(&r, span_of(text.ptr, cut));
    feed(&r, span_from(text, cut));
    describe(out, &r);
    end_reading(&r);
}

/* However it is cut, what comes out is the same. */
static void check_cuts(struct span text, struct span expected, size_t step)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t cut = 0; cut <= text.len; cut += step) {
        read_cut_at(text, cut, &out);
        assert_span(buf_span(&out), expected);
    }
    for (unsigned piece_max = 1; piece_max < 20; piece_max += 3) {
        read_in_pieces(text, piece_max, &out);
        assert_span(buf_span(&out), expected);
    }
    buf_done(&out);
}

static void reads_as(struct span text, struct span expected)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    read_whole(text, &out);
    assert_span(buf_span(&out), expected);
    check_cuts(text, expected, 1);
    buf_done(&out);
}

static void is_refused(struct span text, int status)
{
    struct buf out;
    struct reading r;
    buf_init(&out, 1 << 20);
    begin_reading(&r);
    feed(&r, text);
    if (r.code == LF_OK)
        fail_msg("accepted: %.*s", SPAN_ARG(text));
    assert_int_equal(r.parser.status, status);
    assert_int_equal(r.code, status == 413 || status == 414 || status == 431 ? LF_LIMIT : LF_SYNTAX);
    describe(&out, &r);
    check_cuts(text, buf_span(&out), text.len > 1000 ? 97 : 1);
    end_reading(&r);
    buf_done(&out);
}

/* Accepted ------------------------------------------------------------------------------------------------------------------ */

static void test_accepted(void **state)
{
    (void)state;
    reads_as(SPAN("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"), SPAN("[GET][/health][][Host][a][] stays rest "));
    reads_as(SPAN("HEAD /?a=b&c?d HTTP/1.1\r\nhost:a\r\n\r\nPOST"), SPAN("[HEAD][/][a=b&c?d][host][a][] stays head rest POST"));
    reads_as(SPAN("\r\nPOST / HTTP/1.1\r\nHOST: \t a b \t\r\nX:\r\ncontent-LENGTH: 003\r\n\r\nabcGET"),
             SPAN("[POST][/][][HOST][a b][X][][content-LENGTH][003][abc] stays rest GET"));
    reads_as(SPAN("POST http://h:1/p?q HTTP/1.1\r\nHost: h\r\nconnection: Foo , CLOSE\r\n\r\n"),
             SPAN("[POST][/p][q][Host][h][connection][Foo , CLOSE][] closes rest "));
    reads_as(SPAN("POST https://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), SPAN("[POST][/][][Host][h][] stays rest "));
    reads_as(SPAN("GET / HTTP/1.0\r\n\r\n"), SPAN("[GET][/][][] closes 1.0 rest "));
    reads_as(SPAN("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
             SPAN("[GET][/][][Connection][keep-alive][] stays 1.0 rest "));
    reads_as(SPAN("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\nExpect: 100-continue\r\n\r\n"),
             SPAN("[GET][/][][Connection][keep-alive, close][Expect][100-continue][] closes 1.0 rest "));
    reads_as(SPAN("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"),
             SPAN("[POST][/][][Host][a][Expect][100-Continue][Content-Length][1][x] stays expects rest "));
    reads_as(SPAN("GET /\x80\xff HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n"), SPAN("[GET][/\x80\xff][][Host][\xc3\xa4][] stays rest "));
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_IS "[POST][/][][Host][a][Transfer-Encoding][chunked]"

static void test_chunks(void **state)
{
    (void)state;
    reads_as(SPAN(CHUNKED "0\r\n\r\n"), SPAN(CHUNKED_IS "[] stays rest "));
    reads_as(SPAN(CHUNKED "3\r\nabc\r\n0\r\n\r\nnext"), SPAN(CHUNKED_IS "[abc] stays rest next"));
    reads_as(SPAN(CHUNKED "1\r\na\r\n00000000000000B\r\nbcdefgh\r\n\r\n\r\n0\r\n\r\n"),
             SPAN(CHUNKED_IS "[abcdefgh\r\n\r\n] stays rest "));
    reads_as(SPAN(CHUNKED "2;name=value;x=\"y\"\r\nab\r\n0000;z\r\nTrailer: one\r\nTwo:\r\n\r\nGET /"),
             SPAN(CHUNKED_IS "[ab] stays rest GET /"));
    reads_as(
        SPAN("POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING:CHUNKED\r\n\r\na\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        SPAN("[POST][/][][Host][a][TRANSFER-ENCODING][CHUNKED][01234567890123456789] stays rest "));
}

static void test_incomplete(void **state)
{
    (void)state;
    reads_as(SPAN(""), SPAN("incomplete"));
    reads_as(SPAN("\r\n"), SPAN("incomplete"));
    reads_as(SPAN("POST / HTTP/1.1\r\nHost: a\r\n\r"), SPAN("incomplete"));
    reads_as(SPAN("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1"), SPAN("incomplete with head"));
    reads_as(SPAN(CHUNKED), SPAN("incomplete with head"));
    reads_as(SPAN(CHUNKED "1\r\na\r\n0\r\n"), SPAN("incomplete with head"));
    reads_as(SPAN(CHUNKED "1\r\na\r\n0\r\nA: b\r\n"), SPAN("incomplete with head"));
}

/* Refused ------------------------------------------------------------------------------------------------------------------- */

static void test_request_lines_refused(void **state)
{
    (void)state;
    is_refused(SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
    is_refused(SPAN("GET / HTTP/1.1\nHost: a\n\n"), 400);
    is_refused(SPAN("\nGET / HTTP/1.1\r\n"), 400);
    is_refused(SPAN(" GET / HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET  / HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /  HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET / HTTP/1.1 \r\n"), 400);
    is_refused(SPAN("GET\t/ HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /\t HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /a\0b HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /a\rb HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /a\x7f HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET /\r\n"), 400);
    is_refused(SPAN("GET\r\n"), 400);
    is_refused(SPAN("/ HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET a HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET * HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET http://host HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET ftp://host/ HTTP/1.1\r\n"), 400);
    is_refused(SPAN("GET / http/1.1\r\n"), 400);
    is_refused(SPAN("GET / HTTP/1.1x\r\n"), 400);
    is_refused(SPAN("GET / HTTP/1\r\n"), 400);
    is_refused(SPAN("GET / HTTP/2.0\r\n"), 505);
    is_refused(SPAN("GET / HTTP/1.2\r\n"), 505);
    is_refused(SPAN("DELETE / HTTP/1.1\r\n"), 501);
    is_refused(SPAN("get / HTTP/1.1\r\n"), 501);
    is_refused(SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"), 400); /* TLS to a plain port */
}

#define HEAD_OF "POST / HTTP/1.1\r\nHost: a\r\n"

static void test_headers_refused(void **state)
{
    (void)state;
    is_refused(SPAN(HEAD_OF "A : b\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A\t: b\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF ": b\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\r\n c\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\r\n\tc\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\r\n\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\rc\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\r\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: b\0c\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: 0123456789\x01\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A: \x7f\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "A(): b\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "\xc3\xa4: b\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Host: a\r\n\r\n"), 400);
    is_refused(SPAN("GET / HTTP/1.1\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Expect: more\r\n\r\n"), 417);
}

static void test_lengths_refused(void **state)
{
    (void)state;
    is_refused(SPAN(HEAD_OF "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 1\r\ncontent-length: 2\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 1, 1\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: \r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: +1\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: -1\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 0x1\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 1 \x0b\r\n\r\na"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 99999999999999999999999999999999x\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Content-Length: 99999999999999999999999999999999\r\n\r\n"), 413);
    is_refused(SPAN(HEAD_OF "Content-Length: 18446744073709551616\r\n\r\n"), 413);
    is_refused(SPAN(HEAD_OF "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), 501);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: identity\r\n\r\n"), 501);
    is_refused(SPAN(HEAD_OF "Transfer-Encoding: xchunked\r\n\r\n"), 501);
    is_refused(SPAN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

static void test_chunks_refused(void **state)
{
    (void)state;
    is_refused(SPAN(CHUNKED "\r\n"), 400);
    is_refused(SPAN(CHUNKED "g\r\n"), 400);
    is_refused(SPAN(CHUNKED "0x1\r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "-1\r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED " 1\r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "1 \r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "1\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "1\r\na\n0\r\n\r\n"), 400);
    is_refused(SPAN(CHUNKED "1\r\nab\r\n0\r\n\r\n"), 400);
    is_refused(SPAN(CHUNKED "2\r\na\r\n0\r\n\r\n"), 400);
    is_refused(SPAN(CHUNKED "1;\x01\r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "00000000000000001\r\na\r\n"), 400);
    is_refused(SPAN(CHUNKED "ffffffffffffffff\r\n"), 413);
    is_refused(SPAN(CHUNKED "0\r\nA : b\r\n\r\n"), 400);
    is_refused(SPAN(CHUNKED "0\r\n a: b\r\n\r\n"), 400);
    is_refused(SPAN(CHUNKED "0\r\n\n"), 400);
}

/* Limits -------------------------------------------------------------------------------------------------------------------- */

static void put_repeated(struct buf *out, char c, size_t count)
{
    while (count--)
        buf_put_byte(out, c);
}

/* 0 when it is accepted. */
static int status_of(const struct buf *text, bool whole)
{
    struct reading r;
    begin_reading(&r);
    feed(&r, buf_span(text));
    int status = r.code == LF_OK ? 0 : r.parser.status;
    if (!status)
        assert_int_equal(r.is_complete, whole);
    end_reading(&r);
    if (status)
        is_refused(buf_span(text), status);
    return status;
}

static int status_of_head(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, HEAD_OF "X: ");
    put_repeated(&text, 'x', bytes - text.len - 4);
    buf_put_cstr(&text, "\r\n\r\n");
    assert_int_equal(text.len, bytes);
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

static int status_of_request_line(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, "GET /");
    put_repeated(&text, 'x', bytes - text.len - strlen(" HTTP/1.0\r\n"));
    buf_put_cstr(&text, " HTTP/1.0\r\n");
    assert_int_equal(text.len, bytes);
    int status = status_of(&text, false);
    buf_done(&text);
    return status;
}

static int status_of_headers(size_t count)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, HEAD_OF);
    for (size_t i = 1; i < count; i++)
        buf_printf(&text, "h%zu: v\r\n", i);
    buf_put_cstr(&text, "\r\n");
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

static int status_of_body(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, HEAD_OF "Content-Length: %zu\r\n\r\n", bytes);
    put_repeated(&text, 'x', bytes);
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

static int status_of_chunks(size_t first, size_t second)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, CHUNKED "%zx\r\n", first);
    put_repeated(&text, 'x', first);
    buf_printf(&text, "\r\n%zx\r\n", second);
    put_repeated(&text, 'x', second);
    buf_put_cstr(&text, "\r\n0\r\n\r\n");
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

static int status_of_chunk_line(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, CHUNKED "1;");
    put_repeated(&text, 'x', bytes - 4);
    buf_put_cstr(&text, "\r\na\r\n0\r\n\r\n");
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

/* Chunks of one byte whose extensions sum up to `bytes`. */
static int status_of_extensions(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, CHUNKED);
    while (bytes) {
        size_t part = bytes < 200 ? bytes : 200;
        buf_put_cstr(&text, "1;");
        put_repeated(&text, 'x', part - 1);
        buf_put_cstr(&text, "\r\na\r\n");
        bytes -= part;
    }
    int status = status_of(&text, false);
    buf_done(&text);
    return status;
}

static int status_of_trailers(size_t bytes)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_put_cstr(&text, CHUNKED "0\r\nT: ");
    put_repeated(&text, 'x', bytes - 7);
    buf_put_cstr(&text, "\r\n\r\n");
    int status = status_of(&text, true);
    buf_done(&text);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    for (int past = -1; past <= 1; past++) {
        assert_int_equal(status_of_head((size_t)(HTTP_HEAD_BYTES + past)), past > 0 ? 431 : 0);
        assert_int_equal(status_of_request_line((size_t)(HTTP_HEAD_BYTES + past)), past > 0 ? 414 : past == 0 ? 431 : 0);
        assert_int_equal(status_of_headers((size_t)(HTTP_HEADERS_MAX + past)), past > 0 ? 431 : 0);
        assert_int_equal(status_of_body((size_t)(BODY_MAX + past)), past > 0 ? 413 : 0);
        assert_int_equal(status_of_chunks(BODY_MAX - 1, (size_t)(1 + past)), past > 0 ? 413 : 0);
        assert_int_equal(status_of_chunk_line((size_t)(HTTP_CHUNK_LINE_BYTES + past)), past > 0 ? 400 : 0);
        assert_int_equal(status_of_extensions((size_t)(HTTP_HEAD_BYTES + past)), past > 0 ? 431 : 0);
        assert_int_equal(status_of_trailers((size_t)(HTTP_HEAD_BYTES + past)), past > 0 ? 431 : 0);
    }
}

/* Properties ---------------------------------------------------------------------------------------------------------------- */

static void put_random(struct buf *out, const char *alphabet, unsigned len_min, unsigned len_max)
{
    size_t letters = strlen(alphabet);
    for (unsigned len = len_min + random_below(len_max - len_min + 1); len; len--)
        buf_put_byte(out, alphabet[random_below((unsigned)letters)]);
}

static void put_random_bytes(struct buf *out, unsigned len_max)
{
    for (unsigned len = random_below(len_max + 1); len; len--)
        buf_put_byte(out, (char)random_u64());
}

/* As it is sent, in chunks of any size. */
static void put_chunks(struct buf *text, struct span body)
{
    while (body.len) {
        size_t part = 1 + random_below((unsigned)body.len);
        buf_printf(text, random_below(2) ? "%zx" : "%04zX", part);
        if (random_below(4) == 0)
            buf_put_cstr(text, ";a=b; c=\"d\"");
        buf_put_cstr(text, "\r\n");
        buf_put_span(text, span_of(body.ptr, part));
        buf_put_cstr(text, "\r\n");
        body = span_from(body, part);
    }
    buf_put_cstr(text, random_below(2) ? "0\r\n\r\n" : "000\r\nTrailer: x\r\n\r\n");
}

/* A random request and what `describe` must say of it, but for the rest. */
static void generate(struct buf *text, struct buf *expected, struct buf *scratch)
{
    static const char *const methods[] = { "GET", "POST", "HEAD" };
    const char *method = methods[random_below(3)];
    buf_reset(scratch);
    put_random(scratch, "abcXYZ019-._~%/", 0, 30);
    buf_printf(text, "%s /%s?q HTTP/1.1\r\nhost: h\r\n", method, buf_cstr(scratch));
    buf_printf(expected, "[%s][/%s][q][host][h]", method, buf_cstr(scratch));
    for (unsigned count = random_below(10); count; count--) {
        buf_reset(scratch);
        put_random(scratch, "!#abcdXYZ012345-_", 1, 20);
        buf_printf(text, "%s:", buf_cstr(scratch));
        buf_printf(expected, "[%s]", buf_cstr(scratch));
        put_random(text, " \t", 0, 3);
        buf_reset(scratch);
        buf_put_byte(scratch, 'v');
        put_random(scratch, "abc \t\"=,;:\xc3\xa4", 0, 40);
        buf_put_byte(scratch, 'v');
        buf_printf(text, "%s", buf_cstr(scratch));
        buf_printf(expected, "[%s]", buf_cstr(scratch));
        put_random(text, " \t", 0, 3);
        buf_put_cstr(text, "\r\n");
    }
    buf_reset(scratch);
    put_random_bytes(scratch, 200);
    if (random_below(2)) {
        buf_printf(text, "Content-Length: %zu\r\n\r\n", scratch->len);
        buf_printf(expected, "[Content-Length][%zu][", scratch->len);
        buf_put_span(text, buf_span(scratch));
    } else {
        buf_put_cstr(text, "Transfer-Encoding: chunked\r\n\r\n");
        buf_put_cstr(expected, "[Transfer-Encoding][chunked][");
        put_chunks(text, buf_span(scratch));
    }
    buf_put_span(expected, buf_span(scratch));
    buf_printf(expected, "] stays%s rest ", strcmp(method, "HEAD") == 0 ? " head" : "");
}

static void test_generated_requests(void **state)
{
    (void)state;
    struct buf text, expected, scratch, out;
    struct buf *all[] = { &text, &expected, &scratch, &out };
    for (int i = 0; i < 4; i++)
        buf_init(all[i], 1 << 20);
    for (unsigned i = 0; i < MANY; i++) {
        for (int b = 0; b < 4; b++)
            buf_reset(all[b]);
        generate(&text, &expected, &scratch);
        put_random(&text, "GET /\r\n", 0, 5); /* what came of the next one */
        read_whole(buf_span(&text), &out);
        assert_true(span_starts_with(buf_span(&out), buf_span(&expected)));
        buf_reset(&scratch);
        buf_put_span(&scratch, buf_span(&out));
        read_cut_at(buf_span(&text), random_below((unsigned)text.len), &out);
        assert_span(buf_span(&out), buf_span(&scratch));
        read_in_pieces(buf_span(&text), 1 + random_below(100), &out);
        /* Behind its end no byte was looked at, so the rest is what had come by then and later. */
        assert_span(buf_span(&out), buf_span(&scratch));
    }
    for (int i = 0; i < 4; i++)
        buf_done(all[i]);
}

/* A byte changed anywhere: refused or not, however it is cut, with the same result, and never read past the end. */
static void test_damaged_requests(void **state)
{
    (void)state;
    struct buf text, expected, scratch;
    buf_init(&text, 1 << 20);
    buf_init(&expected, 1 << 20);
    buf_init(&scratch, 1 << 20);
    for (unsigned i = 0; i < MANY; i++) {
        buf_reset(&text);
        buf_reset(&expected);
        generate(&text, &expected, &scratch);
        for (unsigned damages = 1 + random_below(3); damages; damages--)
            text.data[random_below((unsigned)text.len)] = "\r\n\0 \t:;0aZ\x7f\xff"[random_below(12)];
        read_whole(buf_span(&text), &expected);
        read_in_pieces(buf_span(&text), 1 + random_below(30), &scratch);
        assert_span(buf_span(&scratch), buf_span(&expected));
    }
    buf_done(&scratch);
    buf_done(&expected);
    buf_done(&text);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),           cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_incomplete),         cmocka_unit_test(test_request_lines_refused),
        cmocka_unit_test(test_headers_refused),    cmocka_unit_test(test_lengths_refused),
        cmocka_unit_test(test_chunks_refused),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_generated_requests), cmocka_unit_test(test_damaged_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
