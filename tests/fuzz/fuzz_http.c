/* HTTP: however a request is cut, it is read or refused alike; what is read lies inside its bytes and is written again the same.
 */
#include "fuzz.h"
#include "gateway/http/parser.h"

enum { BODY_MAX = 64 * 1024 };

struct outcome {
    struct http_parser parser;
    char *data;
    size_t len;
    bool is_complete;
    enum lf_code code;
};

/* The memory is exactly as large as what has come, so that a sanitizer sees a byte too many being read. */
static void feed(struct outcome *outcome, struct span piece)
{
    struct err err = ERR_INIT;
    char *moved = malloc(outcome->len + piece.len);
    CHECK(moved || outcome->len + piece.len == 0);
    if (outcome->len)
        memcpy(moved, outcome->data, outcome->len);
    if (piece.len)
        memcpy(moved + outcome->len, piece.ptr, piece.len);
    free(outcome->data);
    outcome->data = moved;
    outcome->len += piece.len;
    if (outcome->code == LF_OK && !outcome->is_complete)
        outcome->code = http_parse(&outcome->parser, outcome->data, outcome->len, &outcome->is_complete, &err);
    if (outcome->code == LF_OK)
        outcome->len = http_parser_compact(&outcome->parser, outcome->data, outcome->len);
    else
        CHECK(outcome->parser.status >= 400 && outcome->parser.status < 600);
}

/* In pieces of `piece_bytes`, the first one shorter. */
static void read_request(struct outcome *outcome, struct span text, size_t piece_bytes)
{
    *outcome = (struct outcome){ .data = NULL };
    http_parser_init(&outcome->parser, BODY_MAX);
    size_t len = piece_bytes > 1 ? text.len % piece_bytes : piece_bytes;
    for (; text.len; len = piece_bytes) {
        struct span piece = span_of(text.ptr, len < text.len ? len : text.len);
        feed(outcome, piece);
        text = span_from(text, piece.len);
    }
}

static void put_piece(struct buf *out, const struct outcome *outcome, struct http_piece piece)
{
    CHECK(piece.at <= outcome->len && piece.len <= outcome->len - piece.at);
    buf_put_span(out, http_piece_of(outcome->data, piece));
}

/* The request as a client would send it that knows its body. */
static void write_request(struct buf *out, const struct outcome *outcome)
{
    const struct http_parser *parser = &outcome->parser;
    put_piece(out, outcome, parser->method);
    buf_put_byte(out, ' ');
    put_piece(out, outcome, parser->path);
    buf_put_byte(out, '?');
    put_piece(out, outcome, parser->query);
    buf_put_cstr(out, parser->is_http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (size_t i = 0; i < parser->field_count; i++) {
        put_piece(out, outcome, parser->fields[i].name);
        buf_put_byte(out, ':');
        put_piece(out, outcome, parser->fields[i].value);
        buf_put_cstr(out, "\r\n");
    }
    buf_put_cstr(out, "\r\n");
    if (parser->is_chunked && parser->body.len)
        buf_printf(out, "%x\r\n", parser->body.len);
    put_piece(out, outcome, parser->body);
    if (parser->is_chunked)
        buf_put_cstr(out, parser->body.len ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    CHECK(a->code == b->code && a->is_complete == b->is_complete);
    if (a->code != LF_OK) {
        CHECK(a->parser.status == b->parser.status);
        return;
    }
    if (!a->is_complete)
        return;
    struct buf first, second;
    buf_init(&first, FUZZ_MEMORY_BYTES);
    buf_init(&second, FUZZ_MEMORY_BYTES);
    write_request(&first, a);
    write_request(&second, b);
    CHECK(span_equal(buf_span(&first), buf_span(&second)));
    CHECK(a->parser.keeps_alive == b->parser.keeps_alive && a->parser.expects_continue == b->parser.expects_continue);
    CHECK(a->len - a->parser.consumed == b->len - b->parser.consumed);
    buf_done(&second);
    buf_done(&first);
}

/* "?" behind the path and what follows a colon may make a head longer than it was; that alone may be refused. */
static void check_written_again(const struct outcome *outcome)
{
    struct outcome again;
    struct buf text, text_again;
    buf_init(&text, FUZZ_MEMORY_BYTES);
    buf_init(&text_again, FUZZ_MEMORY_BYTES);
    write_request(&text, outcome);
    read_request(&again, buf_span(&text), text.len + 1);
    if (again.code == LF_OK) {
        CHECK(again.is_complete && again.parser.consumed == again.len);
        write_request(&text_again, &again);
        CHECK(span_equal(buf_span(&text), buf_span(&text_again)));
    } else {
        CHECK(again.parser.status == 414 || again.parser.status == 431);
    }
    free(again.data);
    buf_done(&text_again);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_input(data, size);
    struct outcome whole, pieces;
    read_request(&whole, text, size + 1);
    size_t piece_bytes = size ? 1 + (size_t)data[size - 1] % 40 : 1;
    read_request(&pieces, text, piece_bytes);
    check_same(&whole, &pieces);
    if (whole.code == LF_OK && whole.is_complete)
        check_written_again(&whole);
    free(pieces.data);
    free(whole.data);
    return 0;
}
