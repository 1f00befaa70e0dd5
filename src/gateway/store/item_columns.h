/*
 * item_columns: what the item store keeps beside an item's JSON, so that it is found: keys as bytes in DynamoDB's order.
 *
 *     h     first 16 bytes of SHA-256 of the partition key's bytes     g<slot>h  the same of a global index's partition key
 *     sk    the sort key's bytes, empty without one                    g<slot>s, l<slot>s  an index's sort key
 *     size  as DynamoDB counts                                         ttl  seconds since 1970, where the table has a TTL
 * attribute
 *
 * An item that lacks a key attribute of an index, or has it in another type, is not in the index: its columns are NULL. Keys of
 * several attributes are one byte string, in which every attribute but the last is ended by a terminator and its zero bytes are
 * escaped, so that the order of the whole is that of the parts:
 *
 *     byte 00 -> 00 FF      end of a part -> 00 01
 *
 * Pure.
 */
#pragma once

#include "gateway/store/store.h"

enum { ITEM_HASH_BYTES = 16 };

/* Of key bytes. */
enum lf_code place_hash(struct span partition, struct arena *arena, struct span *ret_hash, struct err *err) MUST_CHECK;

/* h and sk of a key. */
struct item_place {
    struct span h, sk;
};
enum lf_code item_place(const struct key *key, struct arena *arena, struct item_place *ret_place, struct err *err) MUST_CHECK;

/* The hashes of a Scan's segment: [from, to), `to` empty for the last one. */
enum lf_code place_segment(uint32_t segment, uint32_t segments, struct arena *arena, struct span *ret_from, struct span *ret_to,
                           struct err *err) MUST_CHECK;

/* One column per part of each index, in the order of table->indexes: h (global ones) and s. ptr NULL: not in the index. A global
 * index without sort key has an empty s. */
struct index_columns {
    struct span h;
    struct span s;
};
enum lf_code index_columns(const struct table_index *index, const struct item *item, struct arena *arena,
                           struct index_columns *ret_columns, struct err *err) MUST_CHECK;

/* The bytes of these attributes of an item, joined as above; ptr NULL when one is absent or of another type. */
enum lf_code item_key_bytes(const struct key_attribute *attributes, size_t count, const struct item *item, struct arena *arena,
                            struct span *ret_bytes, struct err *err) MUST_CHECK;

/* As key bytes: the value of one key attribute. */
enum lf_code value_key_bytes(const struct value *value, struct arena *arena, struct span *ret_bytes, struct err *err) MUST_CHECK;

/* Joins parts that are key bytes already; `is_prefix`: more parts follow in what is looked for, so the last is ended, too. */
enum lf_code join_key_parts(const struct span *parts, size_t count, bool is_prefix, struct arena *arena, struct span *ret_bytes,
                            struct err *err) MUST_CHECK;

/* False when the table has no TTL attribute, or the item no number there that fits. */
bool item_ttl(const struct table *table, const struct item *item, int64_t *ret_seconds);
