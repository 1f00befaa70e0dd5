#include "expression/expression.h"

#include "reserved_words_gen.h"

enum { WORD_BYTES_MAX = sizeof "LOCALTIMESTAMP" - 1, CASE_BIT = 0x20, BUCKET_SHIFT = 22 };

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | CASE_BIT : c);
}

/* The hash of tools/gen_reserved_words.py. */
static size_t bucket_of(struct span name)
{
    uint32_t value = (uint32_t)name.len;
    for (size_t i = 0; i < name.len; i++)
        value = value * 31 + lower(name.ptr[i]);
    return value * 2654435761u >> BUCKET_SHIFT;
}

static bool is_word(struct span name, struct span word)
{
    if (name.len != word.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (lower(name.ptr[i]) != (unsigned char)word.ptr[i])
            return false;
    return true;
}

bool expression_is_reserved(struct span name)
{
    if (name.len < 2 || name.len > WORD_BYTES_MAX)
        return false;
    size_t bucket = bucket_of(name);
    for (size_t i = bucket_first[bucket]; i < bucket_first[bucket + 1]; i++)
        if (is_word(name, words[i]))
            return true;
    return false;
}
