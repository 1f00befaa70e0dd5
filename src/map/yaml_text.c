#include "map/yaml_text.h"

#include "base/limits.h"
#include "codec/utf8.h"

/* Words that YAML 1.1 or 1.2 reads as a boolean or null, in any case. */
static bool is_yaml_word(struct span text)
{
    static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t at = 0;
        while (at < text.len && words[i][at] && (text.ptr[at] | 0x20) == words[i][at])
            at++;
        if (at == text.len && words[i][at] == '\0')
            return true;
    }
    return false;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

/* [A-Za-z_][A-Za-z0-9_.()/-]*: starts like no number and holds no indicator. */
static bool is_plain(struct span text)
{
    if (text.len == 0 || !is_letter(text.ptr[0]) || is_yaml_word(text))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        char byte = text.ptr[i];
        if (!is_letter(byte) && !(byte >= '0' && byte <= '9') && !memchr(".()/-", byte, 5))
            return false;
    }
    return true;
}

/* The character at `at`: its length in bytes and its code point. A byte that is no character gives length 1 and U+FFFD. */
static size_t decode_character(struct span text, size_t at, unsigned *ret_code_point)
{
    static const unsigned char length_of_lead[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4 };
    unsigned char lead = (unsigned char)text.ptr[at];
    size_t len = length_of_lead[lead >> 4];
    *ret_code_point = lead;
    if (lead < 0x80)
        return 1;
    if (len > text.len - at || utf8_invalid_at(span_of(text.ptr + at, len)) < len) {
        *ret_code_point = 0xFFFD;
        return 1;
    }
    unsigned code_point = lead & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        code_point = code_point << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
    *ret_code_point = code_point;
    return len;
}

/* Characters that YAML forbids, breaks lines at, or that nobody would see. */
static bool is_hidden(unsigned code_point)
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0xA0) || code_point == 0x2028 || code_point == 0x2029 ||
           code_point == 0xFEFF || code_point == 0xFFFD || code_point == 0xFFFE || code_point == 0xFFFF;
}

static void put_escape(struct buf *buf, unsigned code_point)
{
    if (code_point == '\n')
        buf_put_cstr(buf, "\\n");
    else if (code_point == '\t')
        buf_put_cstr(buf, "\\t");
    else if (code_point < 0x100)
        buf_printf(buf, "\\x%02X", code_point);
    else
        buf_printf(buf, "\\u%04X", code_point);
}

void yaml_put_quoted(struct buf *buf, struct span text)
{
    buf_put_byte(buf, '"');
    for (size_t at = 0; at < text.len;) {
        unsigned code_point;
        size_t len = decode_character(text, at, &code_point);
        if (code_point == '"' || code_point == '\\')
            buf_put_byte(buf, '\\');
        if (is_hidden(code_point))
            put_escape(buf, code_point);
        else
            buf_put(buf, text.ptr + at, len);
        at += len;
    }
    buf_put_byte(buf, '"');
}

void yaml_put_scalar(struct buf *buf, struct span text)
{
    if (is_plain(text))
        buf_put_span(buf, text);
    else
        yaml_put_quoted(buf, text);
}

/* A key without "? " has at most 1,024 characters, and an escape makes four of one byte. */
void yaml_put_flow_key(struct buf *buf, struct span text)
{
    if (text.len > LIMIT_KEY_NAME_BYTES)
        buf_put_cstr(buf, "? ");
    yaml_put_scalar(buf, text);
    buf_put_cstr(buf, text.len > LIMIT_KEY_NAME_BYTES ? " : " : ": ");
}

void yaml_put_comment(struct buf *buf, struct span text)
{
    buf_put_cstr(buf, "# ");
    for (size_t at = 0; at < text.len;) {
        unsigned code_point;
        size_t len = decode_character(text, at, &code_point);
        if (code_point == '\n' || code_point == '\t')
            buf_put_byte(buf, ' ');
        else if (is_hidden(code_point) && code_point != 0xA0)
            buf_put_byte(buf, '?');
        else
            buf_put(buf, text.ptr + at, len);
        at += len;
    }
}
