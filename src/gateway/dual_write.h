/*
 * dual_write: a write of tables in phase `dual write`: DynamoDB evaluates it, and the rows follow under marks (docs/live.md).
 *
 *     turns of the keys ─► marks ─► DynamoDB ─┬─ done:    items (of the request, of the answer, or read under the marks) ─► rows
 *                                             ├─ refused: marks gone, its words to the client
 *                                             └─ unknown: marks stay for the repairer, 500
 *
 * A transaction with a ClientRequestToken is noted with it under the marks, so that no change of the authority comes between;
 * where it cannot be, the marks stay for as long as the token is good. One that PostgreSQL has done, before a rollback, is
 * answered here.
 *
 * What DynamoDB has done is answered so, whatever becomes of the rows: their keys stay marked. Without marks nothing is sent, so
 * that with PostgreSQL away writes fail with a 500 that the SDKs repeat; or, once a gateway with a journal is without its lease,
 * keys are noted there instead (journal.h), and become marks when PostgreSQL is back.
 */
#pragma once

#include "gateway/dispatch.h"
#include "gateway/route_tables.h"

/* The whole of a request that writes tables of DynamoDB, some or all in that phase. */
enum lf_code dual_write(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                        struct err *err) MUST_CHECK;

/* The item of a key as DynamoDB has it now, read consistently; *ret_item NULL: there is none. */
enum lf_code dual_read(struct worker *worker, const struct table *table, const struct item *key, struct arena *arena,
                       const struct item **ret_item, struct err *err) MUST_CHECK;
