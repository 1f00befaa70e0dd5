#include "source/windows.h"

#include <stdlib.h>

#include "codec/timestamp.h"

static int compare_int64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* By end: the later end knows more. */
static int compare_windows(const void *left, const void *right)
{
    const struct source_window *a = left, *b = right;
    int order = compare_int64((int64_t)a->table, (int64_t)b->table);
    if (order == 0)
        order = compare_int64(a->to_us, b->to_us);
    if (order == 0)
        order = compare_int64(a->from_us, b->from_us);
    return order ? order : span_compare(a->name, b->name);
}

static struct span time_text(int64_t us, char text[TIMESTAMP_TEXT_BYTES])
{
    return span_of(text, timestamp_format(us, TIMESTAMP_ISO8601_MS, text));
}

static enum lf_code gap(const struct source *source, const struct source_window *window, int64_t position_us, struct err *err)
{
    char begins[TIMESTAMP_TEXT_BYTES], known[TIMESTAMP_TEXT_BYTES];
    return ERR(err, LF_SOURCE, "%.*s begins at %.*s, but table %.*s is known only up to %.*s: an export between them is missing",
               SPAN_ARG(window->name), SPAN_ARG(time_text(window->from_us, begins)), SPAN_ARG(source->tables[window->table].name),
               SPAN_ARG(time_text(position_us, known)));
}

size_t windows_of_table_end(const struct source *source, size_t first)
{
    size_t end = first;
    while (end < source->window_count && source->windows[end].table == source->windows[first].table)
        end++;
    return end;
}

enum lf_code windows_following(const struct source *source, size_t first, size_t end, int64_t position_us, size_t *ret_first,
                               struct err *err)
{
    while (first < end && source->windows[first].to_us <= position_us)
        first++;
    *ret_first = first;
    for (size_t i = first; i < end; i++) {
        if (source->windows[i].from_us > position_us)
            return gap(source, &source->windows[i], position_us, err);
        position_us = source->windows[i].to_us;
    }
    return LF_OK;
}

/* Moves the windows first … end - 1 to the others that are kept. */
static void keep(struct source *source, size_t first, size_t end, size_t *kept)
{
    if (first < end)
        memmove(source->windows + *kept, source->windows + first, (end - first) * sizeof *source->windows);
    *kept += end - first;
}

enum lf_code windows_order(struct source *source, struct buf *notice, struct err *err)
{
    size_t kept = 0;
    if (source->window_count)
        qsort(source->windows, source->window_count, sizeof *source->windows, compare_windows);
    for (size_t first = 0, end = 0; first < source->window_count; first = end) {
        size_t following;
        int64_t position = source->table_times[source->windows[first].table];
        end = windows_of_table_end(source, first);
        if (position == MANIFEST_TIME_UNKNOWN)
            position = source->windows[first].from_us;
        TRY(windows_following(source, first, end, position, &following, err));
        for (size_t i = first; i < following; i++)
            buf_printf(notice, "%.*s: left out, it ended before the full export\n", SPAN_ARG(source->windows[i].name));
        keep(source, following, end, &kept);
    }
    source->window_count = kept;
    return LF_OK;
}
