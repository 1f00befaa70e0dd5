/* files: whole small files, read and written. Every error names the path. */
#pragma once

#include "base/arena.h"

/* Errors: LF_NOT_FOUND, LF_IO, LF_LIMIT (more than `limit_bytes`), LF_MEMORY. */
enum lf_code file_read(const char *path, size_t limit_bytes, struct arena *arena, struct span *ret_bytes,
                       struct err *err) MUST_CHECK;

/* Writes beside it and renames: the file is the old one or the new one, never half. Error: LF_IO. */
enum lf_code file_write(const char *path, struct span bytes, struct err *err) MUST_CHECK;

bool file_exists(const char *path);

/* Removes a folder and all that is in it; symbolic links are not followed. Error: LF_IO. */
enum lf_code folder_remove(const char *path, struct err *err) MUST_CHECK;
