/*
 * stored_file: the bytes of a data file, inflated when its name ends in .gz, and the MD5 of the bytes as stored.
 *
 * A gzip file is one or more members and nothing else: bytes behind the last member, damage and a missing end are errors that
 * name the file and the compressed offset. One file, one thread at a time.
 */
#pragma once

#include <stdatomic.h>

#include "source/md5.h"
#include "source/tree.h"

struct stored_file;

/* `bytes_read` (borrowed) grows with every stored byte. Errors: those of the tree, LF_MEMORY. */
enum lf_code stored_file_open(struct tree *tree, struct span path, _Atomic int64_t *bytes_read, struct stored_file **ret_file,
                              struct err *err) MUST_CHECK;
void stored_file_close(struct stored_file *file); /* NULL is fine */

/* Some bytes, at most `capacity` (> 0); *ret_len 0 at the end. Errors: those of the tree, LF_TRUNCATED, LF_SOURCE. */
enum lf_code stored_file_read(struct stored_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err) MUST_CHECK;

/* After the end only, and once. */
void stored_file_md5(struct stored_file *file, char ret_base64[MD5_BASE64_BYTES + 1]);
