#include "move/scan.h"

#include "base/limits.h"
#include "item/canonical.h"
#include "move/backfill.h"
#include "move/overlay.h"
#include "move/rejected_items.h"
#include "source/records.h"

enum { SCAN_ARENA_BYTES = 64 * 1024 * 1024 /* for one line, read */ };

struct scan_work {
    const struct scan *scan;
    const size_t *map_tables; /* of each table of the source, its index in the map */
    struct rejected_items rejected;
    _Atomic size_t next_part; /* of the target */
};

#define NO_WINDOW SIZE_MAX

/* What one worker visits with. */
struct scanner {
    const struct scan *scan;
    unsigned worker;
    size_t window; /* whose changes are read, NO_WINDOW while it is items */
    struct rejected_items *rejected;
    struct arena *arena;
    struct stage_clock *clock; /* may be NULL */
};

static size_t table_index(const struct map *map, const struct map_table *table)
{
    return (size_t)(table - map->tables);
}

static bool is_reject(enum lf_code code)
{
    return code == LF_SYNTAX || code == LF_ITEM || code == LF_LIMIT;
}

static enum lf_code visit_item(const struct scanner *scanner, size_t table, const struct source_records *records, struct err *err)
{
    const struct scan *scan = scanner->scan;
    struct item item;
    struct scan_item seen = { .side = SCAN_SOURCE, .table = table, .item = &item, .arena = scanner->arena };
    enum lf_code code = source_records_item(records, scanner->arena, &item, err);
    if (code == LF_OK)
        code = key_of_item(&scan->map->tables[table].key, &item, scanner->arena, &seen.key, err);
    if (is_reject(code)) {
        *err = (struct err)ERR_INIT;
        return LF_OK;
    }
    if (code != LF_OK)
        return code;
    if (scan->overlay && overlay_find(scan->overlay, table, &seen.key))
        return LF_OK;
    if (rejected_items_take(scanner->rejected, table, &seen.key, &item))
        return LF_OK;
    stage_part(scanner->clock, STAGE_SUMS);
    TRY(scan->visit(scan->context, scanner->worker, &seen, err));
    return crew_count(scan->crew, err);
}

/* The image of a key whose last window this is. That the record can be read was seen when the overlay was made. */
static enum lf_code visit_change(const struct scanner *scanner, size_t table, const struct source_records *records,
                                 struct err *err)
{
    const struct scan *scan = scanner->scan;
    struct item_change change;
    struct scan_item seen = { .side = SCAN_SOURCE, .table = table, .item = &change.image, .arena = scanner->arena };
    TRY(source_records_change(records, scanner->arena, &change, err));
    TRY(key_of_item(&scan->map->tables[table].key, &change.keys, scanner->arena, &seen.key, err));
    const struct overlay_key *last = overlay_find(scan->overlay, table, &seen.key);
    if (!last || last->window != scanner->window + 1 || last->is_delete)
        return LF_OK;
    stage_part(scanner->clock, STAGE_SUMS);
    TRY(scan->visit(scan->context, scanner->worker, &seen, err));
    return crew_count(scan->crew, err);
}

static enum lf_code visit_records(const struct scanner *scanner, size_t table, struct source_records *records, struct err *err)
{
    for (;;) {
        bool end;
        TRY(source_records_next(records, &end, err));
        if (end)
            return LF_OK;
        stage_item(scanner->clock, STAGE_PARSE);
        TRY((scanner->window == NO_WINDOW ? visit_item : visit_change)(scanner, table, records, err));
        arena_reset(scanner->arena);
    }
}

static enum lf_code visit_chunk(const struct scanner *scanner, size_t table, const struct source_chunk *chunk, struct err *err)
{
    struct source_records records;
    source_records_init(&records, chunk);
    (void)stage_enter(scanner->clock, STAGE_ITEMS);
    enum lf_code code = visit_records(scanner, table, &records, err);
    source_records_done(&records);
    return code;
}

/* Of the source itself or of one of its windows. */
static enum lf_code take_chunks(const struct scan_work *work, const struct scanner *scanner, struct source *source,
                                struct source_chunk *chunk, struct err *err)
{
    for (;;) {
        bool end;
        (void)stage_enter(scanner->clock, STAGE_READ);
        TRY(source_next(source, chunk, &end, err));
        if (end)
            return LF_OK;
        size_t table = work->map_tables[source->files[chunk->file].table];
        if (scanner->scan->wanted[table])
            TRY(visit_chunk(scanner, table, chunk, err));
        if (scanner->scan->share)
            TRY(scanner->scan->share->chunk_read(scanner->scan->context, scanner->worker, chunk, err));
    }
}

static enum lf_code read_chunks(const struct scan_work *work, struct scanner *scanner, struct source_chunk *chunk,
                                struct err *err)
{
    const struct scan *scan = scanner->scan;
    if (!scan->changes_only)
        TRY(take_chunks(work, scanner, scan->source, chunk, err));
    for (size_t i = 0; scan->overlay && i < scan->source->window_count; i++) {
        scanner->window = i;
        TRY(take_chunks(work, scanner, scan->source->windows[i].changes, chunk, err));
    }
    return LF_OK;
}

