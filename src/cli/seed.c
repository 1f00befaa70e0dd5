/* landfall seed: items that fit a map. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/export_report.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "move/seed_run.h"

static void put_entities(struct buf *json, const struct map *map, const struct seed *seed)
{
    json_out_open(json, "entities", '{');
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            char name[LIMIT_KEY_NAME_BYTES + 1];
            (void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(entity->name));
            json_out_count(json, name, seed_entity_items(seed, entity));
        }
    json_out_close(json, '}');
}

static enum lf_code print_json(const struct cli_options *options, const struct map *map, const struct seed *seed,
                               const struct export_result *result, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "folder", span_from_cstr(options->output));
    json_out_count(&json, "items", result->items);
    put_entities(&json, map, seed);
    json_out_count(&json, "files", result->files);
    json_out_count(&json, "bytes", result->bytes);
    json_out_number(&json, "seconds", result->seconds);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code make(const struct cli_options *options, const struct map *map, const struct seed *seed,
                         struct export_result *ret_result, struct err *err)
{
    struct seed_run_options run = { .dir = options->output, .jobs = command_jobs(options) };
    struct progress progress;
    progress_begin(&progress, "seed");
    enum lf_code code = seed_run(map, seed, &run, export_report_progress, &progress, ret_result, err);
    progress_end(&progress);
    return code;
}

enum lf_code command_seed(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct seed_options what = { .items = (uint64_t)options->items,
                                 .seed = (uint64_t)options->seed,
                                 .odd_every = (uint64_t)options->odd,
                                 .counts = span_from_cstr(options->counts) };
    const struct seed *seed;
    struct export_result result;
    struct map map;
    struct span yaml;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    TRY(seed_new(&map, &what, &arena, &seed, err));
    TRY(make(options, &map, seed, &result, err));
    if (options->json)
        return print_json(options, &map, seed, &result, err);
    export_report_print(options, &result);
    return LF_OK;
}
