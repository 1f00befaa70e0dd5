#include "move/migrate_tables.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "move/migrate_file.h"

enum { STATEMENTS_BYTES_MAX = 64 * 1024 * 1024 };

/* Which statements are whose ----------------------------------------------------------------------------------------------- */

static struct table_statements *find(struct migrate_tables *tables, struct span table)
{
    for (size_t i = 0; i < tables->table_count; i++)
        if (span_equal(tables->tables[i].table, table))
            return &tables->tables[i];
    return NULL;
}

static size_t count_statements(struct span sql)
{
    struct span statement;
    size_t count = 0;
    while (migrate_next_statement(&sql, &statement))
        count++;
    return count;
}

static bool add_statement(struct migrate_tables *tables, struct span statement)
{
    struct span table;
    if (!migrate_indexed_table(statement, &table))
        return false;
    struct table_statements *found = find(tables, table);
    if (!found) {
        found = &tables->tables[tables->table_count++];
        *found = (struct table_statements){ .table = table };
    }
    found->count++;
    return true;
}

/* The next statement of the table. */
static bool next_statement(struct span *rest, struct span table, struct span *ret_statement)
{
    struct span its_table;
    while (migrate_next_statement(rest, ret_statement))
        if (migrate_indexed_table(*ret_statement, &its_table) && span_equal(its_table, table))
            return true;
    return false;
}

static enum lf_code add_checksum(struct span sql, struct table_statements *table, struct err *err)
{
    BUF_CLEANUP struct buf text;
    struct span statement;
    buf_init(&text, STATEMENTS_BYTES_MAX);
    while (next_statement(&sql, table->table, &statement)) {
        buf_put_span(&text, statement);
        buf_put_span(&text, SPAN(";\n"));
    }
    TRY(buf_check(&text, err));
    sha256_hex(buf_span(&text), table->checksum);
    return LF_OK;
}

enum lf_code migrate_tables_split(struct span sql, struct arena *arena, struct migrate_tables *ret_tables, struct err *err)
{
    struct migrate_tables tables = { .sql = sql };
    struct span rest = sql, statement;
    *ret_tables = tables;
    tables.tables = arena_calloc(arena, count_statements(sql) + 1, sizeof *tables.tables, err);
    if (!tables.tables)
        return err->code;
    while (migrate_next_statement(&rest, &statement))
        if (!add_statement(&tables, statement))
            return LF_OK;
    for (size_t i = 0; i < tables.table_count; i++)
        TRY(add_checksum(sql, &tables.tables[i], err));
    *ret_tables = tables;
    return LF_OK;
}

/* One table ---------------------------------------------------------------------------------------------------------------- */

/* Shared by the workers. */
struct tables_run {
    const struct migrate_tables *tables;
    struct span version;
    unsigned jobs;
    const struct pg_retry_policy *policy;
    struct crew crew;
    _Atomic size_t next;
};

struct table_work {
    const struct tables_run *run;
    const struct table_statements *table;
};

static enum lf_code is_on_record(const struct table_work *work, struct pg_conn *conn, bool *ret_is, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_text_field(work->run->version), pg_text_field(work->table->table) };
    TRY(pg_query(conn, "SELECT checksum FROM landfall.migration_table WHERE version = $1 AND table_name = $2",
                 &(struct pg_params){ .values = values, .count = 2 }, &result, err));
    *ret_is = pg_result_rows(result) > 0;
    if (!*ret_is || strcmp(pg_result_text(result, 0, 0), work->table->checksum) == 0)
        return LF_OK;
    return ERR(err, LF_MIGRATION,
               "%.*s was edited after it had been applied to table %.*s: put back what it said of that table, or take the tables "
               "back (`landfall migrate down`)",
               SPAN_ARG(work->run->version), SPAN_ARG(work->table->table));
}

/* What the server grants to one is for all. */
static enum lf_code share_memory(const struct tables_run *run, struct pg_conn *conn, struct err *err)
{
    return pg_execf(conn, err,
                    "SELECT pg_catalog.set_config('maintenance_work_mem', greatest(setting::bigint / %u, least(setting::bigint, "
                    "65536)) || 'kB', true) FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'",
                    run->jobs);
}

static enum lf_code run_statements(const struct table_work *work, struct pg_conn *conn, struct err *err)
{
    struct span rest = work->run->tables->sql, statement;
    while (next_statement(&rest, work->table->table, &statement)) {
        if (pg_execf(conn, err, "%.*s", SPAN_ARG(statement)) != LF_OK) {
            err->offset = statement.ptr - work->run->tables->sql.ptr + (err->offset > 0 ? err->offset : 0);
            return err->code;
        }
    }
    return LF_OK;
}

static enum lf_code put_on_record(const struct table_work *work, struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_text_field(work->run->version), pg_text_field(work->table->table),
                                 pg_text_field(span_from_cstr(work->table->checksum)) };
    return pg_query(conn, "INSERT INTO landfall.migration_table (version, table_name, checksum) VALUES ($1, $2, $3)",
                    &(struct pg_params){ .values = values, .count = 3 }, &result, err);
}

static enum lf_code do_table(void *context, struct pg_conn *conn, struct err *err)
{
    const struct table_work *work = context;
    bool is_done = false;
    TRY(is_on_record(work, conn, &is_done, err));
    if (is_done)
        return LF_OK;
    TRY(share_memory(work->run, conn, err));
    TRY(run_statements(work, conn, err));
    return put_on_record(work, conn, err);
}

/* All tables --------------------------------------------------------------------------------------------------------------- */

static enum lf_code do_tables(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct tables_run *run = context;
    (void)worker;
    for (size_t i; (i = atomic_fetch_add(&run->next, 1)) < run->tables->table_count;) {
        struct table_work work = { run, &run->tables->tables[i] };
        if (atomic_load(&run->crew.stop))
            return ERR(err, LF_INTERRUPTED, "stopped");
        TRY(pg_retry_transaction(conn, run->policy, do_table, &work, err));
    }
    return LF_OK;
}

static int by_size(const void *left, const void *right)
{
    const struct table_statements *a = left, *b = right;
    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

/* So that the last to end is a small one. */
static enum lf_code sort_by_size(struct migrate_tables *tables, struct pg_conn *conn, struct err *err)
{
    for (size_t i = 0; i < tables->table_count; i++) {
        PG_RESULT_CLEANUP struct pg_result *result = NULL;
        struct pg_field name = pg_text_field(tables->tables[i].table);
        TRY(pg_query(conn, "SELECT coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass($1)), 0)",
                     &(struct pg_params){ .values = &name, .count = 1 }, &result, err));
        tables->tables[i].bytes = pg_result_int64(result, 0, 0);
    }
    qsort(tables->tables, tables->table_count, sizeof *tables->tables, by_size);
    return LF_OK;
}

enum lf_code migrate_tables_run(struct migrate_tables *tables, struct span version, struct pg_conn *conn, unsigned jobs,
                                const struct pg_retry_policy *policy, struct err *err)
{
    jobs = jobs > tables->table_count ? (unsigned)tables->table_count : jobs;
    struct tables_run run = {
        .tables = tables,
        .version = version,
        .jobs = jobs,
        .policy = policy,
        .crew = { .like = conn, .jobs = jobs },
    };
    TRY(sort_by_size(tables, conn, err));
    return crew_run(&run.crew, do_tables, &run, err);
}
