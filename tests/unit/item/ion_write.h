/*
 * ion_write: items as Ion, text and binary, for the tests of the readers. A small writer of its own: it shares nothing with them.
 *
 * The generator chooses among the ways the same value can be written: names bare or in quotes, long strings in several segments,
 * escapes, white space and comments, exponents; in binary sorted structs, padding, leading zeros of coefficients.
 */
#pragma once

#include "base/buf.h"
#include "generate.h"

/* {Item:{…}}, without a line break. */
void ion_write_text(struct buf *buf, struct generator *generator, const struct item *item);

/* Names that were given numbers so far, from symbol 10 on. */
enum { ION_WRITE_NAMES_MAX = 4096 };
struct ion_names {
    struct span names[ION_WRITE_NAMES_MAX];
    size_t count;
    size_t declared; /* of them, in a symbol table that was written */
};

/* A version marker or, with names not declared yet, a symbol table that appends them; then the record. */
void ion_write_version_marker(struct buf *buf, struct ion_names *names);
void ion_write_binary(struct buf *buf, struct generator *generator, struct ion_names *names, const struct item *item);
