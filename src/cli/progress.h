/*
 * progress: how far a long command is, on standard error.
 *
 * On a terminal one line with a bar is redrawn; elsewhere a line is written every PROGRESS_LINE_SECONDS. Rate and time left are
 * of this run: what an earlier run had done is not counted. Nothing is drawn for runs that end sooner. Main thread only.
 *
 *     backfill  [##########----------]  51 %  1,020,000 items  104,220/s  0:09 left
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_LINE_SECONDS = 10, PROGRESS_TEXT_BYTES = 200 };

struct progress {
    const char *what; /* borrowed: "backfill" */
    bool is_terminal;
    bool has_line; /* a line stands on the terminal and must go */
    double started, drawn;
    uint64_t first_items;  /* when it began */
    double first_fraction; /* when it began; < 0: nothing was shown yet */
};

void progress_begin(struct progress *progress, const char *what);

/* `fraction` is the share done, 0 to 1, or negative when unknown. Call as often as you like; draws a few times a second. */
void progress_show(struct progress *progress, uint64_t items, double fraction);

/* Takes the line off the terminal. */
void progress_end(struct progress *progress);

/* The line at `now` seconds, without colour or newline. Pure. */
void progress_render(const struct progress *progress, double now, uint64_t items, double fraction, char out[PROGRESS_TEXT_BYTES]);
