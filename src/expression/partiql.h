/*
 * partiql: the statements of DynamoDB's PartiQL, as the same trees.
 *
 *     SELECT { * | path, … } FROM table[.index] [WHERE condition] [ORDER BY key [ASC | DESC]]
 *     INSERT INTO table VALUE { 'name': value, … }
 *     UPDATE table { SET path = value, … | REMOVE path } … WHERE condition [RETURNING { ALL | MODIFIED } { OLD | NEW } *]
 *     DELETE FROM table WHERE condition [RETURNING ALL OLD *]
 *     EXISTS ( SELECT … )                                                      in transactions
 *
 * A `?` stands for the next parameter of the request. Names and strings are borrowed from the text and the parameters. Errors:
 * LF_VALIDATION in AWS's words, LF_MEMORY. Source: AWS, "PartiQL for DynamoDB". Pure.
 */
#pragma once

#include "expression/key_condition.h"
#include "expression/update.h"

enum { PARTIQL_STATEMENT_BYTES_MAX = 8192 };

enum partiql_verb { PARTIQL_SELECT, PARTIQL_INSERT, PARTIQL_UPDATE, PARTIQL_DELETE };

enum partiql_returning {
    PARTIQL_RETURNING_NONE,
    PARTIQL_RETURNING_ALL_OLD,
    PARTIQL_RETURNING_MODIFIED_OLD,
    PARTIQL_RETURNING_ALL_NEW,
    PARTIQL_RETURNING_MODIFIED_NEW,
};

/* What SELECT answers with: the value at the path under this name, which for m.x is x and for l[0] is l[0]. */
struct partiql_column {
    struct span name;
    struct document_path path;
};

struct partiql_statement {
    enum partiql_verb verb;
    bool is_exists; /* EXISTS around the SELECT */
    struct span table;
    struct span index; /* ptr NULL: none */
    const struct partiql_column *columns;
    size_t column_count;                 /* 0: all attributes */
    const struct expression_node *where; /* NULL: none */
    struct span order_by;                /* ptr NULL: none */
    bool is_descending;
    struct item item;     /* of INSERT */
    struct update update; /* of UPDATE */
    enum partiql_returning returning;
};

enum lf_code partiql_parse(struct span text, const struct value *parameters, size_t parameter_count, struct arena *arena,
                           struct partiql_statement *ret_statement, struct err *err) MUST_CHECK;

/* A WHERE as key conditions, one for each partition it names, and what is left to ask of each item. */
struct partiql_target {
    const struct key_condition *conditions;
    size_t count;                         /* 0: the whole table or index */
    const struct expression_node *filter; /* NULL: nothing is left */
};

enum lf_code partiql_reduce(const struct expression_node *where, const struct key_condition_schema *schema, struct arena *arena,
                            struct partiql_target *ret_target, struct err *err) MUST_CHECK;

/* Whether the target is one item: every key attribute by equality. */
bool partiql_target_is_item(const struct partiql_target *target, const struct key_condition_schema *schema);

/* Of a statement that writes: its target must be one item. */
enum lf_code partiql_reduce_to_item(const struct expression_node *where, const struct key_condition_schema *schema,
                                    struct arena *arena, struct partiql_target *ret_target, struct err *err) MUST_CHECK;
