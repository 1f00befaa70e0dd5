/*
 * db_statements: statements whose text is made at run time, kept by their text, so that each is prepared once per connection.
 *
 * Belongs to db.h. One thread.
 */
#pragma once

#include "pg/pipeline.h"

struct db_statement;

/* Open addressing by the hash of the text. */
struct db_statements {
    struct db_statement **slots; /* owned, and what they point to */
    size_t capacity, count;      /* capacity: a power of two, or 0 */
};

/* Errors: LF_MEMORY. The statement lives as long as the set. */
enum lf_code db_statements_get(struct db_statements *statements, struct span sql, const struct pg_statement **ret_statement,
                               struct err *err) MUST_CHECK;
void db_statements_done(struct db_statements *statements); /* safe on a zeroed set */
