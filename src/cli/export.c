/* landfall export: the target as a DynamoDB export. */
#include "move/export.h"

#include "cli/command.h"
#include "cli/export_report.h"
#include "cli/output.h"
#include "cli/progress.h"

static enum lf_code print_json(const struct cli_options *options, const struct export_result *result, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "folder", span_from_cstr(options->output));
    json_out_count(&json, "items", result->items);
    json_out_count(&json, "files", result->files);
    json_out_count(&json, "bytes", result->bytes);
    json_out_count(&json, "unmapped", result->unmapped.items);
    json_out_number(&json, "seconds", result->seconds);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

enum lf_code command_export(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct export_options export = { .postgres = options->postgres, .dir = options->output, .jobs = command_jobs(options) };
    struct export_result result;
    struct map map;
    struct span yaml;
    struct progress progress;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    progress_begin(&progress, "export");
    enum lf_code code = export_run(&map, &export, export_report_progress, &progress, &result, err);
    progress_end(&progress);
    TRY(code);
    command_note_unmapped("export", &result.unmapped);
    if (options->json)
        return print_json(options, &result, err);
    export_report_print(options, &result);
    return LF_OK;
}
