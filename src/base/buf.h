/*
 * buf: a growing byte buffer with a sticky error.
 *
 *     | written ......... | room ........... |
 *     ^ data              ^ data + len       ^ data + cap
 *
 * Writers never fail visibly: when memory runs out or the cap is reached, `failed` is set, later writes do nothing, and the
 * caller asks once at the end with `buf_check`. Owned by one thread.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
    char *data; /* owned, malloc of cap + 1 bytes: a NUL always fits */
    size_t len;
    size_t cap;
    size_t limit; /* len never passes this */
    bool failed;
};

void buf_init(struct buf *buf, size_t limit_bytes);
void buf_done(struct buf *buf); /* frees; safe on a zeroed buf */
#define BUF_CLEANUP __attribute__((cleanup(buf_done)))

/* Empties it, keeps the memory, clears the sticky error. */
static inline void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

/* Makes room for `need` more bytes; false (and sticky) when that is not possible. */
bool buf_reserve_slow(struct buf *buf, size_t need);
static inline bool buf_reserve(struct buf *buf, size_t need)
{
    return (!buf->failed && need <= buf->cap - buf->len) || buf_reserve_slow(buf, need);
}

static inline void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    if (len && buf_reserve(buf, len)) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
}

static inline void buf_put_span(struct buf *buf, struct span span)
{
    buf_put(buf, span.ptr, span.len);
}

static inline void buf_put_byte(struct buf *buf, char byte)
{
    if (buf_reserve(buf, 1))
        buf->data[buf->len++] = byte;
}

static inline void buf_put_cstr(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* What has been written; valid until the next write. */
static inline struct span buf_span(const struct buf *buf)
{
    return span_of(buf->data, buf->len);
}

/* The text as a C string: a NUL is put behind the last byte and not counted. "" when the buffer failed. */
const char *buf_cstr(struct buf *buf);

/* LF_MEMORY when any write since the last reset failed. */
enum lf_code buf_check(const struct buf *buf, struct err *err) MUST_CHECK;
