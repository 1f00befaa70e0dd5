/*
 * catalog: what the target database has, as far as Landfall must know it before it loads or reads.
 *
 * Names are exact (as in pg_class, not as in SQL: no quotes, no folding). Everything is read by parameters and qualified names.
 */
#pragma once

#include "pg/conn.h"

struct catalog_column {
    struct span name;
    struct span type;  /* as format_type gives it: "timestamp with time zone", "text[]" */
    uint32_t type_oid; /* enum pg_oid where Landfall knows it */
    bool not_null;
    bool generated; /* GENERATED … AS, stored or identity ALWAYS: cannot be written */
};

struct catalog_table {
    bool exists;                    /* an ordinary or partitioned table; all else is zero where it does not */
    struct catalog_column *columns; /* in order, dropped ones left out */
    size_t column_count;
    uint64_t pages;        /* of the heap, now; partitions summed */
    uint64_t row_estimate; /* of the planner's statistics scaled to `pages`; a guess by page where it has none */
};

/* A table that is not there is no error. Spans lie in the arena. */
enum lf_code catalog_read_table(struct pg_conn *conn, struct span schema, struct span table, struct arena *arena,
                                struct catalog_table *ret_table, struct err *err) MUST_CHECK;

/* NULL when the table has no such column. */
const struct catalog_column *catalog_find_column(const struct catalog_table *table, struct span name);

/* Whether the table holds any row now. The table must exist, else LF_SQL. */
enum lf_code catalog_has_rows(struct pg_conn *conn, struct span schema, struct span table, bool *ret_has_rows,
                              struct err *err) MUST_CHECK;
