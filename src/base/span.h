/*
 * span: a run of bytes that somebody else owns.
 *
 * Strings inside Landfall are spans, not NUL-terminated: DynamoDB strings may hold U+0000. A span is two words, passed by
 * value; it never owns its bytes. Who does is said where the span is a member ("borrowed from the line", "in the arena").
 * `ptr` may be NULL only when `len` is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

/* The span of a string literal, without its terminator. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

static inline struct span span_of(const char *ptr, size_t len)
{
    return (struct span){ ptr, len };
}

/* The span of a C string; NULL gives the empty span. */
static inline struct span span_from_cstr(const char *cstr)
{
    return (struct span){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Order by bytes, as DynamoDB orders strings and binaries: negative, 0 or positive. A prefix comes first. */
int span_compare(struct span a, struct span b);

bool span_starts_with(struct span span, struct span prefix);
bool span_ends_with(struct span span, struct span suffix);

/* Index of the first `byte`, or span.len when there is none. */
size_t span_find_byte(struct span span, char byte);

/* The first position of `needle`, or haystack.len when there is none. An empty needle is found at 0. */
size_t span_find(struct span haystack, struct span needle);

/* From `start` to the end; `start` beyond the end gives the empty span. */
static inline struct span span_from(struct span span, size_t start)
{
    if (start > span.len)
        start = span.len;
    return (struct span){ start ? span.ptr + start : span.ptr, span.len - start };
}

/* Cuts off `rest` what comes before the first `end`, and `end`; the last piece need not have one. */
struct span span_cut(struct span *rest, char end);

/* The first line, without its newline. */
static inline struct span span_cut_line(struct span *rest)
{
    return span_cut(rest, '\n');
}

/* The number in decimal, at the end of `digits`. */
enum { SPAN_DIGITS_MAX = 20 };
struct span span_of_number(uint64_t number, char digits[SPAN_DIGITS_MAX]);
/* The number back. The caller vouches for the text: digits alone, as our own SQL gives them. */
int64_t span_to_number(struct span digits);

/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int span_hex_digit(char c)
{
    char lower = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* For printf: "%.*s", SPAN_ARG(span). */
#define SPAN_ARG(span) (int)(span).len, (span).ptr ? (span).ptr : ""
