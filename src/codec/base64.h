/* base64: RFC 4648 section 4, with padding, strict (no line breaks, no stray bits). Pure. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* Errors: LF_ITEM with the offset of the bad byte; LF_MEMORY. */
enum lf_code base64_decode(struct span text, struct arena *arena, struct span *ret_bytes, struct err *err) MUST_CHECK;

void base64_put(struct buf *buf, struct span bytes);
