#include "gateway/http/parser.h"

#include <strings.h>

/* tchar of RFC 9110: what names and methods are made of. */
static const bool token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1,
    ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1,  ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
    ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,  ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1,
    ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,  ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1,
    ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,  ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,
    ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,  ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,
    ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,  ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

enum { SPACE = ' ', TAB = '\t', DELETE = 0x7F };

static enum lf_code refuse(struct http_parser *parser, int status, const char *why, struct err *err)
{
    parser->status = status;
    bool is_limit = status == 413 || status == 414 || status == 431;
    return ERR_AT(err, is_limit ? LF_LIMIT : LF_SYNTAX, parser->at, "%s", why);
}

/* Characters ---------------------------------------------------------------------------------------------------------------- */

static size_t token_len(struct span text)
{
    size_t len = 0;
    while (len < text.len && token_chars[(unsigned char)text.ptr[len]])
        len++;
    return len;
}

static bool is_text_char(unsigned char c)
{
    return (c >= SPACE && c != DELETE) || c == TAB;
}

/* Whether one of eight bytes is a control character: below 0x20, or 0x7F. Bytes from 0x80 on are not. */
static bool has_control(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t low = (bytes - ones * SPACE) & ~bytes;
    uint64_t flipped = bytes ^ ones * DELETE;
    uint64_t deletes = (flipped - ones) & ~flipped;
    return ((low | deletes) & highs) != 0;
}

/* What a field's value or a chunk's extension may hold: no control character but the tab. */
static bool is_text(struct span text)
{
    size_t at = 0;
    for (; text.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t bytes;
        memcpy(&bytes, text.ptr + at, sizeof bytes);
        if (!has_control(bytes))
            continue;
        for (size_t i = at; i < at + sizeof bytes; i++)
            if (!is_text_char((unsigned char)text.ptr[i]))
                return false;
    }
    for (; at < text.len; at++)
        if (!is_text_char((unsigned char)text.ptr[at]))
            return false;
    return true;
}

static struct span trim(struct span text)
{
    while (text.len && (text.ptr[0] == SPACE || text.ptr[0] == TAB))
        text = span_from(text, 1);
    while (text.len && (text.ptr[text.len - 1] == SPACE || text.ptr[text.len - 1] == TAB))
        text.len--;
    return text;
}

static bool equals(struct span text, struct span lower)
{
    return text.len == lower.len && strncasecmp(text.ptr, lower.ptr, text.len) == 0;
}

static struct http_piece piece_of(const char *data, struct span span)
{
    return (struct http_piece){ .at = (uint32_t)(span.ptr - data), .len = (uint32_t)span.len };
}

/* Request line -------------------------------------------------------------------------------------------------------------- */

/* "/path?query", or the absolute form that a proxy sends. */
static enum lf_code take_target(struct http_parser *parser, const char *data, struct span target, struct err *err)
{
    if (span_starts_with(target, SPAN("http://")) || span_starts_with(target, SPAN("https://"))) {
        struct span authority = span_from(target, target.ptr[4] == 's' ? 8 : 7);
        target = span_from(authority, span_find_byte(authority, '/'));
    }
    if (!target.len || target.ptr[0] != '/')
        return refuse(parser, 400, "the target of a request is a path", err);
    size_t path_len = span_find_byte(target, '?');
    parser->path = piece_of(data, span_of(target.ptr, path_len));
    parser->query = piece_of(data, span_from(target, path_len + 1));
    return LF_OK;
}

static enum lf_code take_version(struct http_parser *parser, struct span version, struct err *err)
{
    if (span_equal(version, SPAN("HTTP/1.1")))
        return LF_OK;
    if (span_equal(version, SPAN("HTTP/1.0"))) {
        parser->is_http_1_0 = true;
        return LF_OK;
    }
    bool is_other = version.len == 8 && span_starts_with(version, SPAN("HTTP/")) && version.ptr[6] == '.';
    return refuse(parser, is_other ? 505 : 400, "not HTTP/1.1 or HTTP/1.0", err);
}

