#include "codec/utf8.h"

#include <stdint.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The length of the valid character at `at`, 0 when there is none. Table 3-7 of the Unicode Standard: only the second byte's
 * range depends on the first. */
static size_t character_bytes(const unsigned char *at, size_t available)
{
    unsigned first = at[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    size_t need = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (need > available)
        return 0;
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if (!is_continuation(at[i]))
            return 0;
    return need;
}

/* The first byte from `at` that is not ASCII, eight at a time while that many are left. */
static const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end)
{
    for (uint64_t word; end - at >= (ptrdiff_t)sizeof word; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (at < end && *at < 0x80)
        at++;
    return at;
}

size_t utf8_invalid_at(struct span text)
{
    if (text.len == 0)
        return 0;
    const unsigned char *start = (const unsigned char *)text.ptr;
    const unsigned char *end = start + text.len;
    const unsigned char *at = start;
    while ((at = skip_ascii(at, end)) < end) {
        size_t bytes = character_bytes(at, (size_t)(end - at));
        if (bytes == 0)
            break;
        at += bytes;
    }
    return (size_t)(at - start);
}

struct span utf8_cut(struct span text, size_t bytes_max)
{
    if (text.len <= bytes_max)
        return text;
    size_t len = bytes_max;
    while (len > 0 && is_continuation((unsigned char)text.ptr[len]))
        len--;
    return span_of(text.ptr, len);
}

size_t utf8_encode(unsigned code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t bytes = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, code_point >>= 6)
        out[i] = (char)(0x80 | (code_point & 0x3F));
    static const unsigned char lead[] = { [2] = 0xC0, [3] = 0xE0, [4] = 0xF0 };
    out[0] = (char)(lead[bytes] | code_point);
    return bytes;
}
