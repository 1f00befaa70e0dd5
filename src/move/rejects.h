/*
 * rejects: the file of bad lines, or of bad records of binary Ion, each behind the symbol tables that it was written under.
 *
 * What counts is landfall.reject, written in the transactions of the chunks. The file is made from it at the end of a load, in
 * order of file and line, under another name and then renamed: whole or not at all, and the same after any number of resumptions.
 */
#pragma once

#include "pg/conn.h"

/* Whether such a file can be written; LF_IO before the load rather than behind it. */
enum lf_code rejects_check(const char *path, struct err *err) MUST_CHECK;

enum lf_code rejects_write(struct pg_conn *conn, int64_t load, const char *path, struct err *err) MUST_CHECK;
