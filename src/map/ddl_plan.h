/*
 * ddl_plan: the indexes and constraints that a map means, each with its name; for ddl_*.c only.
 *
 * Worked out as a whole, because names must be distinct in the schema and because an index is left out where another serves:
 *
 *     primary keys ─ children's primary keys ─ indexes and unique ─ foreign keys' columns ─ search     stay for good
 *     shadow: the table key, the secondary indexes                                                      dropped by the contract
 *
 * A key attribute is *native* in an entity when a column orders and distinguishes rows as the attribute does: often the column
 * that holds it, or the one variable of a template of the table's key that keeps order (other attributes may differ from their
 * templates and stand in ddb_extra). A key of native parts is served by an index on columns, any other
 * by one on the template's expressions. Pure; everything is in the arena.
 */
#pragma once

#include "map/model.h"

enum ddl_index_kind { DDL_PRIMARY_KEY, DDL_INDEX, DDL_SEARCH, DDL_SHADOW };

struct ddl_index {
    struct span name;
    enum ddl_index_kind kind;
    const struct entity *entity;
    const struct child *child; /* primary key of the child's table, or NULL */
    bool is_unique;
    const unsigned *columns; /* of the entity; of a child's primary key: those of its parent, `position` follows */
    size_t column_count;
    const struct key_schema *key; /* when it is an index on expressions, else NULL; `columns` then only lead it */
};

enum ddl_constraint_kind { DDL_CHECK, DDL_FOREIGN_KEY, DDL_PARENT };

struct ddl_constraint {
    struct span name;
    enum ddl_constraint_kind kind;
    const struct entity *entity;
    const struct child *child;             /* whose table it is on, or NULL */
    const struct column *column;           /* of DDL_CHECK */
    const struct foreign_key *foreign_key; /* of DDL_FOREIGN_KEY */
};

struct ddl_plan {
    struct ddl_index *indexes;
    size_t index_count;
    struct ddl_constraint *constraints;
    size_t constraint_count;
};

/* Errors: LF_MEMORY. */
enum lf_code ddl_plan_make(const struct map *map, struct arena *arena, struct ddl_plan *ret_plan, struct err *err) MUST_CHECK;

/* One attribute of a key in an entity. */
struct ddl_key_part {
    const struct key_template *template; /* NULL: `column` holds the attribute, or */
    const struct match *match;           /* a constant that must hold is it */
    bool is_constant;                    /* the template has no variables, or there is none */
    bool is_native;                      /* `column` stands for it */
    unsigned column;
};
/* False when neither a template nor a column nor a constant gives the attribute: the entity is not in that index. */
bool ddl_key_part_find(const struct entity *entity, struct span attr, struct ddl_key_part *ret_part);

/* Whether text of the column needs byte order: it is in a key, a template, an index, a foreign key, or has a CHECK. */
bool ddl_column_is_keyed(const struct entity *entity, unsigned column);
