#include "cli/drift.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/draft.h"
#include "cli/files.h"
#include "cli/interrupt.h"
#include "cli/items.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "map/column_codec.h"
#include "map/drift.h"

enum { DRIFT_FILE_BYTES_MAX = 64 * 1024 * 1024 };

/* --- counting --- */

struct drift_reader {
    struct drift_worker *worker; /* owned */
    const size_t *tables;        /* of the source to those of the map */
};

static enum lf_code observe(void *context, const struct source_file *file, const struct item *item, struct err *err)
{
    const struct drift_reader *reader = context;
    return drift_observe(reader->worker, reader->tables[file->table], item, err);
}

static enum lf_code match_tables(const struct source *source, const struct map *map, struct arena *arena, size_t **ret_tables,
                                 struct err *err)
{
    size_t *tables = arena_calloc(arena, source->table_count, sizeof *tables, err);
    if (!tables)
        return err->code;
    for (size_t i = 0; i < source->table_count; i++) {
        const struct map_table *table = map_find_table(map, source->tables[i].name);
        if (!table)
            return ERR(err, LF_MAP, "the map has no table %.*s, which the source has; inspect without --drift drafts it",
                       SPAN_ARG(source->tables[i].name));
        tables[i] = (size_t)(table - map->tables);
    }
    *ret_tables = tables;
    return LF_OK;
}

static enum lf_code count(const struct cli_options *options, struct source *source, struct drift_reader *readers, unsigned jobs,
                          struct arena *arena, struct drift_report *ret_report, struct err *err)
{
    void *contexts[LIMIT_JOBS] = { 0 };
    struct drift_worker *workers[LIMIT_JOBS] = { 0 };
    uint64_t items;
    for (unsigned i = 0; i < jobs; i++) {
        contexts[i] = &readers[i];
        workers[i] = readers[i].worker;
    }
    TRY(items_read(source, observe, contexts, jobs, NULL, &items, err));
    if (interrupt_asked())
        return ERR(err, LF_INTERRUPTED, "stopped before every item was read");
    return drift_finish(workers, jobs, options->type_share, arena, ret_report, err);
}

static enum lf_code count_drift(const struct cli_options *options, struct source *source, const struct map *map,
                                struct arena *arena, struct drift_report *ret_report, struct err *err)
{
    struct drift_reader readers[LIMIT_JOBS] = { 0 };
    unsigned jobs = command_jobs(options);
    size_t *tables = NULL;
    TRY(match_tables(source, map, arena, &tables, err));
    enum lf_code code = LF_OK;
    for (unsigned i = 0; i < jobs && !code; i++) {
        readers[i].tables = tables;
        code = drift_worker_new(map, &readers[i].worker, err);
    }
    if (!code)
        code = count(options, source, readers, jobs, arena, ret_report, err);
    for (unsigned i = 0; i < jobs; i++)
        drift_worker_free(readers[i].worker);
    return code;
}

/* --- the folder of proposals --- */

static enum lf_code make_folder(const char *path, struct err *err)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? LF_OK : ERR(err, LF_IO, "cannot create the folder %s", path);
}

static enum lf_code write_proposal(const struct drift_report *report, void (*put)(struct buf *, const struct drift_report *),
                                   const char *path, struct err *err)
{
    BUF_CLEANUP struct buf text;
    buf_init(&text, DRIFT_FILE_BYTES_MAX);
    put(&text, report);
    TRY(buf_check(&text, err));
    return file_write(path, buf_span(&text), err);
}

/* Sets `ret_path` to the migration's, empty when there is nothing to propose. */
static enum lf_code write_proposals(const struct cli_options *options, const struct drift_report *report, struct arena *arena,
                                    struct span *ret_path, struct err *err)
{
    struct span version, columns;
    *ret_path = SPAN("");
    if (!options->output || report->proposal_count + report->wider_count == 0)
        return LF_OK;
    TRY(make_folder(options->output, err));
    TRY(plan_next_version(options->migrations, arena, &version, err));
    TRY(arena_printf(arena, &columns, err, "%s/columns.yaml", options->output));
    TRY(arena_printf(arena, ret_path, err, "%s/%.*s_drift.sql", options->output, SPAN_ARG(version)));
    TRY(write_proposal(report, drift_put_columns, columns.ptr, err));
    return write_proposal(report, drift_put_migration, ret_path->ptr, err);
}

