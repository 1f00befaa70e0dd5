/*
 * route_keys: the items that a request names by their keys: reads, writes and conditions, of any table.
 *
 * What is wrong with a key or a statement the operation says itself; here such a statement is left out, and such a key is as it
 * came. LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/route_tables.h"

struct route_key {
    const struct route_table *table;
    const struct item *item; /* the key, or an item that has it; NULL: of a table that is not mixed it does not matter */
};

struct route_keys {
    struct route_key *keys;
    size_t count;
};

enum lf_code route_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                             struct route_keys *ret_keys, struct err *err) MUST_CHECK;

bool route_key_is_dynamodbs(const struct route_key *key);
