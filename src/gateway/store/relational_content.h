/*
 * relational_content: the columns of many rows as parameters of one statement, an array for each column.
 *
 *     (SELECT unnest($1::uuid[]) AS n0, unnest($2::text[]) AS n1, …) AS k        k.n0, k.n1::text[], …
 *
 * A column that is an array itself travels as text, because arrays of arrays are flattened by unnest.
 */
#pragma once

#include "map/row.h"
#include "pg/binary_sql.h"

/* "unnest($1::uuid[]) AS n0, unnest($2::text[]) AS n1, …, unnest($n::jsonb[]) AS n…": the columns of the entity and ddb_extra. */
enum lf_code relational_put_columns(struct binary_sql *sql, const struct entity *entity, const struct row *const *rows,
                                    size_t count, struct err *err) MUST_CHECK;
/* Of the child's rows: the parent's primary key, position, columns. */
enum lf_code relational_put_child_columns(struct binary_sql *sql, const struct entity *entity, size_t child,
                                          const struct row *const *rows, size_t count, struct err *err) MUST_CHECK;
/* Of the primary keys of rows. */
enum lf_code relational_put_primary_keys(struct binary_sql *sql, const struct entity *entity, const struct row *const *rows,
                                         size_t count, struct err *err) MUST_CHECK;

/* "k.n3" or "k.n3::text[]" */
void relational_put_value(struct binary_sql *sql, enum column_type type, size_t number);

size_t relational_child_rows(const struct row *const *rows, size_t count, size_t child);
