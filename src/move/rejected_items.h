/*
 * rejected_items: the items that a load put aside because another one has their DynamoDB key: landfall.reject, line 0.
 *
 * They are in the source of that load and not in the target, and do not count: a scan of the source leaves each of them out, once
 * for every time that it was put aside. Mostly there are none. Taken from by several threads.
 */
#pragma once

#include <stdatomic.h>

#include "base/hash.h"
#include "map/model.h"
#include "pg/conn.h"

struct rejected_item {
    size_t table; /* index into map->tables */
    struct hash128 key, item;
    _Atomic uint64_t left; /* how often it is still to be left out */
};

struct rejected_items {
    struct rejected_item *items; /* owned, malloc; sorted */
    size_t count;
};

/* Of the load with this fingerprint (backfill.h); none when there is no such load. Errors: LF_SQL, LF_CONNECT, LF_ROW (what lies
 * there is no item), LF_MEMORY. */
enum lf_code rejected_items_read(struct pg_conn *conn, const struct map *map, struct span fingerprint,
                                 struct rejected_items *ret_rejected, struct err *err) MUST_CHECK;
void rejected_items_done(struct rejected_items *rejected); /* safe on a zeroed one */

/* Whether this item of the source is one of them and is left out. */
bool rejected_items_take(struct rejected_items *rejected, size_t table, const struct key *key, const struct item *item);
