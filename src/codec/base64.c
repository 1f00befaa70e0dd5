#include "codec/base64.h"

#include <stdint.h>

/* Sextet + 1 of each character of the alphabet; 0 where there is none. */
static const unsigned char sextets[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10,
    ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20,
    ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
    ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
    ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decodes the first `count` (2 to 4) characters of a group; the number of characters that were of the alphabet. */
static size_t decode_group(const char *text, size_t count, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char sextet = sextets[(unsigned char)text[i]];
        if (sextet == 0)
            return i;
        bits = bits << 6 | (sextet - 1u);
    }
    *ret_bits = bits << 6 * (4 - count);
    return count;
}

static size_t padding(struct span text)
{
    return span_ends_with(text, SPAN("==")) ? 2 : span_ends_with(text, SPAN("=")) ? 1 : 0;
}

static enum lf_code bad_byte(size_t at, struct err *err)
{
    return ERR_AT(err, LF_ITEM, at, "not base64: byte %zu is outside of the alphabet", at);
}

/* The last group when it is padded: `count` characters and `4 - count` equal signs. */
static enum lf_code decode_padded(struct span text, size_t at, size_t count, unsigned char *out, struct err *err)
{
    uint32_t bits = 0;
    size_t good = decode_group(text.ptr + at, count, &bits);
    if (good < count)
        return bad_byte(at + good, err);
    if (bits & (count == 2 ? 0xFFFFu : 0xFFu))
        return ERR_AT(err, LF_ITEM, at + count - 1, "not base64: stray bits before the padding at byte %zu", at + count - 1);
    for (size_t i = 0; i < count - 1; i++)
        out[i] = (unsigned char)(bits >> (16 - 8 * i));
    return LF_OK;
}

enum lf_code base64_decode(struct span text, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    if (text.len % 4)
        return ERR_AT(err, LF_ITEM, text.len, "not base64: %zu characters, not a multiple of 4", text.len);
    size_t padded = padding(text);
    size_t whole = padded ? text.len - 4 : text.len;
    size_t len = text.len / 4 * 3 - padded;
    unsigned char *bytes = arena_alloc(arena, len, err);
    if (!bytes)
        return err->code;
    unsigned char *out = bytes;
    for (size_t at = 0; at < whole; at += 4, out += 3) {
        uint32_t bits;
        size_t good = decode_group(text.ptr + at, 4, &bits);
        if (good < 4)
            return bad_byte(at + good, err);
        out[0] = (unsigned char)(bits >> 16);
        out[1] = (unsigned char)(bits >> 8);
        out[2] = (unsigned char)bits;
    }
    if (padded)
        TRY(decode_padded(text, whole, 4 - padded, out, err));
    *ret_bytes = span_of((char *)bytes, len);
    return LF_OK;
}

static void encode_group(uint32_t bits, char out[4])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = alphabet[bits >> (18 - 6 * i) & 63];
}

void base64_put(struct buf *buf, struct span bytes)
{
    size_t groups = bytes.len / 3, left = bytes.len % 3;
    if (bytes.len == 0 || !buf_reserve(buf, (groups + (left != 0)) * 4))
        return;
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    char *out = buf->data + buf->len;
    for (size_t i = 0; i < groups; i++, in += 3, out += 4)
        encode_group((uint32_t)(in[0] << 16 | in[1] << 8 | in[2]), out);
    if (left) {
        encode_group((uint32_t)(in[0] << 16 | (left == 2 ? in[1] << 8 : 0)), out);
        memset(out + left + 1, '=', 3 - left);
        out += 4;
    }
    buf->len = (size_t)(out - buf->data);
}
