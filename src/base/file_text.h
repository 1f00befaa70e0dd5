/* file_text: a small file (a manifest, table.json, a profile) read whole. */
#pragma once

#include "base/arena.h"

/* `path` is NUL-terminated; the text is in the arena. Errors: LF_NOT_FOUND, LF_IO, LF_LIMIT past `limit_bytes`, LF_MEMORY. */
enum lf_code file_text_read(struct span path, size_t limit_bytes, struct arena *arena, struct span *ret_text,
                            struct err *err) MUST_CHECK;