static enum lf_code take_request_line(struct http_parser *parser, const char *data, struct span line, struct err *err)
{
    struct span method = span_of(line.ptr, token_len(line));
    struct span rest = span_from(line, method.len + 1);
    size_t target_len = span_find_byte(rest, SPACE);
    if (!method.len || method.len >= line.len || line.ptr[method.len] != SPACE || target_len >= rest.len || !is_text(line))
        return refuse(parser, 400, "not a request line", err);
    struct span target = span_of(rest.ptr, target_len);
    if (span_find_byte(target, TAB) < target.len)
        return refuse(parser, 400, "not a request line", err);
    TRY(take_version(parser, span_from(rest, target_len + 1), err));
    parser->is_head = span_equal(method, SPAN("HEAD"));
    if (!parser->is_head && !span_equal(method, SPAN("POST")) && !span_equal(method, SPAN("GET")))
        return refuse(parser, 501, "only GET, HEAD and POST are served", err);
    parser->method = piece_of(data, method);
    return take_target(parser, data, target, err);
}

/* Headers ------------------------------------------------------------------------------------------------------------------- */

static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

static enum lf_code take_length(struct http_parser *parser, struct span value, struct err *err)
{
    uint64_t length = 0;
    if (parser->has_length)
        return refuse(parser, 400, "Content-Length is given twice", err);
    if (!value.len)
        return refuse(parser, 400, "Content-Length is not a number", err);
    for (size_t i = 0; i < value.len; i++) {
        int digit = digit_value(value.ptr[i]);
        if (digit < 0)
            return refuse(parser, 400, "Content-Length is not a number", err);
        /* What is too large already only has its other digits checked. */
        if (length <= parser->body_bytes_max)
            length = length * 10 + (unsigned)digit;
    }
    parser->has_length = true;
    parser->left = length;
    return LF_OK;
}

static enum lf_code take_coding(struct http_parser *parser, struct span value, struct err *err)
{
    if (parser->is_chunked)
        return refuse(parser, 400, "Transfer-Encoding is given twice", err);
    if (!equals(value, SPAN("chunked")))
        return refuse(parser, 501, "a Transfer-Encoding other than chunked", err);
    parser->is_chunked = true;
    return LF_OK;
}

static void take_connection(struct http_parser *parser, struct span value)
{
    while (value.len) {
        struct span option = trim(span_cut(&value, ','));
        parser->closes = parser->closes || equals(option, SPAN("close"));
        parser->stays = parser->stays || equals(option, SPAN("keep-alive"));
    }
}

static enum lf_code take_expectation(struct http_parser *parser, struct span value, struct err *err)
{
    if (!equals(value, SPAN("100-continue")))
        return refuse(parser, 417, "an expectation other than 100-continue", err);
    parser->expects_continue = !parser->is_http_1_0;
    return LF_OK;
}

static enum lf_code take_host(struct http_parser *parser, struct err *err)
{
    if (parser->has_host)
        return refuse(parser, 400, "Host is given twice", err);
    parser->has_host = true;
    return LF_OK;
}

/* The fields that say how the request itself is to be read. Told apart by length first: few others are compared at all. */
static enum lf_code heed_field(struct http_parser *parser, struct span name, struct span value, struct err *err)
{
    switch (name.len) {
    case sizeof "host" - 1:
        return equals(name, SPAN("host")) ? take_host(parser, err) : LF_OK;
    case sizeof "expect" - 1:
        return equals(name, SPAN("expect")) ? take_expectation(parser, value, err) : LF_OK;
    case sizeof "connection" - 1:
        if (equals(name, SPAN("connection")))
            take_connection(parser, value);
        return LF_OK;
    case sizeof "content-length" - 1:
        return equals(name, SPAN("content-length")) ? take_length(parser, value, err) : LF_OK;
    case sizeof "transfer-encoding" - 1:
        return equals(name, SPAN("transfer-encoding")) ? take_coding(parser, value, err) : LF_OK;
    default:
        return LF_OK;
    }
}

static enum lf_code split_field(struct http_parser *parser, struct span line, struct span *ret_name, struct span *ret_value,
                                struct err *err)
{
    if (line.ptr[0] == SPACE || line.ptr[0] == TAB)
        return refuse(parser, 400, "a header is folded over two lines", err);
    struct span name = span_of(line.ptr, token_len(line));
    if (!name.len || name.len == line.len || line.ptr[name.len] != ':')
        return refuse(parser, 400, "not a header: a name, a colon, a value", err);
    struct span value = span_from(line, name.len + 1);
    if (!is_text(value))
        return refuse(parser, 400, "a control character in a header", err);
    *ret_name = name;
    *ret_value = trim(value);
    return LF_OK;
}

