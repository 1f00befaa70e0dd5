/*
 * key_condition: which items of a table or index a Query asks for.
 *
 * The keys of an index may have several attributes: up to four make the partition key, up to four the sort key. A query gives
 * every partition attribute by equality, then any number of sort attributes from the left by equality, then at most one more by a
 * range:
 *
 *     pk1 = … AND pk2 = …   AND   sk1 = … AND sk2 = …   AND   sk3 BETWEEN … AND …
 *     partition[2]                sort[2]                     range over schema.sort[2]
 *
 * Errors: LF_VALIDATION in AWS's words, LF_MEMORY. Source: AWS, "Key condition expressions for the Query operation",
 * "Multi-attribute keys". Pure.
 */
#pragma once

#include "expression/expression.h"
#include "item/key.h"

enum { KEY_PART_ATTRIBUTES_MAX = 4 };

struct key_condition_schema {
    struct key_attribute partition[KEY_PART_ATTRIBUTES_MAX];
    size_t partition_count; /* 1 or more */
    struct key_attribute sort[KEY_PART_ATTRIBUTES_MAX];
    size_t sort_count;
    struct span index_name; /* ptr NULL: the table's */
};

/* That of a table, or an index with the usual keys. */
struct key_condition_schema key_condition_schema_of(const struct key_schema *schema);

enum key_range {
    KEY_RANGE_ALL,
    KEY_RANGE_LESS,
    KEY_RANGE_LESS_OR_EQUAL,
    KEY_RANGE_GREATER,
    KEY_RANGE_GREATER_OR_EQUAL,
    KEY_RANGE_BETWEEN,     /* both ends included */
    KEY_RANGE_BEGINS_WITH, /* S and B */
};

struct key_condition {
    struct value partition[KEY_PART_ATTRIBUTES_MAX]; /* partition_count of the schema */
    struct value sort[KEY_PART_ATTRIBUTES_MAX];      /* by equality, from the left */
    size_t sort_count;
    enum key_range range; /* on schema.sort[sort_count]; ALL when nothing more is asked */
    struct value range_value;
    struct value range_upper; /* BETWEEN only */
};

/* KeyConditionExpression as a tree (expression_parse_condition with EXPRESSION_KEY_CONDITION) against the keys it is for. */
enum lf_code key_condition_reduce(const struct expression_node *root, const struct key_condition_schema *schema,
                                  struct key_condition *ret_condition, struct err *err) MUST_CHECK;
