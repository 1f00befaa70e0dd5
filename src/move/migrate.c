#include "move/migrate.h"

#include <time.h>

#include "base/backoff.h"
#include "move/control.h"
#include "move/migrate_file.h"
#include "move/migrate_indexes.h"
#include "pg/retry.h"
#include "pg/sql_gen.h"

/* All runs of all hosts on one database meet here; the number is "landfall" in ASCII. */
static const char sql_lock[] = "SELECT pg_catalog.pg_try_advisory_xact_lock(7809644606330596460)::integer";

enum {
    ARENA_BYTES_MAX = 512 * 1024 * 1024,
    LOCK_WAIT_SECONDS_MAX = 12 * 3600, /* another host may be building the indexes of a large table */
};

static const struct pg_retry_policy ddl_policy = {
    .attempts_max = 20, .lock_timeout_ms = 3000, .delay_ms_min = 500, .delay_ms_max = 15 * 1000
};
static const struct pg_retry_policy lock_policy = {
    .attempts_max = 1, .lock_timeout_ms = 3000, .delay_ms_min = 50, .delay_ms_max = 2000
};

enum direction { UP, DOWN };

/* One call of migrate_up or migrate_down. */
struct run {
    struct pg_conn *conn; /* borrowed */
    struct pg_conn *lock; /* owned; its transaction is the lock */
    const char *dir;
    enum direction direction;
    unsigned jobs;
    migrate_progress *progress;
    void *context;
    struct arena arena; /* holds the list */
    struct migration_list list;
};

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- one run at a time --- */

