/*
 * dual_keys: the items that a write changes, of tables in phase `dual write`, and what it makes of them where the request alone
 * says so.
 *
 * Errors are those that the operation itself would give for a key that does not fit its table: LF_VALIDATION, LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/route_tables.h"
#include "gateway/store/store.h"

struct dual_key {
    const struct table *table; /* of the request's tables */
    struct item_key key;
    bool is_known;           /* once it is done, the item is `item` */
    const struct item *item; /* NULL: there is none any more */
};

struct dual_keys {
    struct dual_key *keys; /* each once */
    size_t count;
};

enum lf_code dual_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                            struct dual_keys *ret_keys, struct err *err) MUST_CHECK;
