#include "move/verify_sums.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "map/ddl.h"
#include "move/copy_rows.h"

enum { SUMS_SQL_BYTES = 256 * 1024, PART_BYTES_MAX = PARITY_SEGMENTS * 32 };

/* The load whose sums count for a table; 0 when there is none. */
static enum lf_code find_load(struct pg_conn *conn, struct span table, struct span fingerprint, int64_t *ret_load,
                              struct err *err)
{
    static const char sql[] = "SELECT max(l.id) FROM landfall.load l"
                              " WHERE l.finished_at IS NOT NULL AND ($1 = '' OR l.fingerprint = $1)"
                              "   AND EXISTS (SELECT FROM landfall.segment s WHERE s.load_id = l.id AND s.table_name = $2)";
    struct pg_field values[] = { { fingerprint.len ? fingerprint.ptr : "", fingerprint.len }, { table.ptr, table.len } };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &result, err));
    *ret_load = pg_result_int64(result, 0, 0);
    return LF_OK;
}

static enum lf_code add_stored(struct copy_rows *rows, struct parity *sums, struct err *err)
{
    for (;;) {
        bool end;
        struct pg_field field;
        struct parity stored;
        TRY(copy_rows_next(rows, &field, 1, &end, err));
        if (end)
            return LF_OK;
        enum lf_code code = parity_read(span_of(field.data, field.len), &stored, err);
        if (code != LF_OK) {
            copy_rows_abort(rows);
            return err_while(err, "reading landfall.segment");
        }
        parity_add(sums, &stored);
    }
}

static enum lf_code add_load(struct pg_conn *conn, int64_t load, struct span table, struct parity *sums, struct err *err)
{
    struct buf sql;
    struct copy_rows rows;
    buf_init(&sql, SUMS_SQL_BYTES);
    buf_printf(&sql, "COPY (SELECT sums FROM landfall.segment WHERE load_id = %lld AND table_name = ", (long long)load);
    ddl_put_literal(&sql, table);
    buf_put_cstr(&sql, ") TO STDOUT (FORMAT binary)");
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = copy_rows_begin(conn, buf_cstr(&sql), &rows, err);
    if (code == LF_OK)
        code = add_stored(&rows, sums, err);
    buf_done(&sql);
    return code;
}

enum lf_code sums_of_record(struct pg_conn *conn, const struct comparison *comparison, struct span fingerprint,
                            struct parity *sums, bool *ret_found, struct err *err)
{
    const struct map *map = comparison->map;
    int64_t loads[LIMIT_TABLES] = { 0 };
    *ret_found = false;
    for (size_t t = 0; t < map->table_count; t++) {
        if (!comparison->wanted[t])
            continue;
        TRY(find_load(conn, map->tables[t].name, fingerprint, &loads[t], err));
        if (loads[t] == 0)
            return LF_OK;
    }
    for (size_t t = 0; t < map->table_count; t++)
        if (comparison->wanted[t])
            TRY(add_load(conn, loads[t], map->tables[t].name, &sums[t], err));
    *ret_found = true;
    return LF_OK;
}

/* Sums by worker, side and table, so that workers share nothing. */
struct tally {
    struct parity *parities; /* owned */
    size_t table_count;
};

static struct parity *tally_at(const struct tally *tally, unsigned worker, enum scan_side side, size_t table)
{
    return &tally->parities[((size_t)worker * SCAN_SIDES + side) * tally->table_count + table];
}

static enum lf_code add_item(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    (void)err;
    parity_add_item(tally_at(context, worker, item->side, item->table), &item->key, item->item);
    return LF_OK;
}

static void add_up(const struct tally *tally, unsigned jobs, enum scan_side side, struct parity *sums)
{
    for (unsigned worker = 0; worker < jobs; worker++)
        for (size_t table = 0; table < tally->table_count; table++)
            parity_add(&sums[table], tally_at(tally, worker, side, table));
}

