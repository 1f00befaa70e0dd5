/*
 * statement: a PartiQL statement against its table.
 *
 *     text, parameters ─► statement_parse ─► statement_find_table ─► SELECT: statement_reduce ─► pages, or one item
 *                                                                └─► writes, EXISTS: statement_change ─► struct item_change
 *
 * INSERT is a Put of what is not there, UPDATE an Update of what is, EXISTS a ConditionCheck; what a WHERE asks beyond the key is
 * their condition. Errors: LF_VALIDATION in AWS's words, LF_RESOURCE_NOT_FOUND, LF_ACCESS_DENIED, LF_MEMORY.
 */
#pragma once

#include "expression/partiql.h"
#include "gateway/call.h"
#include "gateway/operations/item_change.h"
#include "gateway/operations/request_tables.h"

struct statement {
    struct partiql_statement parsed;
    const struct table *table;       /* a reference of the request's */
    const struct table_index *index; /* NULL: the table */
    struct key_condition_schema schema;
    struct partiql_target target;
};

enum lf_code statement_parse(struct span text, const struct api_value_list *parameters, struct arena *arena,
                             struct statement *ret_statement, struct err *err) MUST_CHECK;

/* EXISTS stands among writes. */
bool statement_is_read(const struct statement *statement);

/* The table, if the caller may do there what the statement does. */
enum lf_code statement_find_table(struct statement *statement, struct call *call, enum operation operation,
                                  struct request_tables *tables, struct err *err) MUST_CHECK;

/* Of a SELECT: index, target and columns suit the table. */
enum lf_code statement_reduce(struct statement *statement, struct arena *arena, struct err *err) MUST_CHECK;

/* Whether it reads one item of the table by its key and asks nothing else; then its key. */
bool statement_is_of_item(const struct statement *statement);
enum lf_code statement_key(const struct statement *statement, struct arena *arena, struct item_key *ret_key,
                           struct err *err) MUST_CHECK;

/* Of the others. `ret_change` may point into the statement. */
enum lf_code statement_change(struct statement *statement, struct arena *arena, struct item_change *ret_change,
                              struct err *err) MUST_CHECK;

/* The words for an INSERT of what is there, LF_DUPLICATE_ITEM, instead of a failed condition. */
enum lf_code statement_failed(const struct statement *statement, enum lf_code code, struct err *err) MUST_CHECK;

enum api_return_value statement_return_values(const struct statement *statement);
