#include "move/migrate_indexes.h"

#include <pthread.h>

#include "base/arena.h"
#include "move/migrate_file.h"

/* The statements ----------------------------------------------------------------------------------------------------------- */

static size_t count_statements(struct span sql)
{
    struct span statement;
    size_t count = 0;
    while (migrate_next_statement(&sql, &statement))
        count++;
    return count;
}

enum lf_code migrate_indexes_split(struct span sql, struct arena *arena, struct migrate_indexes *ret_indexes, struct err *err)
{
    struct migrate_indexes indexes = { .sql = sql };
    struct span rest = sql, text;
    *ret_indexes = indexes;
    indexes.statements = arena_calloc(arena, count_statements(sql) + 1, sizeof *indexes.statements, err);
    if (!indexes.statements)
        return err->code;
    while (migrate_next_statement(&rest, &text)) {
        struct index_statement *statement = &indexes.statements[indexes.count++];
        *statement = (struct index_statement){ .text = text };
        if (!migrate_indexed_table(text, &statement->table, &statement->alters))
            return LF_OK;
        sha256_hex(text, statement->checksum);
    }
    *ret_indexes = indexes;
    return LF_OK;
}

static enum lf_code read_sizes(struct migrate_indexes *indexes, struct pg_conn *conn, struct err *err)
{
    for (size_t i = 0; i < indexes->count; i++) {
        PG_RESULT_CLEANUP struct pg_result *result = NULL;
        struct pg_field name = pg_text_field(indexes->statements[i].table);
        TRY(pg_query(conn, "SELECT coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass($1)), 0)",
                     &(struct pg_params){ .values = &name, .count = 1 }, &result, err));
        indexes->statements[i].bytes = pg_result_int64(result, 0, 0);
    }
    return LF_OK;
}

static bool has_checksum(const struct migrate_indexes *indexes, const char *checksum)
{
    for (size_t i = 0; i < indexes->count; i++)
        if (strcmp(indexes->statements[i].checksum, checksum) == 0)
            return true;
    return false;
}

static enum lf_code check_unedited(const struct migrate_indexes *indexes, struct span version, struct pg_conn *conn,
                                   struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field value = pg_text_field(version);
    TRY(pg_query(conn, "SELECT checksum, statement FROM landfall.migration_statement WHERE version = $1",
                 &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    for (size_t row = 0; row < pg_result_rows(result); row++)
        if (!has_checksum(indexes, pg_result_text(result, row, 0)))
            return ERR(err, LF_MIGRATION,
                       "%.*s was edited after a part of it had been applied: put back `%s`, or take the tables back (`landfall "
                       "migrate down`)",
                       SPAN_ARG(version), pg_result_text(result, row, 1));
    return LF_OK;
}

/* One statement ------------------------------------------------------------------------------------------------------------ */

/* Shared by the workers; the states of the statements are under the mutex. */
struct indexes_run {
    struct migrate_indexes *indexes;
    struct span version;
    unsigned jobs;
    const struct pg_retry_policy *policy;
    struct crew crew;
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* broadcast by each statement that ends */
};

struct statement_work {
    const struct indexes_run *run;
    const struct index_statement *statement;
};

/* A COMMIT whose answer was lost may have gone through. */
static enum lf_code is_on_record(const struct statement_work *work, struct pg_conn *conn, bool *ret_is, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_text_field(work->run->version), pg_text_field(span_from_cstr(work->statement->checksum)) };
    TRY(pg_query(conn, "SELECT FROM landfall.migration_statement WHERE version = $1 AND checksum = $2",
                 &(struct pg_params){ .values = values, .count = 2 }, &result, err));
    *ret_is = pg_result_rows(result) > 0;
    return LF_OK;
}

/* What the server grants to one is for all. */
static enum lf_code share_resources(const struct indexes_run *run, struct pg_conn *conn, struct err *err)
{
    return pg_execf(conn, err,
                    "SELECT pg_catalog.set_config(name, CASE name WHEN 'maintenance_work_mem'"
                    " THEN greatest(setting::bigint / %u, least(setting::bigint, 65536)) || 'kB'"
                    " ELSE (setting::bigint / %u)::text END, true)"
                    " FROM pg_catalog.pg_settings WHERE name IN ('maintenance_work_mem', 'max_parallel_maintenance_workers')",
                    run->jobs, run->jobs);
}

static enum lf_code execute(const struct statement_work *work, struct pg_conn *conn, struct err *err)
{
    if (pg_execf(conn, err, "%.*s", SPAN_ARG(work->statement->text)) == LF_OK)
        return LF_OK;
    err->offset = work->statement->text.ptr - work->run->indexes->sql.ptr + (err->offset > 0 ? err->offset : 0);
    return err->code;
}

static enum lf_code put_on_record(const struct statement_work *work, struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_text_field(work->run->version), pg_text_field(span_from_cstr(work->statement->checksum)),
                                 pg_text_field(work->statement->text) };
    return pg_query(conn, "INSERT INTO landfall.migration_statement (version, checksum, statement) VALUES ($1, $2, $3)",
                    &(struct pg_params){ .values = values, .count = 3 }, &result, err);
}

