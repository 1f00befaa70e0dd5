/*
 * gzip_writer: deflates one gzip member, over whichever library is there (gzip_writer_isal.c: ISA-L level 1; gzip_writer_zlib.c:
 * zlib level 6).
 *
 * A step takes what it can from `in` (cutting it off the front) and writes what it can to `out`: repeat it until it says that it
 * is done. One writer, one thread.
 */
#pragma once

#include "base/span.h"

struct gzip_writer;

/* NULL when out of memory. */
struct gzip_writer *gzip_writer_new(void);
void gzip_writer_free(struct gzip_writer *writer); /* NULL is fine */

/* True when all of `in` is taken and written; with `is_last` also the end of the member. No more steps after that. */
bool gzip_writer_step(struct gzip_writer *writer, struct span *in, bool is_last, char *out, size_t capacity, size_t *ret_written);
