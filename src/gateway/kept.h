/*
 * kept: what a gateway keeps beside its journal, so that it can begin without PostgreSQL (docs/live.md, "Without PostgreSQL").
 *
 *     FOLDER/gateway.NAME:  "landfall kept 1 UUID\n"  hash of what follows (8)  note (8)  rows (pg/rows.h)
 *
 * UUID is the journal's: who has another journal has nothing to do with what the catalog says of this one. A file is replaced as
 * a whole, and on the disk when kept_write returns; its owner alone may read it. One thread at a time has a name.
 */
#pragma once

#include "gateway/journal.h"
#include "pg/conn.h"

enum { KEPT_BYTES_MAX = 256 * 1024 * 1024 };

/* `note`: a number that goes with the rows. Errors: LF_IO; LF_LIMIT over KEPT_BYTES_MAX; LF_MEMORY. */
enum lf_code kept_write(const struct journal *journal, const char *name, int64_t note, const struct pg_result *rows,
                        struct err *err) MUST_CHECK;
/* Errors: LF_NOT_FOUND when nothing was kept; LF_SOURCE when the file is not what was kept with this journal; LF_IO, LF_LIMIT,
 * LF_MEMORY. */
enum lf_code kept_read(const struct journal *journal, const char *name, int64_t *ret_note, struct pg_result **ret_rows,
                       struct err *err) MUST_CHECK;
/* Also after a crash nothing is kept any more. LF_IO. */
enum lf_code kept_forget(const struct journal *journal, const char *name, struct err *err) MUST_CHECK;