static enum lf_code take_field(struct http_parser *parser, const char *data, struct span line, struct err *err)
{
    struct span name = { 0 }, value = { 0 };
    TRY(split_field(parser, line, &name, &value, err));
    if (parser->field_count == HTTP_HEADERS_MAX)
        return refuse(parser, 431, "too many headers", err);
    parser->fields[parser->field_count++] = (struct http_field){ .name = piece_of(data, name), .value = piece_of(data, value) };
    return heed_field(parser, name, value, err);
}

/* What the headers say together. */
static enum lf_code end_head(struct http_parser *parser, struct err *err)
{
    if (!parser->has_host && !parser->is_http_1_0)
        return refuse(parser, 400, "Host is missing", err);
    if (parser->is_chunked && parser->has_length)
        return refuse(parser, 400, "Content-Length beside Transfer-Encoding", err);
    if (parser->is_chunked && parser->is_http_1_0)
        return refuse(parser, 400, "Transfer-Encoding in HTTP/1.0", err);
    if (parser->left > parser->body_bytes_max)
        return refuse(parser, 413, "the body is too large", err);
    parser->keeps_alive = !parser->closes && (!parser->is_http_1_0 || parser->stays);
    parser->body.at = (uint32_t)parser->at;
    parser->stage = parser->is_chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
    return LF_OK;
}

/* Chunks -------------------------------------------------------------------------------------------------------------------- */

static enum lf_code count_between(struct http_parser *parser, size_t bytes, struct err *err)
{
    parser->between_chunks += bytes;
    return parser->between_chunks > HTTP_HEAD_BYTES ? refuse(parser, 431, "too much between chunks", err) : LF_OK;
}

static enum lf_code take_chunk_size(struct http_parser *parser, struct span line, struct err *err)
{
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.len && span_hex_digit(line.ptr[digits]) >= 0; digits++) {
        if (digits == 16)
            return refuse(parser, 400, "the size of a chunk has more than 16 digits", err);
        size = size << 4 | (unsigned)span_hex_digit(line.ptr[digits]);
    }
    struct span extension = span_from(line, digits);
    if (!digits || (extension.len && extension.ptr[0] != ';') || !is_text(extension))
        return refuse(parser, 400, "not the size of a chunk", err);
    TRY(count_between(parser, extension.len, err));
    if (size > parser->body_bytes_max - parser->body.len)
        return refuse(parser, 413, "the body is too large", err);
    parser->left = size;
    parser->stage = size ? HTTP_CHUNK_DATA : HTTP_TRAILERS;
    return LF_OK;
}

static enum lf_code take_trailer(struct http_parser *parser, struct span line, struct err *err)
{
    struct span name = { 0 }, value = { 0 };
    return split_field(parser, line, &name, &value, err);
}

/* Moves what is there of a chunk to the end of the body; whether that was all of it. */
static bool take_chunk_data(struct http_parser *parser, char *data, size_t len)
{
    size_t have = len - parser->at;
    size_t part = have < parser->left ? have : (size_t)parser->left;
    memmove(data + parser->body.at + parser->body.len, data + parser->at, part);
    parser->body.len += (uint32_t)part;
    parser->at += part;
    parser->left -= part;
    if (!parser->left)
        parser->stage = HTTP_CHUNK_END;
    return !parser->left;
}

static bool take_body(struct http_parser *parser, size_t len)
{
    if (len - parser->at < parser->left)
        return false;
    parser->body.len = (uint32_t)parser->left;
    parser->at += (size_t)parser->left;
    parser->stage = HTTP_COMPLETE;
    return true;
}

/* Lines --------------------------------------------------------------------------------------------------------------------- */

/* How far the line that begins at `at` may reach. */
static size_t line_end_max(const struct http_parser *parser)
{
    switch (parser->stage) {
    case HTTP_CHUNK_SIZE:
        return parser->at + HTTP_CHUNK_LINE_BYTES;
    case HTTP_CHUNK_END:
        return parser->at + 2;
    case HTTP_TRAILERS:
        return parser->at + HTTP_HEAD_BYTES - parser->between_chunks;
    default:
        return HTTP_HEAD_BYTES;
    }
}

