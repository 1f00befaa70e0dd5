#include "move/verify_sums.h"

#include <stdlib.h>

#include "map/ddl.h"
#include "move/copy_rows.h"

enum { SUMS_SQL_BYTES = 256 * 1024 };

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
    struct scan scan = {
        .map = comparison->map,
        .source = read_source ? comparison->source : NULL,
        .overlay = comparison->overlay,
        .target = &comparison->parts,
        .wanted = comparison->wanted,
        .crew = &comparison->crew,
        .visit = add_item,
        .context = &tally,
    };
    enum lf_code code = scan_run(&scan, err);
    if (code == LF_OK) {
        if (read_source)
            add_up(&tally, jobs, SCAN_SOURCE, comparison->source_sums);
        add_up(&tally, jobs, SCAN_TARGET, comparison->target_sums);
    }
    free(tally.parities);
    return code;
}
