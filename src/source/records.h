/*
 * records: the records of a chunk, one after the other, whichever format its file has: lines of text that are not blank, or
 * values of binary Ion. What is wrong with one record does not keep the next one from being read. One thread at a time.
 */
#pragma once

#include "source/ion_tables.h"
#include "source/source.h"

struct source_records {
    enum export_format format;
    struct span rest;         /* of the chunk, borrowed */
    uint64_t number;          /* of this record: of its line, or among the records of a file of binary Ion; from 1 */
    struct span bytes;        /* of this record */
    struct ion_tables tables; /* owned; in force here */
};

/* The chunk must stay as it is until source_records_done. */
void source_records_init(struct source_records *records, const struct source_chunk *chunk);
void source_records_done(struct source_records *records);

/* Goes to the next record, the first to begin with; *ret_end when there is none. LF_MEMORY only: source_next has looked at the
 * rest. */
enum lf_code source_records_next(struct source_records *records, bool *ret_end, struct err *err) MUST_CHECK;

/* This record as one of a full export, and as one of an incremental one. Strings are borrowed from the chunk, from `records`
 * until the next one, or in the arena. Errors as of export_read_item and ion_binary_read_record, with the offset in this record.
 */
enum lf_code source_records_item(const struct source_records *records, struct arena *arena, struct item *ret_item,
                                 struct err *err) MUST_CHECK;
enum lf_code source_records_change(const struct source_records *records, struct arena *arena, struct item_change *ret_change,
                                   struct err *err) MUST_CHECK;

/* This record's bytes so that they can be read alone: in binary Ion behind the symbol tables in force. */
enum lf_code source_records_verbatim(const struct source_records *records, struct arena *arena, struct span *ret_bytes,
                                     struct err *err) MUST_CHECK;

/* Puts the place of this record in front of the message: "file:number: byte N: ". */
enum lf_code source_records_name_place(const struct source_records *records, const struct source_file *file, struct err *err);
