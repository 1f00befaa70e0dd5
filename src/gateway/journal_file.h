/*
 * journal_file: the file in which a gateway notes keys while PostgreSQL is away (journal.h).
 *
 *     FOLDER/gateway.journal:   "landfall journal 1 UUID\n"  record  record  …
 *     record:                   bytes of the fields (4)  CRC-32 of them (4)  fields      numbers are big-endian
 *     field:                    length (4)  bytes                                        table, h, sk, key as DynamoDB JSON
 *
 * A record counts when it is whole and all before it are: what a crash has torn was never promised to anybody. One process has
 * the file at a time (flock); its owner alone may read it. One thread at a time.
 */
#pragma once

#include "base/buf.h"

enum { JOURNAL_ID_BYTES = 37 };

struct journal_record {
    struct span table, h, sk, key;
};

struct journal_file;

/* Makes folder and file where there are none. Errors: LF_IO; LF_PRECONDITION when another process has it; LF_SOURCE when the file
 * is no journal. */
enum lf_code journal_file_open(const char *folder, struct journal_file **ret_file, struct err *err) MUST_CHECK;
void journal_file_close(struct journal_file *file); /* NULL is fine */

const char *journal_file_id(const struct journal_file *file);    /* a uuid, as long as the file lives */
const char *journal_file_place(const struct journal_file *file); /* "HOST:/FOLDER", for people */
const char *journal_file_folder(const struct journal_file *file);

typedef enum lf_code journal_visit(void *context, const struct journal_record *record, struct err *err);

/* All records, once, after opening. Errors: LF_IO, LF_MEMORY, the visitor's. */
enum lf_code journal_file_read(struct journal_file *file, journal_visit *visit, void *context, struct err *err) MUST_CHECK;

void journal_record_put(struct buf *buf, const struct journal_record *record);
/* Whole records, durable when it returns; after an error none of them counts, and the next try may succeed. LF_IO. */
enum lf_code journal_file_append(struct journal_file *file, struct span records, struct err *err) MUST_CHECK;

/* No record is needed any more. What cannot be cut off now stays, and harms nobody. */
void journal_file_clear(struct journal_file *file);
