/*
 * fence: while a table's authority is about to change hands, new writes wait (docs/live.md, "The fence").
 *
 * What waits holds no reference to the table, so that the change of phase need not wait for it. When the fence's time is up,
 * whoever waits takes it away, by one UPDATE that excludes the change of authority.
 */
#pragma once

#include "gateway/route_tables.h"

enum { FENCE_POLL_MS = 10, FENCE_MS_MAX = 25000 };

/* The tables of the request, none of which is fenced if the request writes it. Errors: LF_INTERNAL_SERVER after FENCE_MS_MAX;
 * LF_MEMORY. */
enum lf_code fence_pass(struct call *call, const void *request, struct route_tables *tables, struct err *err) MUST_CHECK;
