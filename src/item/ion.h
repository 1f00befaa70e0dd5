/*
 * ion: Amazon Ion 1.0, text and binary, as exports of DynamoDB hold it, read straight into items.
 *
 *     DynamoDB      S       N        BOOL  NULL  B     L     M       SS, NS, BS
 *     Ion           string  decimal  bool  null  blob  list  struct  list annotated $dynamodb_SS, $dynamodb_NS, $dynamodb_BS
 *
 * Sources: AWS, "DynamoDB table export output format: Amazon Ion" and the Amazon Ion specification. Whatever DynamoDB does not
 * write is refused rather than guessed at: ints and floats (its numbers are decimals), timestamps, symbols, clobs, s-expressions,
 * typed nulls, other annotations, shared symbol tables, symbols whose text is unknown. The rules and limits of ddbjson.h hold
 * here too. Errors carry the byte offset in the given span: LF_SYNTAX (not Ion), LF_ITEM (Ion that is no record), LF_LIMIT,
 * LF_MEMORY. Pure.
 *
 * Text: DynamoDB writes one record a line, `$ion_1_0 {Item:{…}}`, line breaks in strings escaped, so files are cut at newlines.
 * A record that goes over several lines is therefore an error (LF_SYNTAX, its text ends early), as are two on one line.
 *
 * Binary: a stream of values, each with its length in front. Version markers and local symbol tables stand among them and hold
 * for what follows; NOP padding may stand anywhere.
 *
 *     | E0 01 00 EA | symbol table | record | record | symbol table, appending | record | …
 */
#pragma once

#include "item/export_record.h"

enum {
    ION_SYMBOLS_MAX = 65536,               /* of a local symbol table */
    ION_SYMBOL_TABLE_BYTES = 1 << 20,      /* of the tables that make one up */
    ION_VALUE_BYTES_MAX = 4 * 1024 * 1024, /* of one record, as of a line */
};

/* A line of text: an optional version marker and one record. Strings are borrowed from the line or in the arena. */
enum lf_code ion_text_read_record(struct span line, struct arena *arena, struct export_record *ret_record,
                                  struct err *err) MUST_CHECK;

/* What stands at the top level of a binary stream. */
enum ion_entry {
    ION_INCOMPLETE,       /* more bytes are needed */
    ION_VERSION_MARKER,   /* forgets all local symbols */
    ION_SYMBOLS,          /* a local symbol table in place of the one before */
    ION_SYMBOLS_APPENDED, /* one that adds to it */
    ION_PADDING,
    ION_RECORD,
};

/*
 * What the bytes begin with, and its length. ION_INCOMPLETE (ret_len is not set) when they end before it does; at the end of a
 * file that means it is cut off. Errors: LF_SYNTAX, LF_LIMIT (longer than ION_VALUE_BYTES_MAX).
 */
enum lf_code ion_binary_next(struct span bytes, enum ion_entry *ret_entry, size_t *ret_len, struct err *err) MUST_CHECK;

/* The local symbols in force, from symbol 10 on; the nine before are Ion's own. */
struct ion_symbols {
    struct arena *arena; /* borrowed; the array is in it, texts are borrowed from the entries' bytes */
    struct span *texts;  /* ptr NULL: a symbol without known text */
    size_t count;
};

void ion_symbols_init(struct ion_symbols *symbols, struct arena *arena);

/* Takes in a version marker or symbol table, whole and alone in `bytes`. Errors: also LF_LIMIT over ION_SYMBOLS_MAX. */
enum lf_code ion_symbols_apply(struct ion_symbols *symbols, enum ion_entry entry, struct span bytes, struct err *err) MUST_CHECK;

/* A record, whole and alone in `bytes`. Strings are borrowed from the bytes and from the symbols. */
enum lf_code ion_binary_read_record(struct span bytes, const struct ion_symbols *symbols, struct arena *arena,
                                    struct export_record *ret_record, struct err *err) MUST_CHECK;
