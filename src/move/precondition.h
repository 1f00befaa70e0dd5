/*
 * precondition: what must hold before a table's phase changes, and what to do when it does not.
 *
 * Each is a statement that gives a sentence for people while it does not hold. To add one: a line in precondition.c. `--force`
 * goes on in spite of those that can be overridden, and says which they were.
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"

/* STEP_BOTH_SIDES: gateways begin to write both sides, and no reads move: of a table that follows exports. */
enum phase_step { STEP_BOTH_SIDES, STEP_READS, STEP_WRITES, STEP_ROLLBACK_READS, STEP_ROLLBACK_WRITES, STEP_DECOMMISSION };

enum { PRECONDITION_LAG_SECONDS = 10, PRECONDITION_MARK_SECONDS = 10 };

/* Of landfall.reverse_sent AS s: DynamoDB's answer is not waited for any more. */
#define PRECONDITION_UNANSWERED "s.again_at IS NOT NULL AND s.sent_at < clock_timestamp() - interval '3 seconds'"

/* Whose keys change their authority. */
struct precondition_subject {
    const struct map_table *table;
    struct span moved;    /* entities that have, one a line; empty: all */
    struct span entities; /* that will have afterwards; empty: all, or after going back none */
};

/* Appends a line for each that does not hold, "NAME: sentence"; *ret_failed is their number, *ret_firm of those that cannot be
 * overridden. Errors: those of pg_query; LF_ITEM, LF_MEMORY. */
enum lf_code precondition_check(struct pg_conn *conn, const struct precondition_subject *subject, enum phase_step step,
                                struct buf *failures, size_t *ret_failed, size_t *ret_firm, struct err *err) MUST_CHECK;
