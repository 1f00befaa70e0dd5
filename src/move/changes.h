/*
 * changes: brings a loaded target to the end of its source's windows (incremental exports).
 *
 *     landfall.window: how far each table is ── windows that follow, without a gap ── overlay: the last record of each key
 *       └─ with the last batch ◄──────── repair: rows of these keys give way to the images, or go ◄──┘
 *
 * What a window says of a key is its item at the window's end, so only the last record of each key matters, and all windows that
 * are pending are applied in one pass, by the code that repairs (repair.h): whichever table holds the key, landfall.item
 * included. Each batch is a transaction, and the windows' rows in landfall.window are in that of the last one (or in one more,
 * where items had to be written again): a run that ends before is done again from its beginning, which leaves the same rows. One
 * process at a time applies (an advisory lock). Until it is through, the target stands between two states of its source.
 * Constraints may be there already.
 */
#pragma once

#include "map/model.h"
#include "move/crew.h"
#include "source/source.h"

struct changes_options {
    const char *postgres;
    unsigned jobs;
    crew_report *report; /* may be NULL; true asks to stop (LF_INTERRUPTED) */
    void *report_context;
};

struct changes_result {
    uint64_t windows; /* applied by this run */
    uint64_t written, deleted;
};

/*
 * Errors: LF_PRECONDITION (a table of which no full export with a known time was loaded), LF_SOURCE (a gap between what is loaded
 * and the windows, naming both times), those of overlay_read, LF_SQL (rows that other rows still refer to would have to go),
 * LF_CONNECT, LF_MEMORY.
 */
enum lf_code changes_apply(const struct map *map, struct source *source, const struct changes_options *options,
                           struct changes_result *ret_result, struct err *err) MUST_CHECK;

/* Remembers that the table shows the instant of a full export. Again without harm. */
enum lf_code changes_record_full(struct pg_conn *conn, struct span table, int64_t time_us, struct err *err) MUST_CHECK;

/* LF_PRECONDITION when windows, or changes of a stream, were applied: the sums of the load are then not those of the source any
 * more. */
enum lf_code changes_check_none(struct pg_conn *conn, struct err *err) MUST_CHECK;
