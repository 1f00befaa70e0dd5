/* files: whole small files written, folders removed (base/file_text.h reads). Every error names the path. */
#pragma once

#include "base/err.h"
#include "base/span.h"

/* Writes beside it and renames: the file is the old one or the new one, never half. Error: LF_IO. */
enum lf_code file_write(const char *path, struct span bytes, struct err *err) MUST_CHECK;

bool file_exists(const char *path);

/* Removes a folder and all that is in it; symbolic links are not followed. Error: LF_IO. */
enum lf_code folder_remove(const char *path, struct err *err) MUST_CHECK;
