/*
 * migrate_file: a migration file of dbmate, taken apart. Pure.
 *
 *     20261121090000_expand_tables.sql
 *     ^ version      ^ name
 *
 *     -- comments only
 *     -- migrate:up transaction:false
 *     … SQL …
 *     -- migrate:down
 *     … SQL …
 *
 * Follows the README of dbmate ("Creating Migrations", "Migration Options"). Stricter where dbmate would guess: an option that it
 * does not know, a second block of the same kind and a NUL byte are errors. Errors: LF_MIGRATION, "line N: …".
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

struct migrate_file {
    struct span up, down;        /* SQL behind the marker's line; borrowed from the text */
    unsigned up_line, down_line; /* of the first line of that SQL, counted from 1 */
    bool up_alone, down_alone;   /* transaction:false */
};

/* False for files that are no migrations. */
bool migrate_file_name(struct span file, struct span *ret_version, struct span *ret_name);

enum lf_code migrate_file_parse(struct span text, struct migrate_file *ret_file, struct err *err) MUST_CHECK;

/* Cuts the next statement off `rest`, without its semicolon and the blanks and comments before it; false when none is left.
 * Knows quotes, dollar quotes, comments and parentheses; not bodies in the form BEGIN ATOMIC … END, which PostgreSQL then
 * refuses. */
bool migrate_next_statement(struct span *rest, struct span *ret_statement);

/* Whether the statement is CREATE INDEX CONCURRENTLY with a name; name and table are as written, with quotes. */
bool migrate_concurrent_index(struct span statement, struct span *ret_name, struct span *ret_table);

/* Whether the statement is CREATE INDEX, not CONCURRENTLY, or ALTER TABLE (`ret_alters`), and refers to no other table; the
 * table as written. */
bool migrate_indexed_table(struct span statement, struct span *ret_table, bool *ret_alters);
