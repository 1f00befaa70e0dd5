/*
 * phase: who answers for a table of DynamoDB, and how that changes (sql/live.sql, docs/live.md).
 *
 *     follow ──────────► dual write ──────────► postgres ─────────► decommissioned
 *       stream is          gateways write         gateways write
 *       captured, then     both sides, reads      PostgreSQL, reverse
 *       applied            by percentage          sync writes DynamoDB
 *              ◄── rollback reads    ◄── rollback writes
 *
 * Of a mixed table some entities are in phase `postgres` and the others in `dual write`: it stands in `postgres` and names those.
 *
 * A table without a row is PostgreSQL's and always was. A change is made in one transaction that takes landfall.catalog's row,
 * raises its version, and writes landfall.event; it has taken effect when phase_wait returns: no live gateway, and no follower's
 * transaction, works under an older one (rule D of the protocol).
 */
#pragma once

#include "base/arena.h"
#include "pg/conn.h"

enum phase { PHASE_FOLLOW, PHASE_DUAL_WRITE, PHASE_POSTGRES, PHASE_DECOMMISSIONED, PHASES };
extern const char *const phase_names[PHASES]; /* as in landfall.phase */

struct table_phase {
    struct span table;
    enum phase phase;
    int64_t epoch;
    bool is_fenced;
    enum phase fence; /* that the fence leads to */
    unsigned reads_percent, shadow_percent;
    struct span reads_entities;               /* that reads_percent is of, one a line; empty: of the whole table */
    bool by_exports;                          /* stream_arn is the place of incremental exports */
    struct span moved;                        /* entities of a mixed table, one a line; empty: all */
    struct span region, endpoint, stream_arn; /* endpoint empty: AWS's */
    int64_t follows_since_us, applies_since_us, readable_at_us, flipped_at_us; /* 0: not yet */
};

/* A gateway whose beat has not moved for this long serves no writes any more: twice CATALOG_STALE_MS. */
enum { PHASE_GATEWAY_SILENT_MS = 10000 };

/* sql/control.sql, sql/gateway.sql and sql/live.sql, where they are not there yet. */
enum lf_code phase_prepare_schema(struct pg_conn *conn, struct err *err) MUST_CHECK;

/* *ret_found false: the table has no row. `for_share` holds off changes until the transaction ends. */
enum lf_code phase_read(struct pg_conn *conn, struct span table, bool for_share, struct arena *arena,
                        struct table_phase *ret_phase, bool *ret_found, struct err *err) MUST_CHECK;

/* In a transaction: what the next change of the catalog is numbered. */
enum lf_code phase_begin_change(struct pg_conn *conn, int64_t *ret_version, struct err *err) MUST_CHECK;
/* After its commit, until every live gateway has acknowledged the version, or `within_ms` are over (LF_PRECONDITION, naming the
 * gateways that have not). A gateway whose beat does not move for its lease is not waited for: it does not serve any more. One
 * that has a journal always is: it goes on without PostgreSQL (gateways.h). */
enum lf_code phase_wait(struct pg_conn *conn, int64_t version, unsigned within_ms, struct err *err) MUST_CHECK;

/* Whether all live gateways work under the last change of the catalog, of any table; does not wait. */
enum lf_code phase_is_known(struct pg_conn *conn, bool *ret_known, struct err *err) MUST_CHECK;

/* A line of landfall.event. `detail`: JSON. */
enum lf_code phase_record(struct pg_conn *conn, const char *what, struct span detail, struct err *err) MUST_CHECK;
