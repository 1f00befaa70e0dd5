/*
 * read_share: reads of a table over which DynamoDB has the authority, of which PostgreSQL answers a share (docs/live.md,
 * "Reads").
 *
 *     eventual, GetItem, BatchGetItem, Query or Scan; rows readable and whole (catalog.h); percentile of the partition key below
 * the percentage, and all keys it can cover of the entities that this is of (read_keys.h); not marked
 *     ─► PostgreSQL ─ fails ─► DynamoDB, counted; too many: the percentage goes back to 0 (read_count.h)
 * all else ─► DynamoDB; of either, the shadowed share is compared afterwards (shadow.h)
 *
 * A batch goes to PostgreSQL when all its keys do. A page with a start key of a Scan or of a Query on an index goes to the side
 * that gave the key out, and cannot change sides any more (read_page.h).
 */
#pragma once

#include "gateway/dispatch.h"
#include "gateway/read_keys.h"
#include "gateway/route_tables.h"

/* The whole of a read of tables that are all DynamoDB's. */
enum lf_code read_share(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                        struct err *err) MUST_CHECK;

/* Whether PostgreSQL may lack what DynamoDB has of these keys: it is not asked then. */
enum lf_code read_share_is_marked(const struct call *call, const struct read_keys *keys, bool *ret_any,
                                  struct err *err) MUST_CHECK;
