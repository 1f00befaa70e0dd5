/* file_text: a small file (a manifest, table.json, a profile) read whole. */
#pragma once

#include "base/arena.h"

/* `path` is NUL-terminated; the text is in the arena. Errors: LF_NOT_FOUND, LF_IO, LF_LIMIT past `limit_bytes`, LF_MEMORY. */
enum lf_code file_text_read(struct span path, size_t limit_bytes, struct arena *arena, struct span *ret_text,
                            struct err *err) MUST_CHECK;

/* Whether there is such a regular file, and its size. LF_IO for what is neither there nor absent. */
enum lf_code file_text_size(struct span path, bool *ret_exists, int64_t *ret_bytes, struct err *err) MUST_CHECK;
