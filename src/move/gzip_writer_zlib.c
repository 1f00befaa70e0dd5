#include "move/gzip_writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { LEVEL = 6, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip_writer {
    z_stream stream;
};

struct gzip_writer *gzip_writer_new(void)
{
    struct gzip_writer *writer = calloc(1, sizeof *writer);
    if (writer && deflateInit2(&writer->stream, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return writer;
    free(writer);
    return NULL;
}

void gzip_writer_free(struct gzip_writer *writer)
{
    if (writer)
        (void)deflateEnd(&writer->stream);
    free(writer);
}

static uInt bytes_at_once(size_t len)
{
    return len > UINT32_MAX ? UINT32_MAX : (uInt)len;
}

bool gzip_writer_step(struct gzip_writer *writer, struct span *in, bool is_last, char *out, size_t capacity, size_t *ret_written)
{
    z_stream *stream = &writer->stream;
    uInt in_len = bytes_at_once(in->len), out_len = bytes_at_once(capacity);
    bool whole = in_len == in->len;
    /* The library only reads through next_in; its type lacks the const. */
    stream->next_in = (Bytef *)(uintptr_t)in->ptr;
    stream->avail_in = in_len;
    stream->next_out = (Bytef *)out;
    stream->avail_out = out_len;
    int result = deflate(stream, is_last && whole ? Z_FINISH : Z_NO_FLUSH);
    *in = span_from(*in, in_len - stream->avail_in);
    *ret_written = out_len - stream->avail_out;
    return is_last ? result == Z_STREAM_END : in->len == 0 && stream->avail_out > 0;
}
