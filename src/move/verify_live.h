/*
 * verify_live: the comparison of a table of DynamoDB that is in use with its rows.
 *
 *     scan ─ each batch is looked up by key at once ─┬─ equal: done
 *                                                    └─ missing, different ──┐
 *     rows, by the keys that the scan has seen ───── extra ──────────────────┴─ suspects: both sides read again, consistently,
 *                                                                               until they are equal or the time to settle is up
 *
 * What is written meanwhile shows as a suspect and settles when the follower has brought it over; what counts has outlived
 * `settle_seconds`. The table is read once. Keys seen are kept as 64 bits of hash in a temporary file and held against the rows a
 * bounded number at a time. The first LIVE_SUSPECTS_MAX suspects are looked at again; those beyond count as they were found.
 * Done by one process; needs the indexes of the map. A repair gives the keys that differ to the follower, and looks at them again
 * until the time is up once more.
 */
#pragma once

#include "move/comparison.h"

enum { LIVE_SUSPECTS_MAX = 100 * 1000, LIVE_KEYS_AT_ONCE = 32 * 1024 * 1024 };

/* Appends details to `result`, which are in the arena. Errors: those of the source, LF_SQL, LF_CONNECT, LF_MEMORY, LF_IO,
 * LF_INTERRUPTED. */
enum lf_code live_compare(struct comparison *comparison, struct arena *arena, struct verify_result *result,
                          struct err *err) MUST_CHECK;
