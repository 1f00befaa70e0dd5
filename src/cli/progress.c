#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

enum { BAR_CELLS = 20 };

static const double redraw_seconds = 0.2;

void progress_begin(struct progress *progress, const char *what)
{
    double now = clock_seconds();
    *progress = (struct progress){
        .what = what, .is_terminal = isatty(STDERR_FILENO), .started = now, .drawn = now, .first_fraction = -1
    };
}

static void render_bar(double fraction, char out[BAR_CELLS + 1])
{
    int filled = (int)(fraction * BAR_CELLS);
    memset(out, '#', (size_t)filled);
    memset(out + filled, '-', (size_t)(BAR_CELLS - filled));
    out[BAR_CELLS] = '\0';
}

static double clamp_share(double share)
{
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static void render_left(double seconds, char out[SECONDS_TEXT_BYTES])
{
    unsigned left = (unsigned)(seconds + 0.5);
    if (left < 3600)
        snprintf(out, SECONDS_TEXT_BYTES, "%u:%02u left", left / 60, left % 60);
    else
        snprintf(out, SECONDS_TEXT_BYTES, "%u:%02u:%02u left", left / 3600, left / 60 % 60, left % 60);
}

void progress_render(const struct progress *progress, double now, uint64_t items, double fraction, char out[PROGRESS_TEXT_BYTES])
{
    char count[COUNT_TEXT_BYTES], rate[COUNT_TEXT_BYTES], bar[BAR_CELLS + 1], left[SECONDS_TEXT_BYTES] = "";
    double elapsed = now - progress->started;
    double advance = fraction - progress->first_fraction;
    uint64_t new_items = items > progress->first_items ? items - progress->first_items : 0;
    count_text(items, count);
    count_text(elapsed > 0 ? (uint64_t)((double)new_items / elapsed) : 0, rate);
    if (fraction < 0) {
        snprintf(out, PROGRESS_TEXT_BYTES, "%s  %s items  %s/s", progress->what, count, rate);
        return;
    }
    fraction = clamp_share(fraction);
    render_bar(fraction, bar);
    if (advance > 0)
        render_left(elapsed * (1 - fraction) / advance, left);
    snprintf(out, PROGRESS_TEXT_BYTES, "%s  [%s] %3.0f %%  %s items  %s/s  %s", progress->what, bar, fraction * 100, count, rate,
             left);
}

void progress_show(struct progress *progress, uint64_t items, double fraction)
{
    double now = clock_seconds();
    if (progress->first_fraction < 0) {
        progress->first_items = items;
        progress->first_fraction = clamp_share(fraction);
    }
    if (now - progress->drawn < (progress->is_terminal ? redraw_seconds : PROGRESS_LINE_SECONDS))
        return;
    char line[PROGRESS_TEXT_BYTES];
    progress_render(progress, now, items, fraction, line);
    fprintf(stderr, progress->is_terminal ? "\r\033[K%s" : "%s\n", line);
    fflush(stderr);
    progress->drawn = now;
    progress->has_line = progress->is_terminal;
}

void progress_end(struct progress *progress)
{
    if (progress->has_line)
        fputs("\r\033[K", stderr);
    progress->has_line = false;
}
