/*
 * gather: point reads and unconditional writes of one turn of a worker's loop, as one statement per table.
 *
 *     fiber ─► gather_read ─► [keys of this turn, per table] ─end of turn─► one statement ─► results ─► fibers
 *
 * A lone request goes at once, at the end of its turn; there is no timer. While two batches of writes are under way, those that
 * come gather until one has ended, so that under load each commit covers many. A key is at most once in a batch of writes (the
 * second one waits for the next batch); rows are written in key order; a batch that certainly failed is halved, so that an error
 * stays with its request. One worker, one thread.
 */
#pragma once

#include "gateway/store/store.h"

struct read_gather;
struct write_gather;
struct item_place;
struct item_row;

enum lf_code read_gather_new(struct worker *worker, struct read_gather **ret_gather, struct err *err) MUST_CHECK;
void read_gather_free(struct read_gather *gather); /* NULL is fine */

/* Items of a table in the item store. Suspends the fiber. */
enum lf_code read_gather_get(struct read_gather *gather, const struct table *table, const struct item_place *places, size_t count,
                             struct arena *arena, struct stored_item *ret_items, struct err *err) MUST_CHECK;

enum lf_code write_gather_new(struct worker *worker, struct write_gather **ret_gather, struct err *err) MUST_CHECK;
void write_gather_free(struct write_gather *gather); /* NULL is fine */

/* Rows of one kind and one answer to has_images, in transactions of the gateway's choice: their is_applied is set. Keys must
 * differ from those of all writes under way in this worker (write.h sees to that). Suspends the fiber. */
enum lf_code write_gather_put(struct write_gather *gather, const struct table *table, struct item_row **rows, size_t count,
                              struct err *err) MUST_CHECK;