/* The transaction stays open when the lock was got. */
static enum lf_code try_lock(struct pg_conn *lock, bool *ret_locked, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_exec(lock, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0", err));
    TRY(pg_query(lock, sql_lock, NULL, &result, err));
    *ret_locked = pg_result_int64(result, 0, 0) != 0;
    return *ret_locked ? LF_OK : pg_exec(lock, "ROLLBACK", err);
}

/* Asks again and again and does not wait inside a statement, whose snapshot the holder's CREATE INDEX CONCURRENTLY would wait
 * for. */
static enum lf_code take_lock(struct run *run, struct err *err)
{
    struct backoff backoff;
    backoff_init(&backoff, lock_policy.delay_ms_min, lock_policy.delay_ms_max, backoff_seed());
    double deadline = now_seconds() + LOCK_WAIT_SECONDS_MAX;
    bool locked = false;
    TRY(pg_connect_again(run->conn, &run->lock, err));
    TRY(try_lock(run->lock, &locked, err));
    while (!locked) {
        if (now_seconds() > deadline)
            return ERR(err, LF_PRECONDITION, "another migration of this database has been running for %d hours",
                       LOCK_WAIT_SECONDS_MAX / 3600);
        backoff_wait(&backoff);
        TRY(try_lock(run->lock, &locked, err));
    }
    return LF_OK;
}

/* The lock went with its connection if that broke. */
static enum lf_code check_lock(struct run *run, struct err *err)
{
    return pg_exec(run->lock, "SELECT 1", err) == LF_OK ? LF_OK : err_while(err, "holding the lock of migrations");
}

/* --- SQL of a file --- */

static struct span sql_of(const struct run *run, const struct migration *migration)
{
    return run->direction == UP ? migration->up : migration->down;
}

static bool stands_alone(const struct run *run, const struct migration *migration)
{
    return run->direction == UP ? migration->up_alone : migration->down_alone;
}

/* What to do where the data break what the map promises of them. */
static const char *advice(const struct err *err)
{
    static const char unique[] = "23505", foreign_key[] = "23503";
    if (strcmp(err->sqlstate, unique) == 0)
        return "; the source holds an item twice, or `primary_key` or `unique` of the map names too few columns: put it right, "
               "take the tables back (`landfall migrate down`), then plan --force, migrate up and load again";
    if (strcmp(err->sqlstate, foreign_key) == 0)
        return "; rows have no parent: repair them, or change the key in the map (`enforce: contract` lets it wait), then "
               "`landfall plan --force` and `landfall migrate up`";
    return "";
}

/* Says where in the file it failed. `at` is the place of the statement in the SQL, and PostgreSQL's offset counts from there. Of
 * several statements sent at once it does not always say which one it was. */
static enum lf_code name_place(const struct run *run, const struct migration *migration, size_t at, struct err *err)
{
    const char *verb = run->direction == UP ? "applying" : "taking back";
    struct span sql = sql_of(run, migration);
    int64_t offset = err->offset;
    err->offset = -1;
    if (offset < 0 && !stands_alone(run, migration))
        return err_while(err, "%s %.*s%s", verb, SPAN_ARG(migration->path), advice(err));
    size_t place = at + (offset > 0 ? (size_t)offset : 0);
    unsigned line = run->direction == UP ? migration->up_line : migration->down_line;
    for (size_t i = 0; i < place && i < sql.len; i++)
        line += sql.ptr[i] == '\n';
    return err_while(err, "%s %.*s:%u%s", verb, SPAN_ARG(migration->path), line, advice(err));
}

/* --- bookkeeping --- */

static const char sql_applied[] = "INSERT INTO public.schema_migrations (version) VALUES ($1)";
static const char sql_applied_here[] =
    "WITH event AS (INSERT INTO landfall.event (what, detail)"
    "  VALUES ('migrate up', pg_catalog.jsonb_build_object('version', $1::text, 'name', $2::text)))"
    " INSERT INTO landfall.migration (version, name, checksum) VALUES ($1, $2, $3)"
    " ON CONFLICT (version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum, applied_at = pg_catalog.now()";
static const char sql_taken_back[] = "DELETE FROM public.schema_migrations WHERE version = $1";
static const char sql_taken_back_here[] =
    "WITH event AS (INSERT INTO landfall.event (what, detail)"
    "  VALUES ('migrate down', pg_catalog.jsonb_build_object('version', $1::text, 'name', $2::text)))"
    " DELETE FROM landfall.migration WHERE version = $1";

/* What was loaded went with the tables, or was never in these. The next load begins anew. */
static const char sql_forget_loads[] = "DELETE FROM landfall.load; DELETE FROM landfall.item; DELETE FROM landfall.window";

static enum lf_code execute(struct pg_conn *conn, const char *sql, const struct migration *migration, size_t param_count,
                            struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_text_field(migration->version), pg_text_field(migration->name),
                                 pg_text_field(migration->checksum) };
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = param_count }, &result, err);
}

/* Asked inside the transaction, because the contract migration has dropped the table a moment before. */
static enum lf_code has_own_books(struct pg_conn *conn, bool *ret_has, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, "SELECT (pg_catalog.to_regclass('landfall.migration') IS NOT NULL)::integer", NULL, &result, err));
    *ret_has = pg_result_int64(result, 0, 0) != 0;
    return LF_OK;
}

/* In a folder of several the first holds the tables that are loaded. */
static bool makes_the_tables(const struct run *run, const struct migration *migration)
{
    const struct migration *first = run->list.items;
    while (first->step != MIGRATION_TABLES && first < migration)
        first++;
    return first == migration && migration->step == MIGRATION_TABLES;
}

static enum lf_code record(const struct run *run, const struct migration *migration, struct pg_conn *conn, struct err *err)
{
    bool here;
    TRY(has_own_books(conn, &here, err));
    TRY(execute(conn, run->direction == UP ? sql_applied : sql_taken_back, migration, 1, err));
    if (!here)
        return LF_OK;
    if (makes_the_tables(run, migration))
        TRY(pg_exec(conn, sql_forget_loads, err));
    TRY(pg_exec(conn, "DELETE FROM landfall.migration_statement", err));
    return run->direction == UP ? execute(conn, sql_applied_here, migration, 3, err)
                                : execute(conn, sql_taken_back_here, migration, 2, err);
}

