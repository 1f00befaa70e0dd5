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

/* --- ceiling --- */

enum { CODE_POINTS = 0x110000, SURROGATES = 0xD800, SURROGATES_END = 0xE000 };

static unsigned after_surrogates(unsigned code_point)
{
    return code_point >= SURROGATES && code_point < SURROGATES_END ? SURROGATES_END : code_point;
}

/* The least character that is not less than the bytes; CODE_POINTS when all are less. Characters are in the order of their bytes.
 */
static unsigned least_character(struct span bytes)
{
    unsigned low = 1, high = CODE_POINTS;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        char text[4];
        size_t len = utf8_encode(after_surrogates(middle), text);
        if (span_compare(span_of(text, len), bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return after_surrogates(low);
}

/* Of the last character of a valid text. */
static size_t last_character_at(struct span text)
{
    size_t at = text.len - 1;
    while (at > 0 && is_continuation((unsigned char)text.ptr[at]))
        at--;
    return at;
}

static enum lf_code join(struct span before, unsigned code_point, struct arena *arena, struct span *ret_text, struct err *err)
{
    char *text = arena_alloc(arena, before.len + 4, err);
    if (!text)
        return err->code;
    if (before.len)
        memcpy(text, before.ptr, before.len);
    *ret_text = span_of(text, before.len + utf8_encode(after_surrogates(code_point), text + before.len));
    return LF_OK;
}

enum lf_code utf8_ceiling(struct span bytes, struct arena *arena, struct span *ret_text, struct err *err)
{
    size_t valid = utf8_invalid_at(bytes), nul = bytes.len ? span_find_byte(bytes, '\0') : 0;
    struct span before = span_of(bytes.ptr, valid < nul ? valid : nul);
    *ret_text = bytes;
    if (before.len == bytes.len)
        return LF_OK;
    unsigned next = least_character(span_from(bytes, before.len));
    while (next == CODE_POINTS && before.len) {
        size_t at = last_character_at(before);
        next = least_character(span_from(before, at)) + 1;
        before.len = at;
    }
    if (next < CODE_POINTS)
        return join(before, next, arena, ret_text, err);
    *ret_text = span_of(NULL, 0);
    return LF_OK;
}
