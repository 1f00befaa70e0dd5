#include "move/gzip_writer.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct gzip_writer {
    struct isal_zstream stream;
    uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
};

struct gzip_writer *gzip_writer_new(void)
{
    struct gzip_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return NULL;
    isal_deflate_init(&writer->stream);
    writer->stream.level = 1;
    writer->stream.level_buf = writer->level_buffer;
    writer->stream.level_buf_size = sizeof writer->level_buffer;
    writer->stream.gzip_flag = IGZIP_GZIP;
    return writer;
}

void gzip_writer_free(struct gzip_writer *writer)
{
    free(writer);
}

static uint32_t bytes_at_once(size_t len)
{
    return len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

bool gzip_writer_step(struct gzip_writer *writer, struct span *in, bool is_last, char *out, size_t capacity, size_t *ret_written)
{
    struct isal_zstream *stream = &writer->stream;
    uint32_t in_len = bytes_at_once(in->len), out_len = bytes_at_once(capacity);
    bool whole = in_len == in->len;
    /* The library only reads through next_in; its type lacks the const. */
    stream->next_in = (uint8_t *)(uintptr_t)in->ptr;
    stream->avail_in = in_len;
    stream->next_out = (uint8_t *)out;
    stream->avail_out = out_len;
    stream->end_of_stream = is_last && whole;
    (void)isal_deflate(stream); /* fails on a wrong level or flush only, and these are constants */
    *in = span_from(*in, in_len - stream->avail_in);
    *ret_written = out_len - stream->avail_out;
    if (is_last)
        return stream->internal_state.state == ZSTATE_END;
    return in->len == 0 && stream->avail_out > 0;
}