enum lf_code sums_of_scan(struct comparison *comparison, bool read_source, struct err *err)
{
    unsigned jobs = comparison->crew.jobs;
    struct tally tally = { .table_count = comparison->map->table_count };
    tally.parities = calloc((size_t)jobs * SCAN_SIDES * tally.table_count, sizeof *tally.parities);
    if (!tally.parities)
        return ERR(err, LF_MEMORY, "out of memory for the sums of %u threads and %zu tables", jobs, tally.table_count);
    struct scan scan = comparison_scan(comparison, add_item, &tally);
    if (!read_source)
        scan.source = NULL;
    enum lf_code code = scan_run(&scan, err);
    if (code == LF_OK) {
        if (read_source)
            add_up(&tally, jobs, SCAN_SOURCE, comparison->source_sums);
        add_up(&tally, jobs, SCAN_TARGET, comparison->target_sums);
    }
    free(tally.parities);
    return code;
}

/* A run of several processes ----------------------------------------------------------------------------------------------- */

/* Sums of a file whose chunks several threads read. */
struct file_sums {
    struct parity sums;
    uint64_t read;  /* chunks */
    uint64_t total; /* 0 until the last one was read */
};

/* One scan over free parts. */
struct part_sums {
    const struct comparison *comparison;
    const struct share *share;
    struct parity *workers;   /* owned; what each read of its chunk or part */
    pthread_mutex_t mutex;    /* of files */
    struct file_sums **files; /* owned, and each; NULL where none was read yet or all was */
};

static enum lf_code add_to_worker(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    const struct part_sums *parts = context;
    (void)err;
    parity_add_item(&parts->workers[worker], &item->key, item->item);
    return LF_OK;
}

static enum lf_code finish_part(const struct part_sums *parts, uint64_t part, const struct parity *sums, struct err *err)
{
    struct buf bytes;
    buf_init(&bytes, PART_BYTES_MAX);
    parity_put(&bytes, sums);
    enum lf_code code = buf_check(&bytes, err);
    if (code == LF_OK)
        code = lease_finish(parts->share->lease, part, buf_span(&bytes), err);
    buf_done(&bytes);
    return code;
}

static enum lf_code open_file(void *context, size_t file, bool *ret_open, struct err *err)
{
    const struct part_sums *parts = context;
    return lease_take(parts->share->lease, file, ret_open, err);
}

static enum lf_code next_part(void *context, size_t *ret_part, bool *ret_end, struct err *err)
{
    const struct part_sums *parts = context;
    uint64_t part;
    bool taken;
    TRY(lease_take_next(parts->share->lease, parts->share->files, parts->share->parts, &part, &taken, err));
    *ret_end = !taken;
    *ret_part = (size_t)(part - parts->share->files);
    return LF_OK;
}

static enum lf_code part_read(void *context, unsigned worker, size_t part, struct err *err)
{
    const struct part_sums *parts = context;
    enum lf_code code = finish_part(parts, parts->share->files + part, &parts->workers[worker], err);
    parts->workers[worker] = (struct parity){ 0 };
    return code;
}

/* Gives the file's sums, no longer kept here, when this was its last missing chunk, else NULL. */
static struct file_sums *add_chunk(struct part_sums *parts, const struct source_chunk *chunk, const struct parity *sums,
                                   struct err *err)
{
    struct file_sums **slot = &parts->files[chunk->file];
    if (!*slot && !(*slot = calloc(1, sizeof **slot))) {
        (void)ERR(err, LF_MEMORY, "out of memory for the sums of a file");
        return NULL;
    }
    struct file_sums *file = *slot;
    parity_add(&file->sums, sums);
    file->read++;
    if (chunk->is_last)
        file->total = chunk->number + 1;
    if (file->read != file->total)
        return NULL;
    *slot = NULL;
    return file;
}

static enum lf_code chunk_read(void *context, unsigned worker, const struct source_chunk *chunk, struct err *err)
{
    struct part_sums *parts = context;
    pthread_mutex_lock(&parts->mutex);
    struct file_sums *whole = add_chunk(parts, chunk, &parts->workers[worker], err);
    pthread_mutex_unlock(&parts->mutex);
    parts->workers[worker] = (struct parity){ 0 };
    if (!whole)
        return err->code;
    enum lf_code code = finish_part(parts, chunk->file, &whole->sums, err);
    free(whole);
    return code;
}

