/*
 * shape_write: a request struct back as JSON, the inverse of shape_read.
 *
 * A table's definition is kept as the CreateTable request that would make the table as it is now: it is read, changed in C, and
 * written again. Members that were not given are left out. Pure.
 */
#pragma once

#include "base/buf.h"
#include "gateway/shape.h"

/* `structure` is the struct of this shape; the buffer's sticky error is asked for by the caller. */
void shape_write(const struct shape *shape, const void *structure, struct buf *buf);