/* --- text --- */

static const char *cause_text(const struct drift_attribute *attribute)
{
    static const char *const texts[] = {
        [DRIFT_NO_COLUMN] = "no column names it",
        [DRIFT_NOT_HELD] = "its column cannot hold it",
        [DRIFT_NOT_WHOLE] = "its columns do not take all of it",
        [DRIFT_NOT_REBUILT] = "its template gives another value",
    };
    return attribute->types.len ? texts[attribute->cause] : "absent, though its template gives it";
}

static void print_examples(const struct span *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s%.*s", i ? ", " : " e.g. ", SPAN_ARG(examples[i]));
}

static void print_proposal(const struct drift_attribute *attribute)
{
    if (attribute->proposal)
        printf("; proposed: column %.*s %s", SPAN_ARG(attribute->proposal->name), column_type_name(attribute->proposal->type));
    else if (attribute->wider)
        printf("; %.*s could be %s", SPAN_ARG(attribute->column->name), column_type_name(attribute->wider->type));
    else if (attribute->cause == DRIFT_NO_COLUMN && attribute->is_index_key)
        printf("; a key of an index: write a template for it");
}

static void print_attribute(const struct drift_attribute *attribute)
{
    char items[COUNT_TEXT_BYTES];
    printf("  %.*s in %s: %s", SPAN_ARG(attribute->attr), count_text(attribute->items, items), cause_text(attribute));
    if (attribute->types.len)
        printf(" (%.*s)", SPAN_ARG(attribute->types));
    print_examples(attribute->examples, attribute->example_count);
    print_proposal(attribute);
    putchar('\n');
}

static void print_entity(const struct drift_entity *entity)
{
    char drifted[COUNT_TEXT_BYTES], items[2 * COUNT_TEXT_BYTES];
    if (entity->drifted == 0)
        return;
    printf("%s%.*s%s: %s of %s with something in ddb_extra\n", style_bold(), SPAN_ARG(entity->entity->name), style_end(),
           count_text(entity->drifted, drifted), count_of_text(entity->items, "item", "items", items));
    for (size_t i = 0; i < entity->attribute_count; i++)
        print_attribute(&entity->attributes[i]);
}

static void print_unclaimed(const struct drift_table *table)
{
    char count[COUNT_TEXT_BYTES], items[2 * COUNT_TEXT_BYTES];
    if (table->unclaimed == 0)
        return;
    printf("%s%.*s%s: %s that no entity claims, whole in landfall.item\n", style_bold(), SPAN_ARG(table->table->name),
           style_end(), count_of_text(table->unclaimed, "item", "items", items));
    for (size_t i = 0; i < table->reason_count; i++) {
        printf("  %s: %.*s", count_text(table->reasons[i].items, count), SPAN_ARG(table->reasons[i].text));
        print_examples(table->reasons[i].keys, table->reasons[i].key_count);
        putchar('\n');
    }
    if (table->other_reasons)
        printf("  %s: other reasons\n", count_text(table->other_reasons, count));
}

static void print_text(const struct cli_options *options, const struct drift_report *report, struct span migration)
{
    char items[2 * COUNT_TEXT_BYTES], drifted[COUNT_TEXT_BYTES];
    if (report->drifted == 0) {
        printf("no drift: %s fit%s the map\n", count_of_text(report->items, "item", "items", items),
               report->items == 1 ? "s" : "");
        return;
    }
    for (size_t t = 0; t < report->map->table_count; t++) {
        print_unclaimed(&report->tables[t]);
        for (size_t e = 0; e < report->tables[t].entity_count; e++)
            print_entity(&report->tables[t].entities[e]);
    }
    printf("%s of %s drifted\n", count_text(report->drifted, drifted), count_of_text(report->items, "item", "items", items));
    if (migration.len)
        printf("wrote %s/columns.yaml and %.*s\n", options->output, SPAN_ARG(migration));
    else if (report->proposal_count + report->wider_count)
        printf("-o DIR writes the columns proposed, as lines for the map and a migration\n");
}

