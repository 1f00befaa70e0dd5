#include "codec/json.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "codec/utf8.h"

enum json_state {
    STATE_VALUE,        /* a value must come */
    STATE_VALUE_OR_END, /* behind '[' */
    STATE_NAME,         /* behind ',' in an object */
    STATE_NAME_OR_END,  /* behind '{' */
    STATE_AFTER_VALUE,  /* ',' or the container's end must come */
    STATE_DONE,         /* the outermost value is complete */
};

enum { TAGGED_BEGIN_BYTES = 6 }; /* {"S":" */

void json_init(struct json_reader *reader, struct span text, struct arena *arena)
{
    const char *start = text.len ? text.ptr : "";
    reader->start = reader->pos = start;
    reader->end = start + text.len;
    reader->arena = arena;
    reader->depth = 0;
    reader->state = STATE_VALUE;
}

static enum lf_code syntax_error(const struct json_reader *reader, const char *expected, struct err *err)
{
    size_t at = json_offset(reader);
    if (reader->pos == reader->end)
        return ERR_AT(err, LF_SYNTAX, at, "expected %s, but the text ends at byte %zu", expected, at);
    unsigned char found = (unsigned char)*reader->pos;
    if (found < 0x20 || found > 0x7E)
        return ERR_AT(err, LF_SYNTAX, at, "expected %s at byte %zu, found byte 0x%02X", expected, at, found);
    return ERR_AT(err, LF_SYNTAX, at, "expected %s at byte %zu, found '%c'", expected, at, found);
}

static bool is_space(unsigned char byte)
{
    return byte <= ' ' && (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t');
}

static void skip_space(struct json_reader *reader)
{
    const char *pos = reader->pos;
    while (pos < reader->end && is_space((unsigned char)*pos))
        pos++;
    reader->pos = pos;
}

/* --- strings --- */

#define EACH_BYTE(byte) (0x0101010101010101u * (byte))

/* The top bit of each byte of `word` that is `byte`; bits above the lowest may be wrong, the lowest is exact. */
static uint64_t bytes_equal(uint64_t word, unsigned char byte)
{
    uint64_t zero_where_equal = word ^ EACH_BYTE((uint64_t)byte);
    return (zero_where_equal - EACH_BYTE(1u)) & ~zero_where_equal & EACH_BYTE(0x80u);
}

static uint64_t bytes_control(uint64_t word)
{
    return (word - EACH_BYTE(0x20u)) & ~word & EACH_BYTE(0x80u);
}

/* Where the first quote, backslash or control character of eight bytes is; 8 for none. */
static unsigned special_in_word(uint64_t word)
{
    word = le64toh(word);
    uint64_t special = bytes_equal(word, '"') | bytes_equal(word, '\\') | bytes_control(word);
    return special ? (unsigned)__builtin_ctzll(special) / 8 : (unsigned)sizeof word;
}

static bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

static const char *find_special_byte(const char *pos, const char *end, bool *is_ascii)
{
    unsigned char seen = 0;
    for (; pos < end && !is_special(*pos); pos++)
        seen |= (unsigned char)*pos;
    *is_ascii &= seen < 0x80;
    return pos;
}

/* As find_special, a word at a time; the last one ends where the text does, and has what was seen before in it. */
static const char *find_special_word(const char *pos, const char *end, bool *is_ascii)
{
    uint64_t seen = 0;
    unsigned at = sizeof(uint64_t);
    if (end - pos < (ptrdiff_t)sizeof(uint64_t))
        return find_special_byte(pos, end, is_ascii);
    while (pos < end && at == sizeof(uint64_t)) {
        uint64_t word;
        if (end - pos < (ptrdiff_t)sizeof word)
            pos = end - sizeof word;
        memcpy(&word, pos, sizeof word);
        seen |= word;
        at = special_in_word(word);
        pos += at;
    }
    *is_ascii &= (seen & EACH_BYTE(0x80u)) == 0;
    return pos;
}

#ifdef __SSE2__
/* Bit i says whether byte i is a quote, a backslash or a control character. */
static unsigned special_bits(__m128i bytes)
{
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}

/* The first quote, backslash or control character in [pos, end), or end. Clears *is_ascii when a byte on the way, or close behind
 * it, is not ASCII. */
static inline const char *find_special(const char *pos, const char *end, bool *is_ascii)
{
    unsigned high = 0;
    if (end - pos < (ptrdiff_t)sizeof(__m128i))
        return find_special_word(pos, end, is_ascii);
    while (pos < end) {
        pos = end - pos < (ptrdiff_t)sizeof(__m128i) ? end - sizeof(__m128i) : pos; /* the last block ends where the text does */
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)pos);
        unsigned special = special_bits(bytes);
        high |= (unsigned)_mm_movemask_epi8(bytes);
        if (special) {
            *is_ascii &= high == 0;
            return pos + __builtin_ctz(special);
        }
        pos += sizeof(__m128i);
    }
    *is_ascii &= high == 0;
    return end;
}
#else
#define find_special find_special_word
#endif

