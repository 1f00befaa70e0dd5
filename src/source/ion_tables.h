/*
 * ion_tables: the symbol tables that are in force at a place of a stream of binary Ion, read and as bytes.
 *
 *     | E0 01 00 EA | symbol table | appended | appended |   what is in force, and begins a stream of its own
 *
 * A version marker forgets them, a table in place of the others puts an end to them, one that is appended joins them. Put before
 * records that were written under them, the bytes make a stream that can be read alone. One thread at a time.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "item/ion.h"

struct ion_tables {
    struct buf bytes; /* owned */
    struct ion_symbols symbols;
    struct arena arena; /* owned; holds the symbols */
};

void ion_tables_init(struct ion_tables *tables);
void ion_tables_done(struct ion_tables *tables);

/* Takes in a version marker or symbol table, whole and alone in `bytes`. Errors: those of ion_symbols_apply, LF_LIMIT past
 * ION_SYMBOL_TABLE_BYTES. */
enum lf_code ion_tables_take(struct ion_tables *tables, enum ion_entry entry, struct span bytes, struct err *err) MUST_CHECK;
