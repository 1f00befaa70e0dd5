#include "codec/uuid.h"

/* Where the text has its hyphens. */
static bool is_hyphen_place(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

/* Lower-case hexadecimal digits are their value, all other bytes have NO_DIGIT. */
enum { NO_DIGIT = 0x80 };
#define TIMES_8(x) x, x, x, x, x, x, x, x
#define TIMES_48(x) TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x)
static const unsigned char digits[256] = {
    TIMES_48(NO_DIGIT),
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9, /* up to '9', 57 */
    NO_DIGIT,
    NO_DIGIT,
    NO_DIGIT,
    NO_DIGIT,
    NO_DIGIT,
    NO_DIGIT,
    NO_DIGIT,
    TIMES_8(NO_DIGIT),
    TIMES_8(NO_DIGIT),
    TIMES_8(NO_DIGIT),
    TIMES_8(NO_DIGIT), /* up to 96 */
    10,
    11,
    12,
    13,
    14,
    15, /* 'a' to 'f', 97 to 102 */
    NO_DIGIT,
    TIMES_48(NO_DIGIT),
    TIMES_48(NO_DIGIT),
    TIMES_48(NO_DIGIT),
    TIMES_8(NO_DIGIT),
};
_Static_assert('0' == 48 && 'a' == 97, "the table is written for ASCII");

bool uuid_parse(struct span text, char ret_bytes[UUID_BYTES])
{
    if (text.len != UUID_TEXT_BYTES)
        return false;
    const unsigned char *in = (const unsigned char *)text.ptr;
    unsigned char bytes[UUID_BYTES];
    unsigned bad = 0;
    for (size_t i = 0; i < UUID_BYTES; i++, in += 2) {
        if (is_hyphen_place((size_t)(in - (const unsigned char *)text.ptr)))
            bad |= *in++ != '-' ? NO_DIGIT : 0;
        bad |= digits[in[0]] | digits[in[1]];
        bytes[i] = (unsigned char)(digits[in[0]] << 4 | digits[in[1]]);
    }
    if (bad & NO_DIGIT)
        return false;
    memcpy(ret_bytes, bytes, sizeof bytes);
    return true;
}

void uuid_format(const char bytes[UUID_BYTES], char out[UUID_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        if (is_hyphen_place(at))
            out[at++] = '-';
        unsigned char byte = (unsigned char)bytes[i];
        out[at++] = hex[byte >> 4];
        out[at++] = hex[byte & 15];
    }
}