/* What lies between two quotes, escapes still in it. */
struct raw_string {
    struct span text;
    bool has_escapes;
    bool is_ascii; /* surely; false says only that it must be looked at */
};

/* Moves behind the closing quote. */
static enum lf_code scan_string(struct json_reader *reader, struct raw_string *ret_raw, struct err *err)
{
    const char *open = reader->pos++;
    bool has_escapes = false, is_ascii = true;
    for (;;) {
        reader->pos = find_special(reader->pos, reader->end, &is_ascii);
        if (reader->pos == reader->end)
            return ERR_AT(err, LF_SYNTAX, open - reader->start, "the string that begins at byte %td does not end",
                          open - reader->start);
        if (*reader->pos == '"')
            break;
        if (*reader->pos != '\\')
            return syntax_error(reader, "control characters to be escaped", err);
        has_escapes = true;
        reader->pos += reader->end - reader->pos > 1 ? 2 : 1;
    }
    *ret_raw = (struct raw_string){ span_of(open + 1, (size_t)(reader->pos - open - 1)), has_escapes, !has_escapes && is_ascii };
    reader->pos++;
    return LF_OK;
}

/* The code unit of `\uXXXX` at the start of `text`, -1 when it is none. */
static int code_unit(struct span text)
{
    if (text.len < 6 || text.ptr[0] != '\\' || text.ptr[1] != 'u')
        return -1;
    int unit = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = span_hex_digit(text.ptr[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The code point of one or two \u escapes at the start of `text` and how many bytes they take; -1: malformed or unpaired. */
static int escaped_code_point(struct span text, size_t *ret_bytes)
{
    int unit = code_unit(text);
    *ret_bytes = 6;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    int low = unit < 0xDC00 ? code_unit(span_from(text, 6)) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *ret_bytes = 12;
    return 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
}

/* The character that a backslash and `letter` stand for, 0 for none. */
static char short_escape(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Writes the escape at the start of `text` to `out`; the bytes it took of the text, 0 when it is malformed. */
static size_t unescape_one(struct span text, char *out, size_t *ret_written)
{
    char character;
    if (text.len > 1 && (character = short_escape(text.ptr[1]))) {
        *out = character;
        *ret_written = 1;
        return 2;
    }
    size_t bytes;
    int code_point = escaped_code_point(text, &bytes);
    if (code_point < 0)
        return 0;
    *ret_written = utf8_encode((unsigned)code_point, out);
    return bytes;
}

/* No escape is shorter than what it stands for, so the raw length is room enough. */
static enum lf_code unescape(struct json_reader *reader, struct span raw, struct span *ret_text, struct err *err)
{
    char *text = arena_alloc(reader->arena, raw.len, err);
    if (!text)
        return err->code;
    size_t len = 0;
    for (struct span rest = raw; rest.len;) {
        size_t plain = span_find_byte(rest, '\\');
        memcpy(text + len, rest.ptr, plain);
        len += plain;
        rest = span_from(rest, plain);
        if (rest.len == 0)
            break;
        size_t written;
        size_t taken = unescape_one(rest, text + len, &written);
        if (taken == 0)
            return ERR_AT(err, LF_SYNTAX, rest.ptr - reader->start, "malformed escape or lone surrogate at byte %td",
                          rest.ptr - reader->start);
        len += written;
        rest = span_from(rest, taken);
    }
    *ret_text = span_of(text, len);
    return LF_OK;
}

static enum lf_code check_utf8(const struct json_reader *reader, struct span raw, struct err *err)
{
    size_t invalid = utf8_invalid_at(raw);
    if (invalid == raw.len)
        return LF_OK;
    ptrdiff_t at = raw.ptr + invalid - reader->start;
    return ERR_AT(err, LF_SYNTAX, at, "invalid UTF-8 at byte %td", at);
}

/* A string with escapes or beyond ASCII, or without an end. */
static enum lf_code read_any_string(struct json_reader *reader, struct span *ret_text, struct err *err)
{
    struct raw_string raw;
    TRY(scan_string(reader, &raw, err));
    if (!raw.is_ascii)
        TRY(check_utf8(reader, raw.text, err));
    if (raw.has_escapes)
        return unescape(reader, raw.text, ret_text, err);
    *ret_text = raw.text;
    return LF_OK;
}

static inline enum lf_code read_string(struct json_reader *reader, struct span *ret_text, struct err *err)
{
    const char *text = reader->pos + 1;
    bool is_ascii = true;
    const char *end = find_special(text, reader->end, &is_ascii);
    if (end == reader->end || *end != '"' || !is_ascii)
        return read_any_string(reader, ret_text, err);
    *ret_text = span_of(text, (size_t)(end - text));
    reader->pos = end + 1;
    return LF_OK;
}

/* --- numbers and words --- */

/* Moves over digits; false when there is none. */
static bool skip_digits(struct json_reader *reader)
{
    const char *first = reader->pos;
    while (reader->pos < reader->end && *reader->pos >= '0' && *reader->pos <= '9')
        reader->pos++;
    return reader->pos > first;
}

static bool skip_byte(struct json_reader *reader, char byte)
{
    if (reader->pos == reader->end || *reader->pos != byte)
        return false;
    reader->pos++;
    return true;
}

static enum lf_code read_number(struct json_reader *reader, struct span *ret_text, struct err *err)
{
    const char *first = reader->pos;
    (void)skip_byte(reader, '-');
    if (!skip_byte(reader, '0') && !skip_digits(reader))
        return syntax_error(reader, "a digit", err);
    if (skip_byte(reader, '.') && !skip_digits(reader))
        return syntax_error(reader, "a digit behind the point", err);
    if (skip_byte(reader, 'e') || skip_byte(reader, 'E')) {
        (void)(skip_byte(reader, '+') || skip_byte(reader, '-'));
        if (!skip_digits(reader))
            return syntax_error(reader, "a digit of the exponent", err);
    }
    *ret_text = span_of(first, (size_t)(reader->pos - first));
    return LF_OK;
}

static enum lf_code read_word(struct json_reader *reader, struct span word, struct err *err)
{
    struct span rest = span_of(reader->pos, (size_t)(reader->end - reader->pos));
    if (!span_starts_with(rest, word))
        return syntax_error(reader, "a value", err);
    reader->pos += word.len;
    return LF_OK;
}

/* --- structure --- */

static void value_complete(struct json_reader *reader)
{
    reader->state = reader->depth ? STATE_AFTER_VALUE : STATE_DONE;
}

static enum lf_code open_container(struct json_reader *reader, bool is_object, struct err *err)
{
    size_t at = json_offset(reader);
    if (reader->depth == JSON_DEPTH_MAX)
        return ERR_AT(err, LF_LIMIT, at, "more than %d levels of nesting at byte %zu", JSON_DEPTH_MAX, at);
    reader->pos++;
    reader->is_object[reader->depth++] = is_object;
    reader->state = is_object ? STATE_NAME_OR_END : STATE_VALUE_OR_END;
    return LF_OK;
}

static void close_container(struct json_reader *reader, struct json_token *token)
{
    reader->pos++;
    reader->depth--;
    token->kind = reader->is_object[reader->depth] ? JSON_OBJECT_END : JSON_ARRAY_END;
    value_complete(reader);
}

static enum lf_code read_scalar(struct json_reader *reader, char first, struct json_token *token, struct err *err)
{
    switch (first) {
    case '"':
        token->kind = JSON_STRING;
        return read_string(reader, &token->text, err);
    case 't':
        token->kind = JSON_TRUE;
        return read_word(reader, SPAN("true"), err);
    case 'f':
        token->kind = JSON_FALSE;
        return read_word(reader, SPAN("false"), err);
    case 'n':
        token->kind = JSON_NULL;
        return read_word(reader, SPAN("null"), err);
    default:
        if (first != '-' && (first < '0' || first > '9'))
            return syntax_error(reader, "a value", err);
        token->kind = JSON_NUMBER;
        return read_number(reader, &token->text, err);
    }
}

static enum lf_code read_value(struct json_reader *reader, struct json_token *token, struct err *err)
{
    if (reader->pos == reader->end)
        return syntax_error(reader, "a value", err);
    char first = *reader->pos;
    if (first == '{' || first == '[') {
        token->kind = first == '{' ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
        return open_container(reader, first == '{', err);
    }
    TRY(read_scalar(reader, first, token, err));
    value_complete(reader);
    return LF_OK;
}

static enum lf_code read_colon(struct json_reader *reader, struct err *err)
{
    skip_space(reader);
    if (!skip_byte(reader, ':'))
        return syntax_error(reader, "':'", err);
    reader->state = STATE_VALUE;
    return LF_OK;
}

static enum lf_code read_name(struct json_reader *reader, struct json_token *token, struct err *err)
{
    if (reader->pos == reader->end || *reader->pos != '"')
        return syntax_error(reader, "a member's name", err);
    token->kind = JSON_NAME;
    TRY(read_string(reader, &token->text, err));
    return read_colon(reader, err);
}

static bool at_container_end(const struct json_reader *reader)
{
    return reader->pos < reader->end && *reader->pos == (reader->is_object[reader->depth - 1] ? '}' : ']');
}

/* Over the comma between two values of a container. */
static enum lf_code read_comma(struct json_reader *reader, struct err *err)
{
    bool in_object = reader->is_object[reader->depth - 1];
    if (!skip_byte(reader, ','))
        return syntax_error(reader, in_object ? "',' or '}'" : "',' or ']'", err);
    skip_space(reader);
    reader->state = in_object ? STATE_NAME : STATE_VALUE;
    return LF_OK;
}

static bool may_end(const struct json_reader *reader)
{
    return reader->state == STATE_AFTER_VALUE || reader->state == STATE_NAME_OR_END || reader->state == STATE_VALUE_OR_END;
}

static enum lf_code read_token(struct json_reader *reader, struct json_token *token, struct err *err)
{
    if (may_end(reader) && at_container_end(reader)) {
        close_container(reader, token);
        return LF_OK;
    }
    if (reader->state == STATE_AFTER_VALUE) {
        TRY(read_comma(reader, err));
        token->offset = json_offset(reader);
    }
    if (reader->state == STATE_NAME || reader->state == STATE_NAME_OR_END)
        return read_name(reader, token, err);
    if (reader->state == STATE_DONE)
        return syntax_error(reader, "nothing behind the value", err);
    return read_value(reader, token, err);
}

/* Whether a name comes next, behind nothing but the comma that must be there. */
static bool begins_name(const struct json_reader *reader)
{
    const char *pos = reader->pos;
    if (reader->end - pos < 2)
        return false;
    if (reader->state == STATE_AFTER_VALUE) /* so something is open */
        return pos[0] == ',' && pos[1] == '"' && reader->is_object[reader->depth - 1];
    return reader->state == STATE_NAME_OR_END && pos[0] == '"';
}

/* What read_token does with it, in one step. */
static enum lf_code read_close_name(struct json_reader *reader, struct json_token *ret_token, struct err *err)
{
    struct span text;
    reader->pos += *reader->pos == ',';
    size_t offset = json_offset(reader);
    TRY(read_string(reader, &text, err));
    TRY(read_colon(reader, err));
    *ret_token = (struct json_token){ .kind = JSON_NAME, .text = text, .offset = offset };
    return LF_OK;
}

enum lf_code json_next(struct json_reader *reader, struct json_token *ret_token, struct err *err)
{
    if (begins_name(reader))
        return read_close_name(reader, ret_token, err);
    skip_space(reader);
    struct json_token token = { .offset = json_offset(reader) };
    TRY(read_token(reader, &token, err));
    *ret_token = token;
    return LF_OK;
}

static bool is_among(char letter, const char *letters)
{
    while (*letters && *letters != letter)
        letters++;
    return *letters != '\0';
}

/* Whether `{"X":"` comes next, X being one of the letters. */
static bool begins_tagged(const struct json_reader *reader, const char *letters)
{
    const char *pos = reader->pos;
    return reader->end - pos > TAGGED_BEGIN_BYTES && pos[0] == '{' && pos[1] == '"' && is_among(pos[2], letters) &&
           pos[3] == '"' && pos[4] == ':' && pos[5] == '"';
}

enum lf_code json_next_tagged(struct json_reader *reader, const char *letters, char *ret_letter, struct json_token *ret_text,
                              struct err *err)
{
    *ret_letter = '\0';
    if (reader->state != STATE_VALUE || reader->depth == JSON_DEPTH_MAX || !begins_tagged(reader, letters))
        return LF_OK;
    const char *begin = reader->pos;
    reader->pos += TAGGED_BEGIN_BYTES - 1;
    struct json_token token = { .kind = JSON_STRING, .offset = json_offset(reader) };
    TRY(read_string(reader, &token.text, err));
    if (!skip_byte(reader, '}')) {
        reader->pos = begin;
        return LF_OK;
    }
    value_complete(reader);
    *ret_letter = begin[2];
    *ret_text = token;
    return LF_OK;
}

static const char *kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_OBJECT_BEGIN] = "an object",
        [JSON_OBJECT_END] = "the end of an object",
        [JSON_ARRAY_BEGIN] = "an array",
        [JSON_ARRAY_END] = "the end of an array",
        [JSON_NAME] = "a member's name",
        [JSON_STRING] = "a string",
        [JSON_NUMBER] = "a number",
        [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    return names[kind];
}

enum lf_code json_expect(struct json_reader *reader, enum json_kind kind, struct json_token *ret_token, struct err *err)
{
    struct json_token token;
    TRY(json_next(reader, &token, err));
    if (token.kind != kind)
        return ERR_AT(err, LF_SYNTAX, token.offset, "expected %s at byte %zu, found %s", kind_name(kind), token.offset,
                      kind_name(token.kind));
    *ret_token = token;
    return LF_OK;
}

enum lf_code json_skip(struct json_reader *reader, const struct json_token *first, struct err *err)
{
    if (first->kind != JSON_OBJECT_BEGIN && first->kind != JSON_ARRAY_BEGIN)
        return LF_OK;
    struct arena_mark mark = arena_mark(reader->arena);
    unsigned depth = reader->depth;
    while (reader->depth >= depth) {
        struct json_token token;
        TRY(json_next(reader, &token, err));
    }
    arena_rewind(reader->arena, mark);
    return LF_OK;
}

enum lf_code json_end(struct json_reader *reader, struct err *err)
{
    skip_space(reader);
    if (reader->state != STATE_DONE)
        return syntax_error(reader, "the rest of the value", err);
    if (reader->pos != reader->end)
        return syntax_error(reader, "nothing behind the value", err);
    return LF_OK;
}

/* --- writing --- */

static void put_escape(struct buf *buf, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        buf_put(buf, (char[]){ '\\', (char)byte }, 2);
        return;
    }
    buf_put(buf, (char[]){ '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] }, 6);
}

void json_put_string(struct buf *buf, struct span text)
{
    bool is_ascii = true;
    buf_put_byte(buf, '"');
    for (struct span rest = text; rest.len;) {
        size_t plain = (size_t)(find_special(rest.ptr, rest.ptr + rest.len, &is_ascii) - rest.ptr);
        buf_put(buf, rest.ptr, plain);
        if (plain < rest.len)
            put_escape(buf, (unsigned char)rest.ptr[plain]);
        rest = span_from(rest, plain + 1);
    }
    buf_put_byte(buf, '"');
}