/* --- JSON --- */

static void put_texts(struct buf *json, const char *name, const struct span *texts, size_t count)
{
    json_out_open(json, name, '[');
    for (size_t i = 0; i < count; i++)
        json_out_text(json, NULL, texts[i]);
    json_out_close(json, ']');
}

static void put_attribute(struct buf *json, const struct drift_attribute *attribute)
{
    static const char *const causes[] = { "no_column", "not_held", "not_whole", "not_rebuilt" };
    json_out_open(json, NULL, '{');
    json_out_text(json, "attribute", attribute->attr);
    json_out_text(json, "cause", span_from_cstr(causes[attribute->cause]));
    json_out_count(json, "items", attribute->items);
    json_out_text(json, "types", attribute->types);
    put_texts(json, "examples", attribute->examples, attribute->example_count);
    if (attribute->proposal) {
        json_out_text(json, "column", attribute->proposal->name);
        json_out_text(json, "type", span_from_cstr(column_type_name(attribute->proposal->type)));
    }
    if (attribute->wider)
        json_out_text(json, "wider_type", span_from_cstr(column_type_name(attribute->wider->type)));
    json_out_close(json, '}');
}

static void put_entity(struct buf *json, const struct drift_entity *entity)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "entity", entity->entity->name);
    json_out_count(json, "items", entity->items);
    json_out_count(json, "drifted", entity->drifted);
    json_out_count(json, "unclaimed", entity->unclaimed);
    json_out_open(json, "attributes", '[');
    for (size_t i = 0; i < entity->attribute_count; i++)
        put_attribute(json, &entity->attributes[i]);
    json_out_close(json, ']');
    json_out_close(json, '}');
}

static void put_reason(struct buf *json, const struct drift_reason *reason)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "reason", reason->text);
    json_out_count(json, "items", reason->items);
    put_texts(json, "keys", reason->keys, reason->key_count);
    json_out_close(json, '}');
}

static void put_table(struct buf *json, const struct drift_table *table)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "table", table->table->name);
    json_out_count(json, "items", table->items);
    json_out_count(json, "unclaimed", table->unclaimed);
    json_out_open(json, "reasons", '[');
    for (size_t i = 0; i < table->reason_count; i++)
        put_reason(json, &table->reasons[i]);
    json_out_close(json, ']');
    json_out_open(json, "entities", '[');
    for (size_t i = 0; i < table->entity_count; i++)
        put_entity(json, &table->entities[i]);
    json_out_close(json, ']');
    json_out_close(json, '}');
}

static enum lf_code print_json(const struct drift_report *report, struct span migration, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "items", report->items);
    json_out_count(&json, "drifted", report->drifted);
    if (migration.len)
        json_out_text(&json, "migration", migration);
    json_out_open(&json, "tables", '[');
    for (size_t i = 0; i < report->map->table_count; i++)
        put_table(&json, &report->tables[i]);
    json_out_close(&json, ']');
    json_out_close(&json, '}');
    return output_json(&json, err);
}

/* --- the command --- */

static enum lf_code inspect_drift(const struct cli_options *options, struct source *source, const struct map *map,
                                  struct arena *arena, struct err *err)
{
    struct drift_report report = { 0 };
    struct span migration = { NULL, 0 };
    TRY(count_drift(options, source, map, arena, &report, err));
    TRY(write_proposals(options, &report, arena, &migration, err));
    if (options->json)
        TRY(print_json(&report, migration, err));
    else
        print_text(options, &report, migration);
    return report.drifted ? ERR(err, LF_DIFFERENCES, "items no longer fit the map") : LF_OK;
}

enum lf_code drift_inspect(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    SOURCE_CLEANUP struct source source = { 0 };
    struct map map;
    struct span yaml;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (options->report)
        return ERR(err, LF_USAGE, "--drift drafts no map that --report could show");
    TRY(command_read_map(options, &arena, &map, &yaml, err));
    TRY(command_open_source(options, &source, err));
    TRY(source_require_items(&source, err));
    return inspect_drift(options, &source, &map, &arena, err);
}
