#include "move/export.h"

#include "base/limits.h"
#include "move/crew.h"
#include "move/target.h"

enum {
    EXPORT_PAGES_PER_PART = 2048, /* 16 MB */
    EXPORT_PARTS_BYTES = 256 * 1024 * 1024,
};

struct export
{
    const struct map *map;
    const struct export_options *options;
    struct snapshot snapshot;
    struct target_parts parts;
    _Atomic size_t next_part;
    struct crew crew;
    struct export_folder folder;
    struct arena arena; /* of parts */
};

/* One worker: it fills one file at a time, of the table whose part it reads. */
struct exporter {
    struct export *export;
    struct export_writer writer;
};

static enum lf_code write_item(void *context, const struct target_item *row, struct err *err)
{
    struct exporter *exporter = context;
    TRY(export_writer_put(&exporter->writer, row->item, err));
    return crew_count(&exporter->export->crew, err);
}

static enum lf_code write_parts(struct exporter *exporter, struct pg_conn *conn, struct err *err)
{
    struct export *export = exporter->export;
    for (;;) {
        size_t next = atomic_fetch_add(&export->next_part, 1);
        if (next >= export->parts.count)
            return export_writer_finish(&exporter->writer, err);
        const struct target_part *part = &export->parts.items[next];
        TRY(export_writer_turn(&exporter->writer, (size_t)(part->table - export->map->tables), err));
        TRY(target_read(conn, export->map, part, NULL, write_item, exporter, err));
    }
}

static enum lf_code work(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    (void)worker;
    struct export *export = context;
    struct exporter exporter = { .export = export, .writer = { .folder = &export->folder } };
    enum lf_code code = write_parts(&exporter, conn, err);
    export_writer_done(&exporter.writer);
    return code;
}

static enum lf_code run(struct export *export, struct export_result *ret_result, struct err *err)
{
    TRY(snapshot_open(export->options->postgres, &export->snapshot, err));
    export->crew.snapshot = export->snapshot.name;
    TRY(target_plan(export->snapshot.conn, export->map, EXPORT_PAGES_PER_PART, &export->arena, &export->parts, err));
    export->crew.items_total = export->parts.row_estimate;
    TRY(export_folder_open(&export->folder, export->map, export->options->dir, err));
    TRY(crew_run(&export->crew, work, export, err));
    return export_folder_finish(&export->folder, ret_result, err);
}

enum lf_code export_run(const struct map *map, const struct export_options *options, export_report *report, void *context,
                        struct export_result *ret_result, struct err *err)
{
    struct export export = {
        .map = map,
        .options = options,
        .crew = { .postgres = options->postgres, .jobs = options->jobs, .report = report, .report_context = context },
    };
    arena_init(&export.arena, EXPORT_PARTS_BYTES);
    struct export_result result = { 0 };
    enum lf_code code = run(&export, &result, err);
    if (code == LF_OK)
        code = control_unmapped(export.snapshot.conn, map, &result.unmapped, err);
    if (code == LF_OK)
        *ret_result = result;
    export_folder_close(&export.folder);
    snapshot_close(&export.snapshot);
    arena_done(&export.arena);
    return code;
}
