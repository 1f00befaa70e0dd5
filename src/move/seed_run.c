#include "move/seed_run.h"

#include "move/crew.h"

enum {
    ITEMS_PER_PART = 50 * 1000,
    ITEM_ARENA_BYTES = 64 * 1024 * 1024,
};

struct run {
    const struct map *map;
    const struct seed *seed;
    struct crew crew;
    struct export_folder folder;
    _Atomic uint64_t next_part;
};

struct part {
    size_t table;
    uint64_t first, end;
};

/* Part `at` of all tables' parts; false when there are no more. */
static bool find_part(const struct run *run, uint64_t at, struct part *ret_part)
{
    for (size_t t = 0; t < run->map->table_count; t++) {
        uint64_t items = seed_table_items(run->seed, t), parts = (items + ITEMS_PER_PART - 1) / ITEMS_PER_PART;
        if (at < parts) {
            uint64_t first = at * ITEMS_PER_PART, left = items - first;
            *ret_part = (struct part){ t, first, first + (left < ITEMS_PER_PART ? left : ITEMS_PER_PART) };
            return true;
        }
        at -= parts;
    }
    return false;
}

static enum lf_code write_part(struct run *run, const struct part *part, struct export_writer *writer, struct arena *arena,
                               struct err *err)
{
    TRY(export_writer_turn(writer, part->table, err));
    for (uint64_t n = part->first; n < part->end; n++) {
        struct seed_item made;
        arena_reset(arena);
        TRY(seed_make(run->seed, part->table, n, arena, &made, err));
        TRY(export_writer_put(writer, &made.item, err));
        TRY(crew_count(&run->crew, err));
    }
    return export_writer_finish(writer, err);
}

static enum lf_code write_parts(struct run *run, struct export_writer *writer, struct arena *arena, struct err *err)
{
    struct part part;
    while (find_part(run, atomic_fetch_add(&run->next_part, 1), &part))
        TRY(write_part(run, &part, writer, arena, err));
    return LF_OK;
}

static enum lf_code work(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    (void)worker, (void)conn;
    struct run *run = context;
    struct export_writer writer = { .folder = &run->folder };
    struct arena arena;
    arena_init(&arena, ITEM_ARENA_BYTES);
    enum lf_code code = write_parts(run, &writer, &arena, err);
    export_writer_done(&writer);
    arena_done(&arena);
    return code;
}

static enum lf_code run_crew(struct run *run, const char *dir, struct export_result *ret_result, struct err *err)
{
    TRY(export_folder_open(&run->folder, run->map, dir, err));
    TRY(crew_run(&run->crew, work, run, err));
    return export_folder_finish(&run->folder, ret_result, err);
}

enum lf_code seed_run(const struct map *map, const struct seed *seed, const struct seed_run_options *options, seed_report *report,
                      void *context, struct export_result *ret_result, struct err *err)
{
    struct run run = {
        .map = map,
        .seed = seed,
        .crew = { .needs_no_connection = true, .jobs = options->jobs, .report = report, .report_context = context },
    };
    for (size_t t = 0; t < map->table_count; t++)
        run.crew.items_total += seed_table_items(seed, t);
    enum lf_code code = run_crew(&run, options->dir, ret_result, err);
    export_folder_close(&run.folder);
    return code;
}
