/* landfall inspect: drafts the map of a source, with a report for people; with --drift, holds its items against a map. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/draft.h"
#include "cli/drift.h"
#include "cli/files.h"
#include "cli/output.h"
#include "cli/profile.h"
#include "map/report.h"

static enum lf_code write_report(const struct cli_options *options, const struct draft_result *draft, struct err *err)
{
    if (!options->report)
        return LF_OK;
    BUF_CLEANUP struct buf html;
    buf_init(&html, COMMAND_ARENA_BYTES);
    report_put_html(&html, &draft->map, &draft->evidence);
    TRY(buf_check(&html, err));
    return file_write(options->report, buf_span(&html), err);
}

/* --- text --- */

struct entity_cells {
    const struct map_table *table;
    const struct table_evidence *evidence;
    char text[256];
};

static const char *entity_cell(void *context, size_t row, size_t column)
{
    struct entity_cells *cells = context;
    const struct entity *entity = &cells->table->entities[row];
    const struct entity_evidence *evidence = &cells->evidence->entities[row];
    switch (column) {
    case 0:
        snprintf(cells->text, sizeof cells->text, "%.*s", SPAN_ARG(entity->name));
        return cells->text;
    case 1:
        snprintf(cells->text, sizeof cells->text, "%.*s", SPAN_ARG(entity->table));
        return cells->text;
    case 2:
        return count_text(evidence->items, cells->text);
    case 3:
        return count_text(entity->column_count, cells->text);
    default:
        return count_text(evidence->unclaimed, cells->text);
    }
}

static void print_uncertain(const struct map_table *table, const struct table_evidence *evidence)
{
    for (size_t i = 0; i < table->entity_count; i++)
        for (size_t j = 0; j < evidence->entities[i].uncertain_count; j++)
            printf("  ? %.*s: %.*s\n", SPAN_ARG(table->entities[i].name), SPAN_ARG(evidence->entities[i].uncertain[j]));
}

static void print_table(const struct map_table *table, const struct table_evidence *evidence)
{
    static const char *const headings[] = { "entity", "table", "items", "columns", "unclaimed" };
    struct entity_cells cells = { .table = table, .evidence = evidence };
    char items[2 * COUNT_TEXT_BYTES];
    printf("%s%.*s%s: %s; %.*s\n", style_bold(), SPAN_ARG(table->name), style_end(),
           count_of_text(evidence->items, "item", "items", items), SPAN_ARG(evidence->decided_by));
    output_table(headings, sizeof headings / sizeof *headings, table->entity_count, entity_cell, &cells);
    print_uncertain(table, evidence);
}

static void print_text(const struct cli_options *options, const struct draft_result *draft)
{
    for (size_t i = 0; i < draft->map.table_count; i++)
        print_table(&draft->map.tables[i], &draft->evidence.tables[i]);
    printf("wrote %s%s%s\n", options->output, options->report ? " and " : "", options->report ? options->report : "");
}

/* --- JSON --- */

static void put_entity(struct buf *json, const struct entity *entity, const struct entity_evidence *evidence)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "entity", entity->name);
    json_out_text(json, "table", entity->table);
    json_out_count(json, "items", evidence->items);
    json_out_count(json, "columns", entity->column_count);
    json_out_count(json, "unclaimed", evidence->unclaimed);
    json_out_open(json, "uncertain", '[');
    for (size_t i = 0; i < evidence->uncertain_count; i++)
        json_out_text(json, NULL, evidence->uncertain[i]);
    json_out_close(json, ']');
    json_out_close(json, '}');
}

static void put_table(struct buf *json, const struct map_table *table, const struct table_evidence *evidence)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "table", table->name);
    json_out_count(json, "items", evidence->items);
    json_out_text(json, "decided_by", evidence->decided_by);
    json_out_open(json, "entities", '[');
    for (size_t i = 0; i < table->entity_count; i++)
        put_entity(json, &table->entities[i], &evidence->entities[i]);
    json_out_close(json, ']');
    json_out_close(json, '}');
}

static enum lf_code print_json(const struct cli_options *options, const struct draft_result *draft,
                               const struct stage_profile *profile, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "map", span_from_cstr(options->output));
    json_out_count(&json, "items", draft->items);
    json_out_open(&json, "tables", '[');
    for (size_t i = 0; i < draft->map.table_count; i++)
        put_table(&json, &draft->map.tables[i], &draft->evidence.tables[i]);
    json_out_close(&json, ']');
    profile_put_json(&json, profile);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

/* --- the command --- */

static enum lf_code inspect(const struct cli_options *options, struct source *source, struct arena *arena, struct err *err)
{
    static const enum enforce enforce[] = { [CLI_ENFORCE_CONTRACT] = ENFORCE_CONTRACT, [CLI_ENFORCE_NOW] = ENFORCE_NOW };
    struct infer_options infer = {
        .schema = span_from_cstr(options->schema),
        .type_share_min = options->type_share,
        .enforce = enforce[options->enforce],
    };
    struct draft_result draft;
    struct stage_profile clocks = { 0 }, *profile = options->profile ? &clocks : NULL;
    TRY(draft_map(source, &infer, command_jobs(options), profile, arena, &draft, err));
    TRY(draft_write(options->output, &draft.map, err));
    TRY(write_report(options, &draft, err));
    if (options->json)
        return print_json(options, &draft, profile, err);
    print_text(options, &draft);
    profile_print(profile);
    return LF_OK;
}

static enum lf_code inspect_draft(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    SOURCE_CLEANUP struct source source = { 0 };
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (!options->force)
        TRY(draft_check_overwrite(options->output, &arena, err));
    TRY(command_open_source(options, &source, err));
    TRY(source_require_items(&source, err));
    return inspect(options, &source, &arena, err);
}

enum lf_code command_inspect(const struct cli_options *options, struct err *err)
{
    if (options->drift && options->profile)
        return ERR(err, LF_USAGE, "--profile is of drafting, not of --drift");
    if (options->drift)
        return drift_inspect(options, err);
    struct cli_options with_output = *options;
    if (!with_output.output)
        with_output.output = "landfall.yaml";
    return inspect_draft(&with_output, err);
}
