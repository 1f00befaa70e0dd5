/*
 * gzip_engine: inflates one gzip member, over whichever library is there (gzip_isal.c: ISA-L, twice as fast; gzip_zlib.c: zlib).
 *
 * A step takes what it can from `in` (cutting it off the front) and writes what it can to `out`. One engine, one thread.
 */
#pragma once

#include "base/span.h"

struct gzip_engine;

enum gzip_step {
    GZIP_MORE,       /* wants more input or more room */
    GZIP_MEMBER_END, /* length and CRC were right; `in` begins behind the member */
    GZIP_DAMAGED,    /* bad header, bad data, wrong length or CRC */
};

/* NULL when out of memory. */
struct gzip_engine *gzip_engine_new(void);
void gzip_engine_free(struct gzip_engine *engine); /* NULL is fine */

/* For the next member. */
void gzip_engine_reset(struct gzip_engine *engine);

enum gzip_step gzip_engine_step(struct gzip_engine *engine, struct span *in, char *out, size_t capacity, size_t *ret_written);
