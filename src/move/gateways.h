/*
 * gateways: those that go on without PostgreSQL, as commands see them (landfall.gateway, docs/live.md).
 *
 *     it beats, and its journal is told ─► a table's phase may change
 *     it is silent, or behind           ─► it may be writing to DynamoDB, and nobody knows what: nothing changes
 *     a person says that it has ended   ─► gateways_forget: rows are read again when the stream has brought what it wrote
 */
#pragma once

#include "base/span.h"
#include "pg/conn.h"

enum { GATEWAYS_BEAT_MS = 4000, GATEWAYS_TELL_MS = 20000 };

/* Waits for those with a journal: GATEWAYS_BEAT_MS for a beat, GATEWAYS_TELL_MS until its journal is told. Then LF_PRECONDITION,
 * naming them. */
enum lf_code gateways_check(struct pg_conn *conn, struct err *err) MUST_CHECK;

/* Takes a gateway that is silent out of the catalog. Tables over which DynamoDB has the authority are not read from PostgreSQL
 * until `follow` has passed this moment, nor moved on before a verify; *ret_hidden is their number. Errors: LF_NOT_FOUND;
 * LF_PRECONDITION when it beats. */
enum lf_code gateways_forget(struct pg_conn *conn, const char *id, uint64_t *ret_hidden, struct err *err) MUST_CHECK;
