/*
 * met: which entities of a table meet in one transaction while the table is moving (landfall.met). They move, and go back,
 * together: while they are in different databases, such a transaction is refused.
 *
 * Noted once by each worker, before the transaction is sent. A transaction does not fail for it. One worker; on a fiber.
 */
#pragma once

#include "gateway/route_tables.h"

struct met;
enum lf_code met_new(struct met **ret_met, struct err *err) MUST_CHECK;
void met_free(struct met *met); /* NULL is fine */

/* Of requests that are no transactions, and of tables that are not moving, there is nothing to be noted. */
void met_note(struct call *call, const void *request, const struct route_tables *tables);
