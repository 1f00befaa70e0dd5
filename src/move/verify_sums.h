/* verify_sums: the sums of both sides, see parity.h. `sums` has one parity for each table of the map. */
#pragma once

#include "move/verify_share.h"

/* The sums that a finished load of this source (fingerprint; empty: the newest of any) has stored, for each wanted table.
 * *ret_found is false when a table has none: then nothing was added. */
enum lf_code sums_of_record(struct pg_conn *conn, const struct comparison *comparison, struct span fingerprint,
                            struct parity *sums, bool *ret_found, struct err *err) MUST_CHECK;

/* One scan over parts of a run that are free: their sums are recorded there. */
enum lf_code sums_of_free_parts(struct comparison *comparison, const struct share *share, struct err *err) MUST_CHECK;

/* Adds up what is recorded of all parts of a run. */
enum lf_code sums_of_share(struct comparison *comparison, struct pg_conn *conn, const struct share *share,
                           struct err *err) MUST_CHECK;

/* One scan: the sums of the target and, when `read_source`, of the source. */
enum lf_code sums_of_scan(struct comparison *comparison, bool read_source, struct err *err) MUST_CHECK;
