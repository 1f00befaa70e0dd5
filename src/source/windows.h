/* windows: the incremental exports of a source, in order and without a gap; the rules are in source.h. */
#pragma once

#include "source/source.h"

/* Sorts source->windows and leaves out those that ended before the full export of their table; `notice` is told. Error: LF_SOURCE
 * for a gap, naming both times. */
enum lf_code windows_order(struct source *source, struct buf *notice, struct err *err) MUST_CHECK;

/*
 * Which windows follow a state of their table that shows the instant `position_us`: *ret_first is the first of them from `first`
 * on, `end` when there is none. Error: LF_SOURCE for a gap between the state and the window.
 */
enum lf_code windows_following(const struct source *source, size_t first, size_t end, int64_t position_us, size_t *ret_first,
                               struct err *err) MUST_CHECK;

/* The end of the windows of one table that begin at `first`. */
size_t windows_of_table_end(const struct source *source, size_t first);
