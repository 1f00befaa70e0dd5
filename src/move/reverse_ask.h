/*
 * reverse_ask: has reverse sync (gateway/jobs/reverse.h) send keys whose rows have not changed: DynamoDB is not as PostgreSQL,
 * which has the authority over them.
 */
#pragma once

#include "item/value.h"
#include "pg/conn.h"

/* What is sent is what the row is by then, or that there is none. LF_SQL, LF_CONNECT, LF_MEMORY. */
enum lf_code reverse_ask(struct pg_conn *conn, struct span table, const struct item *keys, size_t count,
                         struct err *err) MUST_CHECK;
