/*
 * shape: the requests and replies of the DynamoDB API, as api/operations.yaml declares them, read and checked by one generic
 * reader.
 *
 * tools/gen_operations.py makes of each request structure a C struct and a table that describes it:
 *
 *     api/operations.yaml          operations_gen.h
 *     GetItem request         ->   struct get_item_request, shape_get_item_request, OPERATION_GET_ITEM
 *     Projection              ->   struct api_projection: structures that stand inside others
 *     list of KeySchemaElement->   struct api_key_schema_element_list { struct api_key_schema_element *values; size_t count; }
 *     map of KeysAndAttributes->   struct api_keys_and_attributes_map { struct api_keys_and_attributes_entry *entries; size_t
 * count; } whose entries are { struct span name; struct api_keys_and_attributes value; } ReturnValue             ->   enum
 * api_return_value { API_RETURN_VALUE_UNSET, API_RETURN_VALUE_NONE, … }
 *
 * Members are named as in DynamoDB, in snake case. Each says by itself whether the request gave it (`null` counts as not given):
 *
 *     string                  struct span         .ptr is not NULL
 *     enum                    enum api_…          is not …_UNSET
 *     integer, long           int64_t             bool has_…
 *     double                  double              bool has_…
 *     boolean                 bool                bool has_…
 *     timestamp               int64_t …_ms        bool has_…           milliseconds since 1970
 *     structure               const struct api_…* is not NULL
 *     list                    { values, count }   .values is not NULL  also for an empty one
 *     map of strings          api_string_map      .entries is not NULL also for an empty one
 *     item (map of values)    struct item         .attributes is not NULL also for an empty one
 *     attribute value         const struct value* is not NULL
 *
 * Everything lies in the arena or is borrowed from the body. Errors, in AWS's words and in AWS's order: LF_SERIALIZATION (not
 * JSON, or JSON of another type than the member's); then LF_VALIDATION, "N validation errors detected: …", for all constraints
 * that are broken; LF_MEMORY. What is wrong inside of attribute values (an empty set, 39 digits) DynamoDB says only after it has
 * looked at the request's other parameters: such a value is read as NULL, and the error waits in the request's head until
 * the operation asks for it with `shape_check_values`. Sources: AWS, "API Reference", and the answers of DynamoDB. Pure.
 */
#pragma once

#include "item/value.h"

/* The first member of every request struct. */
struct shape_head {
    const struct err *value_error; /* NULL: all attribute values are good */
};

enum shape_type {
    SHAPE_STRING,
    SHAPE_ENUM,
    SHAPE_INTEGER,
    SHAPE_LONG,
    SHAPE_DOUBLE,
    SHAPE_BOOLEAN,
    SHAPE_TIMESTAMP,
    SHAPE_BLOB, /* only inside of attribute values and replies */
    SHAPE_STRUCTURE,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_ITEM,
    SHAPE_VALUE,
};

struct shape_member;

/* What is particular to a shape beyond its constraints. */
enum shape_role {
    SHAPE_ROLE_NONE,
    SHAPE_ROLE_TABLE_NAME,         /* a table's name, or the ARN of a table: its form is checked after all constraints */
    SHAPE_ROLE_MANAGED_TABLE_NAME, /* the same of the operations on tables, which say so before they look at anything else */
    SHAPE_ROLE_EXPRESSION_VALUES,  /* errors in its values begin "ExpressionAttributeValues contains invalid value: " */
    SHAPE_ROLE_START_KEY,          /* … "The provided starting key is invalid: " */
};

/* A part of a pattern: `min` to `max` characters of a set. */
struct shape_pattern_part {
    uint64_t ascii[2]; /* a bit for each of the 128 */
    bool has_others;   /* whether the characters beyond are in the set */
    unsigned min, max; /* max 0: any number */
};

struct shape {
    struct span name; /* as AWS calls it: "KeySchemaElement" */
    enum shape_type type;
    enum shape_role role;
    size_t size; /* of the C type of a list's element or an entry's value; 0 for shapes that only replies have */

    /* Constraints: of the value (integer, long), else of the length. */
    bool has_min, has_max;
    int64_t min, max;
    const char *pattern; /* NULL: none */
    const struct shape_pattern_part *pattern_parts;
    size_t pattern_part_count;

    const struct span *enum_values; /* in the order in which AWS lists them */
    size_t enum_value_count;

    const struct shape *key;               /* of maps */
    const struct shape *element;           /* of lists and maps */
    size_t entry_size, entry_value_offset; /* of maps */

    /* Of structures. `slots` is a hash table of 1 + index of a member, 0 for none, as shape_parts.h has it. */
    const struct shape_member *members;
    size_t member_count;
    const uint8_t *slots;
    unsigned slot_mask;
    uint64_t slot_factor;
};

struct shape_member {
    struct span name;
    const struct shape *shape;
    uint16_t offset;     /* in the struct */
    uint16_t has_offset; /* of has_…; 0 when the member needs none */
    bool is_required;
};

/* ---- requests ---- */

/* Fills the struct of this shape from the whole body; an empty body is LF_SERIALIZATION. */
enum lf_code shape_read(const struct shape *shape, struct span body, struct arena *arena, void *ret_request,
                        struct err *err) MUST_CHECK;

/* LF_VALIDATION when an attribute value of the request was wrong. Every operation asks, after it has checked which parameters may
 * stand together and before it uses a value. */
enum lf_code shape_check_values(const struct shape_head *head, struct err *err) MUST_CHECK;

/* The name of the table in a name or an ARN of it or of one of its indexes, streams, exports or backups; false when it is
 * neither: 3 to 255 characters of a-z, A-Z, 0-9, '_', '-' and '.'. */
bool shape_table_name(struct span name_or_arn, struct span *ret_name);

/* ---- replies ---- */

/* Whether the text is a reply of this shape: known members of the right type, constraints kept, required ones there. LF_ITEM or
 * LF_SYNTAX with the path of what is wrong. For tests: every reply of a run goes through it. */
enum lf_code shape_check_reply(const struct shape *shape, struct span text, struct arena *arena, struct err *err) MUST_CHECK;

/* ---- operations ---- */

enum operation_grant { GRANT_READ, GRANT_WRITE, GRANT_ADMIN };

/* Where a request names its tables. */
enum operation_table {
    TABLE_IN_NONE,          /* ListTables, DescribeLimits, … */
    TABLE_IN_NAME,          /* TableName, or another member that is a name or ARN of the table */
    TABLE_IN_REQUEST_ITEMS, /* names of the map RequestItems */
    TABLE_IN_TRANSACT_ITEMS,
    TABLE_IN_ARN,       /* an ARN of the table, or of its stream, export or backup */
    TABLE_IN_ITERATOR,  /* ShardIterator */
    TABLE_IN_STATEMENT, /* PartiQL: known only once it is parsed */
};

struct operation_info {
    struct span name;   /* "GetItem" */
    struct span target; /* "DynamoDB_20120810.GetItem", the value of X-Amz-Target */
    enum operation_grant grant;
    enum operation_table table;
    const struct shape_member *table_member; /* of the request that names it; NULL when TABLE_IN_NONE */
    const struct shape *request;
    const struct shape *reply;
};

#include "gateway/operations_gen.h" /* enum operation, structs and shapes, made from api/operations.yaml */

const struct operation_info *operation_info(enum operation operation);

/* True and the operation for the value of X-Amz-Target; names are told apart by case. */
bool operation_find(struct span target, enum operation *ret_operation);