static enum lf_code scan_free_parts(struct comparison *comparison, struct part_sums *parts, struct err *err)
{
    static const struct scan_share hooks = {
        .open_file = open_file, .chunk_read = chunk_read, .next_part = next_part, .part_read = part_read
    };
    struct scan scan = comparison_scan(comparison, add_to_worker, parts);
    scan.share = &hooks;
    if (!parts->share->files)
        scan.source = NULL;
    return scan_run(&scan, err);
}

static enum lf_code scan_locked(struct comparison *comparison, struct part_sums *parts, struct err *err)
{
    if (pthread_mutex_init(&parts->mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    enum lf_code code = scan_free_parts(comparison, parts, err);
    pthread_mutex_destroy(&parts->mutex);
    return code;
}

enum lf_code sums_of_free_parts(struct comparison *comparison, const struct share *share, struct err *err)
{
    struct part_sums parts = { .comparison = comparison, .share = share };
    parts.workers = calloc(comparison->crew.jobs, sizeof *parts.workers);
    parts.files = calloc(share->files + 1, sizeof(struct file_sums *)); /* never none: calloc may give NULL for that */
    enum lf_code code = parts.workers && parts.files
                            ? scan_locked(comparison, &parts, err)
                            : ERR(err, LF_MEMORY, "out of memory for the sums of %u threads and %zu files", comparison->crew.jobs,
                                  (size_t)share->files);
    for (size_t i = 0; parts.files && i < share->files; i++)
        free(parts.files[i]);
    free(parts.files);
    free(parts.workers);
    return code;
}

/* Where the sums of a part belong; NULL when the run has no such part. */
static struct parity *sums_of_part(const struct comparison *comparison, const struct share *share, const size_t *map_tables,
                                   uint64_t part)
{
    if (part < share->files)
        return &comparison->source_sums[map_tables[comparison->source->files[part].table]];
    if (part >= share->parts)
        return NULL;
    const struct map_table *table = comparison->parts.items[part - share->files].table;
    return &comparison->target_sums[table - comparison->map->tables];
}

static enum lf_code add_part(const struct comparison *comparison, const struct share *share, const size_t *map_tables,
                             const struct pg_field fields[2], struct err *err)
{
    struct pg_reader reader = { fields[0].data, fields[0].data + fields[0].len };
    struct parity sums;
    int64_t part;
    TRY(pg_get_int64(&reader, &part, err));
    TRY(parity_read(span_of(fields[1].data, fields[1].len), &sums, err));
    struct parity *all = sums_of_part(comparison, share, map_tables, (uint64_t)part);
    if (all)
        parity_add(all, &sums);
    return LF_OK;
}

static enum lf_code add_parts(const struct comparison *comparison, const struct share *share, const size_t *map_tables,
                              struct copy_rows *rows, struct err *err)
{
    for (;;) {
        bool end;
        struct pg_field fields[2];
        TRY(copy_rows_next(rows, fields, 2, &end, err));
        if (end)
            return LF_OK;
        if (add_part(comparison, share, map_tables, fields, err) != LF_OK) {
            copy_rows_abort(rows);
            return err_while(err, "reading landfall.lease");
        }
    }
}

enum lf_code sums_of_share(struct comparison *comparison, struct pg_conn *conn, const struct share *share, struct err *err)
{
    size_t map_tables[LIMIT_TABLES];
    char sql[160];
    struct copy_rows rows;
    if (share->files)
        TRY(scan_match_tables(comparison->map, comparison->source, map_tables, err));
    (void)snprintf(sql, sizeof sql,
                   "COPY (SELECT part, result FROM landfall.lease WHERE work = '%s' AND result IS NOT NULL)"
                   " TO STDOUT (FORMAT binary)",
                   lease_work(share->lease));
    TRY(copy_rows_begin(conn, sql, &rows, err));
    return add_parts(comparison, share, map_tables, &rows, err);
}
