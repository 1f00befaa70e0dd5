/*
 * key: the primary key of a table or index, and its bytes.
 *
 * Key bytes order as DynamoDB orders keys: strings by UTF-8 bytes, binaries by bytes, numbers by value (number_key). Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/hash.h"
#include "item/value.h"

struct key_attribute {
    struct span name;
    enum value_type type; /* VALUE_S, VALUE_N or VALUE_B */
};

/* Partition key and, where the table has one, sort key. */
struct key_schema {
    struct key_attribute partition;
    struct key_attribute sort; /* name.ptr NULL when there is none */
};

static inline bool key_schema_has_sort(const struct key_schema *schema)
{
    return schema->sort.name.ptr != NULL;
}

/* The key of an item: its bytes, in the arena or borrowed from the item. `sort` is empty where the schema has no sort key. */
struct key {
    struct span partition;
    struct span sort;
};

/* Errors: LF_ITEM when a key attribute is absent, of another type, or empty; LF_LIMIT when longer than 2,048 / 1,024 bytes. */
enum lf_code key_of_item(const struct key_schema *schema, const struct item *item, struct arena *arena, struct key *ret_key,
                         struct err *err) MUST_CHECK;

/* 64 bits of both parts; `key_segment` is the parity segment, 0 … PARITY_SEGMENTS - 1, that a key belongs to. */
uint64_t key_hash(const struct key *key);
unsigned key_segment(const struct key *key);

/* "pk:S,sk:S" as --key takes it. Error: LF_USAGE. Names are borrowed from the text. */
enum lf_code key_schema_parse(struct span text, struct key_schema *ret_schema, struct err *err) MUST_CHECK;

/* For people: `pk="case|1", sk=5`; binaries in hex. */
void key_describe(const struct key_schema *schema, const struct item *item, struct buf *buf);
