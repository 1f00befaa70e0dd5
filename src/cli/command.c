#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file_text.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "map/map_yaml.h"

unsigned command_jobs(const struct cli_options *options)
{
    long processors = options->jobs ? (long)options->jobs : sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1)
        return 1;
    return processors > LIMIT_JOBS ? LIMIT_JOBS : (unsigned)processors;
}

enum lf_code command_read_map(const struct cli_options *options, struct arena *arena, struct map *ret_map, struct span *ret_yaml,
                              struct err *err)
{
    enum lf_code code = file_text_read(span_from_cstr(options->map), LIMIT_MAP_BYTES, arena, ret_yaml, err);
    if (code == LF_NOT_FOUND)
        return ERR(err, LF_NOT_FOUND, "%s: there is no such map; `landfall inspect SOURCE` drafts one", options->map);
    TRY(code);
    return map_read_yaml(*ret_yaml, options->map, arena, ret_map, err);
}

enum lf_code command_open_source(const struct cli_options *options, struct source *ret_source, struct err *err)
{
    struct source_options source = { .key = options->key,
                                     .table = options->table,
                                     .region = options->region,
                                     .endpoint = options->endpoint,
                                     .max_rcu = options->max_rcu,
                                     .is_over = interrupt_flag() };
    TRY(source_open(options->source, &source, ret_source, err));
    if (ret_source->notice.len > 0)
        fprintf(stderr, "%.*s", SPAN_ARG(ret_source->notice));
    return LF_OK;
}

enum lf_code command_confirm(const struct cli_options *options, const char *what, struct err *err)
{
    char answer[16] = "";
    if (options->yes)
        return LF_OK;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
        fprintf(stderr, "This %s. Go on? [y/N] ", what);
        if (fgets(answer, sizeof answer, stdin) && (!strcmp(answer, "y\n") || !strcmp(answer, "yes\n")))
            return LF_OK;
    }
    return ERR(err, LF_USAGE, "this %s; say --yes to do it", what);
}

void command_note_unmapped(const char *command, const struct unmapped *unmapped)
{
    char items[2 * COUNT_TEXT_BYTES];
    if (unmapped->items)
        fprintf(stderr, "landfall %s: left out: %s in landfall.item of tables that the map does not have (%s)\n", command,
                count_of_text(unmapped->items, "item", "items", items), unmapped->tables);
}

static double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : -1;
}

static bool show_backfill(void *context, const struct backfill_progress *now)
{
    progress_show(context, now->items, share_of((double)now->bytes_read, (double)now->bytes_total));
    return interrupt_asked();
}

enum lf_code command_load(const struct map *map, struct source *source, const struct backfill_options *backfill,
                          struct arena *arena, struct backfill_result *ret_result, struct err *err)
{
    struct progress progress;
    progress_begin(&progress, "backfill");
    enum lf_code code = backfill_run(map, source, backfill, show_backfill, &progress, arena, ret_result, err);
    progress_end(&progress);
    return code;
}

static bool show_verify(void *context, uint64_t items_read, uint64_t items_total)
{
    progress_show(context, items_read, share_of((double)items_read, (double)items_total));
    return interrupt_asked();
}

enum lf_code command_compare(const struct map *map, struct source *source, const struct verify_options *verify,
                             struct arena *arena, struct verify_result *ret_result, struct err *err)
{
    struct progress progress;
    progress_begin(&progress, "verify");
    enum lf_code code = verify_run(map, source, verify, show_verify, &progress, arena, ret_result, err);
    progress_end(&progress);
    return code;
}
