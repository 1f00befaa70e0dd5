/* verify_sums: the sums of both sides, see parity.h. `sums` has one parity for each table of the map. */
#pragma once

#include "move/comparison.h"

/* The sums that a finished load of this source (fingerprint; empty: the newest of any) has stored, for each wanted table.
 * *ret_found is false when a table has none: then nothing was added. */
enum lf_code sums_of_record(struct pg_conn *conn, const struct comparison *comparison, struct span fingerprint,
                            struct parity *sums, bool *ret_found, struct err *err) MUST_CHECK;

/* One scan: the sums of the target and, when `read_source`, of the source. */
enum lf_code sums_of_scan(struct comparison *comparison, bool read_source, struct err *err) MUST_CHECK;
