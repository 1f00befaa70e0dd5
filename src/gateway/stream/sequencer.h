/*
 * sequencer: gives the changes of streams their numbers, in an order in which they could have been committed.
 *
 * A sequence drawn inside a transaction is not commit order: a reader can pass number 6 while 5 is still uncommitted, and lose
 * it. So writers insert changes with such an id (landfall.change_in), and one process, elected, appends (number, id) to
 * landfall.change, in order of id, but only as far as everything is settled:
 *
 *     mark:   last_value of the sequence, THEN a transaction id of our own   (whoever drew an id up to it has a lower one)
 *     later:  a snapshot's xmin has reached that id                          (they all have ended) ──► number up to the mark
 *
 * Per key the ids are in commit order, since they are drawn while the item's row is locked. Images are never moved. Changes are
 * kept for STREAM_RETENTION_H and then dropped by the partition.
 */
#pragma once

#include "gateway/jobs/jobs.h"

enum { STREAM_RETENTION_H = 24, STREAM_SHARDS = 4, CHANGE_PARTITION_IDS = 1048576 };

/* A job's step (jobs.h). */
enum lf_code sequencer_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                            struct err *err) MUST_CHECK;
