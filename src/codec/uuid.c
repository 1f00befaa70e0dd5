#include "codec/uuid.h"

/* Where the text has its hyphens. */
static bool is_hyphen_place(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

/* -1 for what is no lower-case hexadecimal digit. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct span text, char ret_bytes[UUID_BYTES])
{
    if (text.len != UUID_TEXT_BYTES)
        return false;
    char bytes[UUID_BYTES];
    size_t at = 0;
    for (size_t i = 0; i < UUID_BYTES; i++, at += 2) {
        if (is_hyphen_place(at) && text.ptr[at++] != '-')
            return false;
        int high = hex_value(text.ptr[at]), low = hex_value(text.ptr[at + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (char)(high << 4 | low);
    }
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
