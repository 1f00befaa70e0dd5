/*
 * table_work: what is left to do of a change of a table after its answer.
 *
 *     table DELETING  ─► no gateway uses it any more ─► dropped
 *     index CREATING  ─► every gateway writes it ─► backfilling, a batch of rows per step ─► ACTIVE
 *     index DELETING  ─► no gateway uses it any more ─► its columns are dropped
 *     being restored  ─► the backup's items, a batch per step ─► its indexes are filled ─► ACTIVE
 *     TTL switched on ─► every gateway writes the column ─► filled, a batch of rows per step
 *
 * What is to do stands in the catalog, so that whoever comes next goes on where a process ended. Steps look at the table again in
 * their transaction: several may be at the same work at once. On a fiber.
 */
#pragma once

#include "gateway/jobs/jobs.h"

/* Begins at once, in a fiber of its own: all of a small table's work. What takes longer is left to the job. */
void table_work_start(struct worker *worker, struct span name);

/* One step of the work of every table: the job. */
enum lf_code table_work_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                             struct err *err) MUST_CHECK;

/* Until the table is no more that is being deleted, at most so long. */
enum lf_code table_work_await_deletion(struct worker *worker, struct span name, int64_t ms_max, struct err *err) MUST_CHECK;
