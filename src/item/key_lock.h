/*
 * key_lock: the advisory lock of whoever makes a key present, moves it from one table of the target to another, or relies on its
 * absence. The same in all processes. Pure.
 */
#pragma once

#include "item/key.h"

/* `table` is the table's number in landfall.dynamodb_table. */
static inline int64_t key_lock_id(int64_t table, const struct key *key)
{
    uint64_t id = (uint64_t)table;
    return (int64_t)hash64(span_of((const char *)&id, sizeof id), key_hash(key));
}
