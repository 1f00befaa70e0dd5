#include "source/gzip_engine.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct gzip_engine {
    struct inflate_state state;
};

struct gzip_engine *gzip_engine_new(void)
{
    struct gzip_engine *engine = malloc(sizeof *engine);
    if (!engine)
        return NULL;
    isal_inflate_init(&engine->state);
    engine->state.crc_flag = ISAL_GZIP;
    return engine;
}

void gzip_engine_free(struct gzip_engine *engine)
{
    free(engine);
}

void gzip_engine_reset(struct gzip_engine *engine)
{
    isal_inflate_reset(&engine->state);
    engine->state.crc_flag = ISAL_GZIP;
}

static uint32_t bytes_at_once(size_t len)
{
    return len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

enum gzip_step gzip_engine_step(struct gzip_engine *engine, struct span *in, char *out, size_t capacity, size_t *ret_written)
{
    struct inflate_state *state = &engine->state;
    uint32_t in_len = bytes_at_once(in->len), out_len = bytes_at_once(capacity);
    /* The library only reads through next_in; its type lacks the const. */
    state->next_in = (uint8_t *)(uintptr_t)in->ptr;
    state->avail_in = in_len;
    state->next_out = (uint8_t *)out;
    state->avail_out = out_len;
    int result = isal_inflate(state);
    *in = span_from(*in, in_len - state->avail_in);
    *ret_written = out_len - state->avail_out;
    if (result != ISAL_DECOMP_OK)
        return GZIP_DAMAGED;
    return state->block_state == ISAL_BLOCK_FINISH ? GZIP_MEMBER_END : GZIP_MORE;
}
