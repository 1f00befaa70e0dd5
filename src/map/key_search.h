/*
 * key_search: how rows of an entity's table are found by a key, of the DynamoDB table or of an index, given as key bytes (key.h).
 *
 * Each attribute of a key is searched by the column that orders and distinguishes rows as the attribute does, where there is one
 * and an index is on it, else by the SQL expression that rebuilds the attribute. Both are what the indexes of ddl.h are on:
 *
 *     "case|101-20"  ──►  t.docket_number = $1          (native: "case|{docket_number}", the value '101-20')
 *     "a#b"          ──►  (("x" || '#' || "y") COLLATE "C") = $1
 *
 * The table stands as `t` in the statement, and nothing else that has columns is beside it. Pure.
 */
#pragma once

#include "base/buf.h"
#include "codec/pgbinary.h"
#include "map/model.h"

struct key_search_part {
    const struct entity *entity;
    enum value_type type;                /* of the attribute */
    const struct key_template *template; /* NULL: a column holds the attribute, or */
    const struct match *match;           /* a constant that must hold is it */
    const struct column *holder;         /* the column that holds the attribute itself, or NULL */
    const struct column *column;         /* searched by; NULL: by the expression, of a template, a constant, or the holder */
    struct span prefix;                  /* what every text begins with */
    struct span suffix;                  /* and ends with, behind the prefix */
    bool is_constant;                    /* the prefix is all */
};

/* Partition key, and sort key where there is one. */
struct key_search {
    struct key_search_part parts[2];
    size_t count;
};

/* False: the entity is not in an index with this key. */
bool key_search_find(const struct entity *entity, const struct key_schema *key, struct key_search *ret_search);

/* What an attribute is compared by in SQL: the column, or the expression, which is text COLLATE "C", numeric, or bytea; the SQL
 * type of either, and its OID. */
struct key_operand {
    const struct key_search_part *part;
    bool is_expression;
};
void key_operand_put(struct buf *buf, const struct key_operand *operand);
const char *key_operand_type(const struct key_operand *operand);
enum pg_oid key_operand_oid(const struct key_operand *operand);

static inline struct key_operand key_search_operand(const struct key_search_part *part)
{
    return (struct key_operand){ part, part->column == NULL };
}

/* A key as a parameter beside key_search_operand. Not held: no row has it. Errors: LF_MEMORY; LF_ITEM when the bytes are no
 * number. */
enum lf_code key_search_value(const struct key_search_part *part, struct span bytes, struct arena *arena, bool *ret_held,
                              struct pg_field *ret_field, struct err *err) MUST_CHECK;

/* How all rows that the part describes compare to some bytes, as far as it can be told without looking at them. */
enum key_order { KEY_BEFORE, KEY_EQUAL, KEY_BEHIND, KEY_MIXED };
enum key_order key_search_order(const struct key_search_part *part, struct span bytes);

/* The least value that is not before the bytes, which need not be a whole key. */
struct key_ceiling {
    struct key_operand operand;
    struct pg_field field; /* data NULL: all values are before the bytes */
    bool is_exact;         /* the value is the bytes: what is equal to it has this key */
};
enum lf_code key_search_ceiling(const struct key_search_part *part, struct span bytes, struct arena *arena,
                                struct key_ceiling *ret_ceiling, struct err *err) MUST_CHECK;
