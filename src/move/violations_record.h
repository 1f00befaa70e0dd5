/*
 * violations_record: what was moved after a load (violations.h), on record in landfall.violation: for people, and for the
 * processes that waited while another one did it.
 */
#pragma once

#include "move/violations.h"

/* Adds them to what is on record for the load. */
enum lf_code violations_record(struct pg_conn *conn, int64_t load, const struct violations *violations,
                               struct err *err) MUST_CHECK;

/* Appends what was put on record since this worker (landfall.worker) began. U+0000 in keys is U+FFFD. */
enum lf_code violations_recall(struct pg_conn *conn, int64_t load, int64_t worker, struct violations *violations,
                               struct err *err) MUST_CHECK;
