#include "cli/profile.h"

#include <stdio.h>

#include "cli/output.h"

struct profile_rows {
    enum stage stages[STAGES];
    size_t count;
    struct stage_time times[STAGES];
    uint64_t cpu_ns;
    char text[32];
};

static struct profile_rows add_up(const struct stage_profile *profile)
{
    struct profile_rows rows = { 0 };
    stage_profile_sum(profile, rows.times);
    for (size_t i = 0; i < STAGES; i++) {
        rows.cpu_ns += rows.times[i].cpu_ns;
        if (rows.times[i].wall_ns > 0)
            rows.stages[rows.count++] = (enum stage)i;
    }
    return rows;
}

static double cpu_seconds(const struct stage_time *time)
{
    return (double)time->cpu_ns / 1e9;
}

/* The two clocks are not read at the same instant. */
static double wait_seconds(const struct stage_time *time)
{
    return time->wall_ns > time->cpu_ns ? (double)(time->wall_ns - time->cpu_ns) / 1e9 : 0;
}

static const char *cell(void *context, size_t row, size_t column)
{
    struct profile_rows *rows = context;
    const struct stage_time *time = &rows->times[rows->stages[row]];
    switch (column) {
    case 0:
        return stage_name(rows->stages[row]);
    case 1:
        snprintf(rows->text, sizeof rows->text, "%.2f", cpu_seconds(time));
        return rows->text;
    case 2:
        snprintf(rows->text, sizeof rows->text, "%.0f", rows->cpu_ns ? 100.0 * (double)time->cpu_ns / (double)rows->cpu_ns : 0);
        return rows->text;
    default:
        snprintf(rows->text, sizeof rows->text, "%.2f", wait_seconds(time));
        return rows->text;
    }
}

void profile_print(const struct stage_profile *profile)
{
    static const char *const headings[] = { "stage", "CPU s", "CPU %", "waiting s" };
    if (!profile)
        return;
    struct profile_rows rows = add_up(profile);
    output_table(headings, sizeof headings / sizeof *headings, rows.count, cell, &rows);
}

void profile_put_json(struct buf *json, const struct stage_profile *profile)
{
    if (!profile)
        return;
    struct profile_rows rows = add_up(profile);
    json_out_open(json, "profile", '[');
    for (size_t i = 0; i < rows.count; i++) {
        const struct stage_time *time = &rows.times[rows.stages[i]];
        json_out_open(json, NULL, '{');
        json_out_text(json, "stage", span_from_cstr(stage_name(rows.stages[i])));
        json_out_number(json, "cpu_seconds", cpu_seconds(time));
        json_out_number(json, "wait_seconds", wait_seconds(time));
        json_out_close(json, '}');
    }
    json_out_close(json, ']');
}
