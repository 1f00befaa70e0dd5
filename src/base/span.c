#include "base/span.h"

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool span_starts_with(struct span span, struct span prefix)
{
    return span.len >= prefix.len && (prefix.len == 0 || memcmp(span.ptr, prefix.ptr, prefix.len) == 0);
}

bool span_ends_with(struct span span, struct span suffix)
{
    return span.len >= suffix.len && span_starts_with(span_from(span, span.len - suffix.len), suffix);
}

size_t span_find_byte(struct span span, char byte)
{
    const char *found = span.len ? memchr(span.ptr, byte, span.len) : NULL;
    return found ? (size_t)(found - span.ptr) : span.len;
}

size_t span_find(struct span haystack, struct span needle)
{
    if (needle.len == 0)
        return 0;
    for (size_t at = 0; haystack.len - at >= needle.len;) {
        struct span rest = span_from(haystack, at);
        size_t candidate = at + span_find_byte(rest, needle.ptr[0]);
        if (haystack.len - candidate < needle.len)
            break;
        if (memcmp(haystack.ptr + candidate, needle.ptr, needle.len) == 0)
            return candidate;
        at = candidate + 1;
    }
    return haystack.len;
}

struct span span_cut(struct span *rest, char end)
{
    size_t len = span_find_byte(*rest, end);
    struct span piece = span_of(rest->ptr, len);
    *rest = span_from(*rest, len + 1);
    return piece;
}

struct span span_of_number(uint64_t number, char digits[SPAN_DIGITS_MAX])
{
    size_t at = SPAN_DIGITS_MAX;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return span_of(digits + at, SPAN_DIGITS_MAX - at);
}

int64_t span_to_number(struct span digits)
{
    int64_t number = 0;
    for (size_t i = 0; i < digits.len; i++)
        number = number * 10 + (digits.ptr[i] - '0');
    return number;
}