static enum lf_code do_statement(void *context, struct pg_conn *conn, struct err *err)
{
    const struct statement_work *work = context;
    bool is_done = false;
    TRY(is_on_record(work, conn, &is_done, err));
    if (is_done)
        return LF_OK;
    TRY(share_resources(work->run, conn, err));
    TRY(execute(work, conn, err));
    return put_on_record(work, conn, err);
}

/* All statements ----------------------------------------------------------------------------------------------------------- */

static bool is_ready(const struct migrate_indexes *indexes, const struct index_statement *statement)
{
    if (statement->state != INDEX_WAITING)
        return false;
    for (const struct index_statement *earlier = indexes->statements; earlier < statement; earlier++)
        if (earlier->state != INDEX_DONE && (earlier->alters || statement->alters) &&
            span_equal(earlier->table, statement->table))
            return false;
    return true;
}

/* Of two tables the larger, of one table's indexes the longer to write down, which has more to sort or to compute. */
static bool takes_longer(const struct index_statement *a, const struct index_statement *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->text.len > b->text.len;
}

/* What takes longest, so that the last to end is a short one; NULL when all have begun or wait for others. */
static struct index_statement *find_ready(const struct migrate_indexes *indexes, bool *ret_waits)
{
    struct index_statement *found = NULL;
    *ret_waits = false;
    for (size_t i = 0; i < indexes->count; i++) {
        struct index_statement *statement = &indexes->statements[i];
        *ret_waits = *ret_waits || statement->state == INDEX_WAITING;
        if (is_ready(indexes, statement) && (!found || takes_longer(statement, found)))
            found = statement;
    }
    return found;
}

/* The next statement to do, marked as running; NULL when none is left, or the crew is to stop. */
static struct index_statement *take(struct indexes_run *run)
{
    bool waits = true;
    struct index_statement *found = NULL;
    pthread_mutex_lock(&run->mutex);
    while (!atomic_load(&run->crew.stop) && !(found = find_ready(run->indexes, &waits)) && waits)
        pthread_cond_wait(&run->ended, &run->mutex);
    if (found)
        found->state = INDEX_RUNNING;
    pthread_mutex_unlock(&run->mutex);
    return found;
}

/* One that failed stops the others before they wait for it. */
static void note_end(struct indexes_run *run, struct index_statement *statement, enum lf_code code)
{
    pthread_mutex_lock(&run->mutex);
    statement->state = INDEX_DONE;
    if (code != LF_OK)
        atomic_store(&run->crew.stop, true);
    pthread_cond_broadcast(&run->ended);
    pthread_mutex_unlock(&run->mutex);
}

static enum lf_code do_statements(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct indexes_run *run = context;
    struct index_statement *statement;
    (void)worker;
    while ((statement = take(run))) {
        struct statement_work work = { run, statement };
        enum lf_code code = pg_retry_transaction(conn, run->policy, do_statement, &work, err);
        note_end(run, statement, code);
        if (code != LF_OK)
            return code;
    }
    return atomic_load(&run->crew.stop) ? ERR(err, LF_INTERRUPTED, "stopped") : LF_OK;
}

static enum lf_code run_crew(struct indexes_run *run, struct err *err)
{
    if (pthread_mutex_init(&run->mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    if (pthread_cond_init(&run->ended, NULL) != 0) {
        pthread_mutex_destroy(&run->mutex);
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    }
    enum lf_code code = crew_run(&run->crew, do_statements, run, err);
    pthread_cond_destroy(&run->ended);
    pthread_mutex_destroy(&run->mutex);
    return code;
}

enum lf_code migrate_indexes_run(struct migrate_indexes *indexes, struct span version, struct pg_conn *conn, unsigned jobs,
                                 const struct pg_retry_policy *policy, struct err *err)
{
    jobs = jobs > indexes->count ? (unsigned)indexes->count : jobs;
    struct indexes_run run = {
        .indexes = indexes,
        .version = version,
        .jobs = jobs,
        .policy = policy,
        .crew = { .like = conn, .jobs = jobs },
    };
    TRY(check_unedited(indexes, version, conn, err));
    TRY(read_sizes(indexes, conn, err));
    return run_crew(&run, err);
}
