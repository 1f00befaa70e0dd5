/* landfall plan: the SQL that a map means, as migration files or on standard output. */
#include "cli/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/output.h"
#include "map/ddl.h"

/* YYYYMMDDHHMM00; the files are this plus their step. */
static uint64_t version_of_now(void)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    uint64_t day = ((uint64_t)utc.tm_year + 1900) * 10000 + ((uint64_t)utc.tm_mon + 1) * 100 + (uint64_t)utc.tm_mday;
    return day * 1000000 + (uint64_t)utc.tm_hour * 10000 + (uint64_t)utc.tm_min * 100;
}

static uint64_t version_of(const struct migration *migration)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.*s", SPAN_ARG(migration->version));
    return strtoull(digits, NULL, 10);
}

enum lf_code plan_write(const struct map *map, const char *dir, bool replace, struct arena *arena, size_t *ret_written,
                        struct err *err)
{
    struct migrate_plan_options options = { .dir = dir, .version_base = version_of_now(), .replace = replace };
    struct migration_list list = { 0 };
    if (file_exists(dir))
        TRY(migrate_read(dir, NULL, arena, &list, err));
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].step == MIGRATION_TABLES)
            options.version_base = version_of(&list.items[i]);
    return migrate_plan(map, &options, ret_written, err);
}

/* Versions are ordered as text, so two more digits lie between the number before the contract's and the contract's. */
static enum lf_code version_before(const struct migration_list *list, size_t contract, struct arena *arena,
                                   struct span *ret_version, struct err *err)
{
    uint64_t base = version_of(&list->items[contract]) - 1;
    for (unsigned i = 1; i <= 99; i++) {
        TRY(arena_printf(arena, ret_version, err, "%llu%02u", (unsigned long long)base, i));
        if (contract == 0 || span_compare(*ret_version, list->items[contract - 1].version) > 0)
            return LF_OK;
    }
    return ERR(err, LF_PRECONDITION, "no version is free before %.*s: give it a later one", SPAN_ARG(list->items[contract].path));
}

enum lf_code plan_next_version(const char *dir, struct arena *arena, struct span *ret_version, struct err *err)
{
    struct migration_list list = { 0 };
    if (file_exists(dir))
        TRY(migrate_read(dir, NULL, arena, &list, err));
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].step == MIGRATION_CONTRACT)
            return version_before(&list, i, arena, ret_version, err);
    return arena_printf(arena, ret_version, err, "%llu", (unsigned long long)version_of_now());
}

static enum lf_code print_sql(const struct map *map, struct err *err)
{
    BUF_CLEANUP struct buf sql;
    buf_init(&sql, COMMAND_ARENA_BYTES);
    for (enum migration_step step = MIGRATION_TABLES; step < MIGRATION_STEPS; step++) {
        buf_printf(&sql, "-- %s\n", migration_step_name(step));
        ddl_put_migration(&sql, map, step);
        buf_put_byte(&sql, '\n');
    }
    TRY(buf_check(&sql, err));
    fwrite(sql.data, 1, sql.len, stdout);
    return LF_OK;
}

static enum lf_code write_mermaid(const char *path, const struct map *map, struct err *err)
{
    if (!path)
        return LF_OK;
    BUF_CLEANUP struct buf diagram;
    buf_init(&diagram, COMMAND_ARENA_BYTES);
    ddl_put_mermaid(&diagram, map);
    TRY(buf_check(&diagram, err));
    return file_write(path, buf_span(&diagram), err);
}

static enum lf_code print_json(const struct migration_list *list, size_t written, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "written", written);
    json_out_open(&json, "files", '[');
    for (size_t i = 0; i < list->count; i++)
        json_out_text(&json, NULL, list->items[i].path);
    json_out_close(&json, ']');
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code print_files(const struct cli_options *options, size_t written, struct arena *arena, struct err *err)
{
    struct migration_list list;
    TRY(migrate_read(options->output, NULL, arena, &list, err));
    if (options->json)
        return print_json(&list, written, err);
    for (size_t i = 0; i < list.count; i++)
        printf("%.*s\n", SPAN_ARG(list.items[i].path));
    if (written == 0)
        printf("unchanged\n");
    return LF_OK;
}

static enum lf_code plan(const struct cli_options *options, struct arena *arena, struct err *err)
{
    struct map map;
    struct span yaml;
    size_t written;
    TRY(command_read_map(options, arena, &map, &yaml, err));
    TRY(write_mermaid(options->mermaid, &map, err));
    if (options->sql)
        return print_sql(&map, err);
    TRY(plan_write(&map, options->output, options->force, arena, &written, err));
    return print_files(options, written, arena, err);
}

enum lf_code command_plan(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    return plan(options, &arena, err);
}
