#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_BYTES_MIN = 256 };

void buf_init(struct buf *buf, size_t limit_bytes)
{
    /* No object can be larger than PTRDIFF_MAX; with that, doubling and the byte behind the end cannot overflow. */
    *buf = (struct buf){ .limit = limit_bytes < PTRDIFF_MAX ? limit_bytes : PTRDIFF_MAX - 1 };
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){ .limit = buf->limit };
}

/* Doubled until it is enough, but never past the limit, where `need` is known to fit. */
static size_t buf_next_cap(const struct buf *buf, size_t need)
{
    size_t cap = buf->cap > BUF_BYTES_MIN ? buf->cap : BUF_BYTES_MIN;
    while (cap < buf->limit && cap - buf->len < need)
        cap *= 2;
    return cap < buf->limit ? cap : buf->limit;
}

bool buf_reserve_slow(struct buf *buf, size_t need)
{
    if (buf->failed)
        return false;
    if (need <= buf->cap - buf->len)
        return true;
    if (need > buf->limit - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t cap = buf_next_cap(buf, need);
    char *data = realloc(buf->data, cap + 1); /* and a NUL, see buf_cstr */
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0 && buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

const char *buf_cstr(struct buf *buf)
{
    if (buf->failed || !buf->data)
        return "";
    buf->data[buf->len] = '\0';
    return buf->data;
}

enum lf_code buf_check(const struct buf *buf, struct err *err)
{
    return buf->failed ? ERR(err, LF_MEMORY, "a buffer passed its limit of %zu bytes", buf->limit) : LF_OK;
}
