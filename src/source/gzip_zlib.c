#include "source/gzip_engine.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { WINDOW_BITS_GZIP = 15 + 16 }; /* the largest window; + 16 means a gzip header, not zlib's own */

struct gzip_engine {
    z_stream stream;
};

struct gzip_engine *gzip_engine_new(void)
{
    struct gzip_engine *engine = calloc(1, sizeof *engine);
    if (engine && inflateInit2(&engine->stream, WINDOW_BITS_GZIP) == Z_OK)
        return engine;
    free(engine);
    return NULL;
}

void gzip_engine_free(struct gzip_engine *engine)
{
    if (engine)
        (void)inflateEnd(&engine->stream);
    free(engine);
}

void gzip_engine_reset(struct gzip_engine *engine)
{
    (void)inflateReset(&engine->stream);
}

static uInt bytes_at_once(size_t len)
{
    return len > UINT_MAX ? UINT_MAX : (uInt)len;
}

enum gzip_step gzip_engine_step(struct gzip_engine *engine, struct span *in, char *out, size_t capacity, size_t *ret_written)
{
    z_stream *stream = &engine->stream;
    uInt in_len = bytes_at_once(in->len), out_len = bytes_at_once(capacity);
    /* The library only reads through next_in; its type lacks the const. */
    stream->next_in = (Bytef *)(uintptr_t)in->ptr;
    stream->avail_in = in_len;
    stream->next_out = (Bytef *)out;
    stream->avail_out = out_len;
    int result = inflate(stream, Z_NO_FLUSH);
    *in = span_from(*in, in_len - stream->avail_in);
    *ret_written = out_len - stream->avail_out;
    if (result == Z_STREAM_END)
        return GZIP_MEMBER_END;
    /* Z_BUF_ERROR only says that there was nothing to do without more input or room. */
    return result == Z_OK || result == Z_BUF_ERROR ? GZIP_MORE : GZIP_DAMAGED;
}