/* --- one migration --- */

struct job {
    const struct run *run;
    const struct migration *migration;
};

static enum lf_code work_in_transaction(void *context, struct pg_conn *conn, struct err *err)
{
    const struct job *job = context;
    if (pg_exec(conn, sql_of(job->run, job->migration).ptr, err) != LF_OK)
        return name_place(job->run, job->migration, 0, err);
    if (!pg_in_transaction(conn))
        return ERR(err, LF_MIGRATION, "%.*s ends the transaction it runs in: mark it transaction:false",
                   SPAN_ARG(job->migration->path));
    return record(job->run, job->migration, conn, err);
}

static enum lf_code work_record(void *context, struct pg_conn *conn, struct err *err)
{
    const struct job *job = context;
    return record(job->run, job->migration, conn, err);
}

/* IF NOT EXISTS would take the ruin of an earlier try for the index. */
static enum lf_code drop_invalid_index(struct pg_conn *conn, struct span statement, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct span name, table;
    if (!migrate_concurrent_index(statement, &name, &table))
        return LF_OK;
    struct pg_field values[] = { pg_text_field(table), pg_text_field(name) };
    TRY(pg_query(conn,
                 "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_index i"
                 " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                 " WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = (pg_catalog.parse_ident($2))[1]"
                 " AND NOT i.indisvalid",
                 &(struct pg_params){ .values = values, .count = 2 }, &result, err));
    if (pg_result_rows(result) == 0)
        return LF_OK;
    return pg_execf(conn, err, "DROP INDEX CONCURRENTLY %s", pg_result_text(result, 0, 0));
}

static enum lf_code run_statement(struct pg_conn *conn, struct span statement, struct err *err)
{
    TRY(drop_invalid_index(conn, statement, err));
    enum lf_code code = pg_execf(conn, err, "%.*s", SPAN_ARG(statement));
    if (code != LF_OK) {
        struct err ignored = ERR_INIT; /* what failed first is what counts */
        (void)!drop_invalid_index(conn, statement, &ignored);
    }
    return code;
}

static enum lf_code run_statements(const struct run *run, const struct migration *migration, struct err *err)
{
    struct span rest = sql_of(run, migration), statement;
    while (migrate_next_statement(&rest, &statement))
        if (run_statement(run->conn, statement, err) != LF_OK)
            return name_place(run, migration, (size_t)(statement.ptr - sql_of(run, migration).ptr), err);
    if (pg_in_transaction(run->conn)) {
        TRY(pg_exec(run->conn, "ROLLBACK", err));
        return ERR(err, LF_MIGRATION, "%.*s begins a transaction and does not end it", SPAN_ARG(migration->path));
    }
    return LF_OK;
}

/* No statements when it is to be one transaction. */
static enum lf_code split_indexes(struct run *run, const struct migration *migration, struct migrate_indexes *ret_indexes,
                                  struct err *err)
{
    bool has_books = false;
    *ret_indexes = (struct migrate_indexes){ 0 };
    if (run->direction == DOWN || migration->step != MIGRATION_INDEXES || run->jobs < 2)
        return LF_OK;
    TRY(has_own_books(run->conn, &has_books, err));
    return has_books ? migrate_indexes_split(migration->up, &run->arena, ret_indexes, err) : LF_OK;
}

static enum lf_code run_indexes(struct run *run, const struct migration *migration, struct migrate_indexes *indexes,
                                struct err *err)
{
    enum lf_code code = migrate_indexes_run(indexes, migration->version, run->conn, run->jobs, &ddl_policy, err);
    return code == LF_SQL ? name_place(run, migration, 0, err) : code;
}