static enum lf_code line_too_long(struct http_parser *parser, struct err *err)
{
    switch (parser->stage) {
    case HTTP_BEFORE_REQUEST:
    case HTTP_REQUEST_LINE:
        return refuse(parser, 414, "the request line is too long", err);
    case HTTP_CHUNK_SIZE:
    case HTTP_CHUNK_END:
        return refuse(parser, 400, "a chunk is not as long as it says, or its extensions are too long", err);
    default:
        return refuse(parser, 431, "the headers are too long", err);
    }
}

/* The line that begins at `at`, without its CRLF; `at` goes behind it. False when it has not all come yet. */
static enum lf_code next_line(struct http_parser *parser, const char *data, size_t len, struct span *ret_line, bool *ret_whole,
                              struct err *err)
{
    size_t end_max = line_end_max(parser);
    size_t end = len < end_max ? len : end_max;
    size_t from = parser->searched > parser->at ? parser->searched : parser->at;
    const char *newline = from < end ? memchr(data + from, '\n', end - from) : NULL;
    *ret_whole = newline != NULL;
    if (!newline) {
        parser->searched = end;
        return len >= end_max ? line_too_long(parser, err) : LF_OK;
    }
    struct span line = span_of(data + parser->at, (size_t)(newline - data) - parser->at);
    if (!line.len || line.ptr[line.len - 1] != '\r')
        return refuse(parser, 400, "a line does not end with CR LF", err);
    line.len--;
    parser->at = (size_t)(newline - data) + 1;
    *ret_line = line;
    return LF_OK;
}

static enum lf_code take_line(struct http_parser *parser, const char *data, struct span line, struct err *err)
{
    switch (parser->stage) {
    case HTTP_BEFORE_REQUEST:
        parser->stage = HTTP_REQUEST_LINE;
        if (!line.len)
            return LF_OK;
        /* fall through */
    case HTTP_REQUEST_LINE:
        parser->stage = HTTP_HEADERS;
        return take_request_line(parser, data, line, err);
    case HTTP_HEADERS:
        return line.len ? take_field(parser, data, line, err) : end_head(parser, err);
    case HTTP_CHUNK_SIZE:
        return take_chunk_size(parser, line, err);
    case HTTP_CHUNK_END:
        parser->stage = HTTP_CHUNK_SIZE;
        return line.len ? refuse(parser, 400, "a chunk is longer than it says", err) : LF_OK;
    case HTTP_TRAILERS:
        TRY(count_between(parser, line.len + 2, err));
        if (line.len)
            return take_trailer(parser, line, err);
        parser->stage = HTTP_COMPLETE;
        return LF_OK;
    default:
        return LF_OK;
    }
}

/* Requests ------------------------------------------------------------------------------------------------------------------ */

void http_parser_init(struct http_parser *parser, size_t body_bytes_max)
{
    memset(parser, 0, offsetof(struct http_parser, fields));
    size_t behind = offsetof(struct http_parser, field_count);
    memset((char *)parser + behind, 0, sizeof *parser - behind);
    /* Places are of 32 bits. */
    parser->body_bytes_max = body_bytes_max < INT32_MAX ? body_bytes_max : INT32_MAX;
}

enum lf_code http_parse(struct http_parser *parser, char *data, size_t len, bool *ret_complete, struct err *err)
{
    bool goes_on = true;
    while (goes_on && parser->stage != HTTP_COMPLETE) {
        struct span line = { 0 };
        if (parser->stage == HTTP_BODY) {
            goes_on = take_body(parser, len);
        } else if (parser->stage == HTTP_CHUNK_DATA) {
            goes_on = take_chunk_data(parser, data, len);
        } else {
            TRY(next_line(parser, data, len, &line, &goes_on, err));
            if (goes_on)
                TRY(take_line(parser, data, line, err));
        }
    }
    parser->consumed = parser->at;
    *ret_complete = parser->stage == HTTP_COMPLETE;
    return LF_OK;
}

size_t http_parser_compact(struct http_parser *parser, char *data, size_t len)
{
    if (parser->stage <= HTTP_BODY || parser->stage == HTTP_COMPLETE)
        return len;
    size_t body_end = (size_t)parser->body.at + parser->body.len;
    size_t gap = parser->at - body_end;
    memmove(data + body_end, data + parser->at, len - parser->at);
    parser->at -= gap;
    parser->searched = parser->at;
    return len - gap;
}
