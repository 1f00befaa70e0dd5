/* landfall backfill: loads a source, and says how many rows went where. */
#include "move/backfill.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "cli/violations.h"

static const char *table_text(void *context, size_t row, size_t column)
{
    static char text[256]; /* the main thread alone prints */
    const struct backfill_result *result = context;
    if (column == 1)
        return count_text(result->tables[row].rows, text);
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(result->tables[row].table));
    return text;
}

static void print_load(const struct backfill_result *result)
{
    static const char *const headings[] = { "table", "rows" };
    char items[2 * COUNT_TEXT_BYTES], load[SECONDS_TEXT_BYTES], index[SECONDS_TEXT_BYTES], number[COUNT_TEXT_BYTES];
    const struct backfill_progress *totals = &result->totals;
    double new_items = (double)(totals->items - result->items_resumed);
    if (result->items_resumed > 0 && result->items_resumed == totals->items) {
        printf("%s had been loaded by an earlier run, nothing was left to do\n",
               count_of_text(totals->items, "item", "items", items));
        return;
    }
    output_table(headings, 2, result->table_count, table_text, (void *)result);
    printf("%s loaded in %s", count_of_text(totals->items, "item", "items", items), seconds_text(result->load_seconds, load));
    if (result->load_seconds > 0)
        printf(" (%s/s)", count_text((uint64_t)(new_items / result->load_seconds), number));
    printf(", indexes and constraints in %s\n", seconds_text(result->index_seconds, index));
    if (result->items_resumed > 0)
        printf("%s of them by an earlier run\n", count_text(result->items_resumed, number));
    printf("%s unclaimed, in landfall.item\n", count_text(totals->unclaimed, number));
    printf("%s rejected\n", count_text(totals->rejected, number));
}

static void print_changes(const struct backfill_result *result)
{
    char windows[2 * COUNT_TEXT_BYTES], written[2 * COUNT_TEXT_BYTES], deleted[COUNT_TEXT_BYTES], seconds[SECONDS_TEXT_BYTES];
    const struct changes_result *changes = &result->changes;
    printf("%s applied in %s: %s written, %s deleted\n",
           count_of_text(changes->windows, "incremental export", "incremental exports", windows),
           seconds_text(result->changes_seconds, seconds), count_of_text(changes->written, "item", "items", written),
           count_text(changes->deleted, deleted));
}

static void print_text(const struct source *source, const struct backfill_result *result)
{
    if (source->file_count > 0) {
        print_load(result);
        violations_print(&result->violations);
    }
    if (source->window_count > 0)
        print_changes(result);
}

static enum lf_code print_json(const struct backfill_result *result, const struct stage_profile *profile, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "items", result->totals.items);
    json_out_count(&json, "resumed", result->items_resumed);
    json_out_count(&json, "unclaimed", result->totals.unclaimed);
    json_out_count(&json, "rejected", result->totals.rejected);
    json_out_number(&json, "load_seconds", result->load_seconds);
    json_out_number(&json, "index_seconds", result->index_seconds);
    json_out_count(&json, "windows", result->changes.windows);
    json_out_count(&json, "changes_written", result->changes.written);
    json_out_count(&json, "changes_deleted", result->changes.deleted);
    json_out_open(&json, "tables", '[');
    for (size_t i = 0; i < result->table_count; i++) {
        json_out_open(&json, NULL, '{');
        json_out_text(&json, "table", result->tables[i].table);
        json_out_count(&json, "rows", result->tables[i].rows);
        json_out_close(&json, '}');
    }
    json_out_close(&json, ']');
    violations_put_json(&json, &result->violations);
    profile_put_json(&json, profile);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code print_result(const struct cli_options *options, const struct source *source,
                                 const struct backfill_result *result, const struct stage_profile *profile, struct err *err)
{
    char items[2 * COUNT_TEXT_BYTES];
    if (options->json)
        TRY(print_json(result, profile, err));
    else
        print_text(source, result);
    if (!options->json)
        profile_print(profile);
    TRY(violations_check(&result->violations, err));
    if (result->totals.rejected == 0)
        return LF_OK;
    return ERR(err, LF_REJECTS, "%s rejected; see %s%slandfall.reject",
               count_of_text(result->totals.rejected, "line was", "lines were", items), options->rejects ? options->rejects : "",
               options->rejects ? " and " : "");
}

static enum lf_code backfill(const struct cli_options *options, struct source *source, struct arena *arena, struct err *err)
{
    struct stage_profile clocks = { 0 };
    struct backfill_options backfill = {
        .postgres = options->postgres,
        .migrations = options->migrations,
        .rejects = options->rejects,
        .jobs = command_jobs(options),
        .profile = options->profile ? &clocks : NULL,
        .lease_seconds = (unsigned)options->lease,
    };
    struct map map;
    struct backfill_result result;
    TRY(command_read_map(options, arena, &map, &backfill.map_yaml, err));
    TRY(command_open_source(options, source, err));
    TRY(command_load(&map, source, &backfill, arena, &result, err));
    return print_result(options, source, &result, backfill.profile, err);
}

enum lf_code command_backfill(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    SOURCE_CLEANUP struct source source = { 0 };
    arena_init(&arena, COMMAND_ARENA_BYTES);
    return backfill(options, &source, &arena, err);
}