static enum lf_code run_as_it_must(struct run *run, const struct migration *migration, struct err *err)
{
    struct job job = { run, migration };
    struct migrate_indexes indexes;
    pg_work *last = work_record;
    TRY(split_indexes(run, migration, &indexes, err));
    if (stands_alone(run, migration))
        TRY(run_statements(run, migration, err));
    else if (indexes.count > 1)
        TRY(run_indexes(run, migration, &indexes, err));
    else
        last = work_in_transaction;
    return pg_retry_transaction(run->conn, &ddl_policy, last, &job, err);
}

static enum lf_code run_migration(struct run *run, const struct migration *migration, struct err *err)
{
    double start = now_seconds();
    TRY(check_lock(run, err));
    TRY(run_as_it_must(run, migration, err));
    if (run->progress)
        run->progress(run->context, migration, now_seconds() - start);
    return LF_OK;
}

/* --- up and down --- */

static enum lf_code work_prepare(void *context, struct pg_conn *conn, struct err *err)
{
    const bool *needs_control = context;
    TRY(pg_exec(conn, "CREATE TABLE IF NOT EXISTS public.schema_migrations (version varchar(128) PRIMARY KEY)", err));
    return *needs_control ? pg_exec(conn, sql_control, err) : LF_OK;
}

/* After the contract migration nothing of Landfall comes back. */
static enum lf_code prepare(struct run *run, struct err *err)
{
    bool needs_control = true;
    for (size_t i = 0; i < run->list.count; i++)
        if (run->list.items[i].step == MIGRATION_CONTRACT && run->list.items[i].applied)
            needs_control = false;
    return pg_retry_transaction(run->conn, &ddl_policy, work_prepare, &needs_control, err);
}

static enum lf_code read_locked(struct run *run, struct err *err)
{
    TRY(take_lock(run, err));
    return migrate_read(run->dir, run->conn, &run->arena, &run->list, err);
}

static enum lf_code up(struct run *run, enum migration_step last, struct err *err)
{
    TRY(control_check_owner(run->conn, err));
    TRY(read_locked(run, err));
    if (run->list.count == 0)
        return ERR(err, LF_PRECONDITION, "%s holds no migrations: run `landfall plan`", run->dir);
    TRY(prepare(run, err));
    enum migration_step step = MIGRATION_TABLES;
    for (size_t i = 0; i < run->list.count; i++) {
        const struct migration *migration = &run->list.items[i];
        if (migration->step != MIGRATION_STEPS) /* a file of people's own goes with the step before it */
            step = migration->step;
        if (step > last)
            break;
        if (!migration->applied)
            TRY(run_migration(run, migration, err));
    }
    return LF_OK;
}

static enum lf_code down(struct run *run, struct err *err)
{
    TRY(read_locked(run, err));
    size_t newest = run->list.count;
    while (newest > 0 && !run->list.items[newest - 1].applied)
        newest--;
    if (newest == 0)
        return ERR(err, LF_PRECONDITION, "none of the migrations in %s is applied", run->dir);
    return run_migration(run, &run->list.items[newest - 1], err);
}

static void run_init(struct run *run)
{
    arena_init(&run->arena, ARENA_BYTES_MAX);
}

/* The lock goes with its connection. */
static void run_done(struct run *run)
{
    pg_close(run->lock);
    arena_done(&run->arena);
}

enum lf_code migrate_up(struct pg_conn *conn, const struct migrate_up_options *options, struct err *err)
{
    struct run run = {
        .conn = conn,
        .dir = options->dir,
        .direction = UP,
        .jobs = options->jobs,
        .progress = options->progress,
        .context = options->context,
    };
    run_init(&run);
    enum lf_code code = up(&run, options->last, err);
    run_done(&run);
    return code;
}

enum lf_code migrate_down(struct pg_conn *conn, const char *dir, migrate_progress *progress, void *context, struct err *err)
{
    struct run run = { .conn = conn, .dir = dir, .direction = DOWN, .progress = progress, .context = context };
    run_init(&run);
    enum lf_code code = down(&run, err);
    run_done(&run);
    return code;
}