static enum lf_code read_source(const struct scan_work *work, struct scanner *scanner, struct err *err)
{
    struct source_chunk chunk;
    source_chunk_init(&chunk);
    enum lf_code code = read_chunks(work, scanner, &chunk, err);
    source_chunk_done(&chunk);
    return code;
}

/* The bytes of a row's key, or those of its hash when it has none. */
static enum lf_code key_of_row(const struct map_table *table, const struct target_item *row, struct key *ret_key, struct err *err)
{
    struct err key_err = ERR_INIT;
    enum lf_code code = key_of_item(&table->key, row->item, row->arena, ret_key, &key_err);
    if (code != LF_ITEM && code != LF_LIMIT) {
        if (code != LF_OK)
            *err = key_err;
        return code;
    }
    struct hash128 hash = item_hash(row->item);
    *ret_key = (struct key){ 0 };
    return arena_copy(row->arena, span_of((const char *)&hash, sizeof hash), &ret_key->partition, err);
}

static enum lf_code visit_row(void *context, const struct target_item *row, struct err *err)
{
    const struct scanner *scanner = context;
    const struct scan *scan = scanner->scan;
    const struct map_table *table = row->part->table;
    struct scan_item seen = {
        .side = SCAN_TARGET, .table = table_index(scan->map, table), .item = row->item, .row = row, .arena = row->arena
    };
    TRY(key_of_row(table, row, &seen.key, err));
    TRY(scan->visit(scan->context, scanner->worker, &seen, err));
    return crew_count(scan->crew, err);
}

static enum lf_code next_part(struct scan_work *work, size_t *ret_part, bool *ret_end, struct err *err)
{
    const struct scan *scan = work->scan;
    if (scan->share)
        return scan->share->next_part(scan->context, ret_part, ret_end, err);
    *ret_part = atomic_fetch_add(&work->next_part, 1);
    *ret_end = *ret_part >= scan->target->count;
    return LF_OK;
}

static enum lf_code read_target(struct scan_work *work, struct scanner *scanner, struct pg_conn *conn, struct err *err)
{
    const struct scan *scan = scanner->scan;
    for (;;) {
        size_t next;
        bool end;
        TRY(next_part(work, &next, &end, err));
        if (end)
            return LF_OK;
        const struct target_part *part = &scan->target->items[next];
        if (scan->wanted[table_index(scan->map, part->table)])
            TRY(target_read(conn, scan->map, part, scanner->clock, visit_row, scanner, err));
        if (scan->share)
            TRY(scan->share->part_read(scan->context, scanner->worker, next, err));
    }
}

static enum lf_code work_scan(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct scan_work *work = context;
    struct arena arena;
    arena_init(&arena, SCAN_ARENA_BYTES);
    struct scanner scanner = {
        .scan = work->scan,
        .worker = worker,
        .window = NO_WINDOW,
        .rejected = &work->rejected,
        .arena = &arena,
        .clock = stage_worker(work->scan->crew->profile, worker),
    };
    enum lf_code code = work->scan->source ? read_source(work, &scanner, err) : LF_OK;
    arena_done(&arena);
    if (code == LF_OK && work->scan->target)
        code = read_target(work, &scanner, conn, err);
    return code;
}

enum lf_code scan_match_tables(const struct map *map, const struct source *source, size_t ret_indexes[], struct err *err)
{
    if (source->table_count > LIMIT_TABLES)
        return ERR(err, LF_LIMIT, "the source has %zu tables, more than %d", source->table_count, LIMIT_TABLES);
    for (size_t i = 0; i < source->table_count; i++) {
        struct span name = source->tables[i].name;
        const struct map_table *table = map_find_table(map, name);
        if (!table)
            return ERR(err, LF_MAP, "the map has no table %.*s, which the source has", SPAN_ARG(name));
        ret_indexes[i] = table_index(map, table);
    }
    return LF_OK;
}

static enum lf_code read_rejected(const struct scan *scan, struct rejected_items *ret_rejected, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    struct arena arena;
    struct span fingerprint;
    TRY(pg_connect(scan->crew->postgres, &conn, err));
    arena_init(&arena, SCAN_ARENA_BYTES);
    enum lf_code code = backfill_fingerprint(scan->source, &arena, &fingerprint, err);
    if (code == LF_OK)
        code = rejected_items_read(conn, scan->map, fingerprint, ret_rejected, err);
    arena_done(&arena);
    return code;
}

enum lf_code scan_run(struct scan *scan, struct err *err)
{
    size_t map_tables[LIMIT_TABLES];
    struct scan_work work = { .scan = scan, .map_tables = map_tables };
    if (scan->source) {
        TRY(scan_match_tables(scan->map, scan->source, map_tables, err));
        TRY(read_rejected(scan, &work.rejected, err));
        source_rewind(scan->source);
        source_set_gate(scan->source, scan->share ? scan->share->open_file : NULL, scan->context);
    }
    atomic_store(&scan->crew->items_done, 0);
    enum lf_code code = crew_run(scan->crew, work_scan, &work, err);
    rejected_items_done(&work.rejected);
    return code;
}
