/*
 * loadable: which loads go with tables that are followed: what they bring has to be of a time since which all changes are in the
 * spool, and once the spool is applied they come too late.
 */
#pragma once

#include "pg/conn.h"
#include "source/source.h"

/*
 * LF_PRECONDITION when a table of the source is followed, and the source shows it as it was before, or at an unknown time, or
 * `load` (landfall.load; 0: not begun yet), a scan, was begun before.
 */
enum lf_code loadable_check(struct pg_conn *conn, const struct source *source, int64_t load, struct err *err) MUST_CHECK;

/* LF_PRECONDITION when the spool of the table is being applied: nothing else may write its rows. */
enum lf_code loadable_check_waits(struct pg_conn *conn, struct span table, struct err *err) MUST_CHECK;

/* LF_PRECONDITION when the spool of any table is being applied: what loads have recorded is not what the tables hold. */
enum lf_code loadable_check_none_applied(struct pg_conn *conn, struct err *err) MUST_CHECK;
