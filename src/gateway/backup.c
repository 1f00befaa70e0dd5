#include "gateway/backup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/shape_write.h"
#include "gateway/store/item_table.h"

enum {
    NUMBER_BYTES = 24,
    SQL_BYTES_MAX = 8 * 1024,
    DEFINITION_BYTES_MAX = 4 * 1024 * 1024,
    RESTORE_ROWS = 2000, /* per step */
    ARN_BYTES_MAX = 1024,
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

struct number_text {
    char text[NUMBER_BYTES];
};

static struct pg_field number_field(int64_t number, struct number_text *text)
{
    int len = snprintf(text->text, sizeof text->text, "%lld", (long long)number);
    return (struct pg_field){ text->text, (size_t)len };
}

/* Reading ---------------------------------------------------------------------------------------------------------------------
 */

enum backup_field {
    FIELD_ID,
    FIELD_ARN,
    FIELD_NAME,
    FIELD_IS_AVAILABLE,
    FIELD_TABLE_NAME,
    FIELD_TABLE_ID,
    FIELD_DEFINITION,
    FIELD_TTL_ATTRIBUTE,
    FIELD_TABLE_CREATED_MS,
    FIELD_CREATED_MS,
    FIELD_ITEMS,
    FIELD_BYTES,
};

#define MILLISECONDS(time) "floor(extract(epoch FROM " time ") * 1000)::bigint"

static const struct pg_statement select_backups = {
    .sql =
        "SELECT id::text, arn, name, is_available::text, table_name, table_id::text, definition::text, "
        "coalesce(ttl_attribute, ''), " MILLISECONDS("table_created_at") "::text, " MILLISECONDS(
            "created_at") "::text, items::text, bytes::text FROM landfall.backup WHERE ($1 = '' OR arn = $1) AND ($2 = '' OR "
                          "table_name = $2) AND arn > $3 AND " MILLISECONDS(
                              "created_at") " >= $4::text::bigint "
                                            "AND " MILLISECONDS(
                                                "created_at") " < $5::text::bigint AND NOT (is_available AND $7::text::boolean) "
                                                              "ORDER BY arn LIMIT $6::text::bigint",
};

static enum lf_code copy_field(const struct pg_result *rows, size_t row, enum backup_field column, struct arena *arena,
                               struct span *ret_text, struct err *err)
{
    struct pg_field field = pg_result_get(rows, row, column);
    return arena_copy(arena, span_of(field.data, field.len), ret_text, err);
}

static enum lf_code read_backup(const struct pg_result *rows, size_t row, struct arena *arena, struct backup *ret_backup,
                                struct err *err)
{
    struct span json, is_available;
    struct create_table_request *definition = arena_calloc(arena, 1, sizeof *definition, err);
    if (!definition)
        return err->code;
    TRY(copy_field(rows, row, FIELD_ARN, arena, &ret_backup->arn, err));
    TRY(copy_field(rows, row, FIELD_NAME, arena, &ret_backup->name, err));
    TRY(copy_field(rows, row, FIELD_IS_AVAILABLE, arena, &is_available, err));
    TRY(copy_field(rows, row, FIELD_TABLE_NAME, arena, &ret_backup->table_name, err));
    TRY(copy_field(rows, row, FIELD_TABLE_ID, arena, &ret_backup->table_id, err));
    TRY(copy_field(rows, row, FIELD_TTL_ATTRIBUTE, arena, &ret_backup->ttl_attribute, err));
    TRY(copy_field(rows, row, FIELD_DEFINITION, arena, &json, err));
    TRY(shape_read(&shape_create_table_request, json, arena, definition, err));
    ret_backup->id = pg_result_int64(rows, row, FIELD_ID);
    ret_backup->is_available = span_equal(is_available, SPAN("true"));
    ret_backup->definition = definition;
    ret_backup->table_created_ms = pg_result_int64(rows, row, FIELD_TABLE_CREATED_MS);
    ret_backup->created_ms = pg_result_int64(rows, row, FIELD_CREATED_MS);
    ret_backup->items = pg_result_int64(rows, row, FIELD_ITEMS);
    ret_backup->bytes = pg_result_int64(rows, row, FIELD_BYTES);
    return LF_OK;
}

static bool has_nul(struct span text)
{
    return span_find_byte(text, '\0') < text.len;
}

/* PostgreSQL's texts hold no U+0000, hence neither does anything of a backup. */
enum lf_code backup_find(struct worker *worker, const struct backup_filter *filter, struct arena *arena,
                         struct backup **ret_backups, size_t *ret_count, struct err *err)
{
    struct number_text from, to, limit;
    struct pg_field values[] = {
        pg_text_field(filter->arn),
        pg_text_field(filter->table_name),
        pg_text_field(filter->behind),
        number_field(filter->from_ms, &from),
        number_field(filter->to_ms, &to),
        number_field(filter->count_max, &limit),
        pg_text_field(filter->is_unfinished ? SPAN("true") : SPAN("false")),
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    *ret_count = 0;
    if (has_nul(filter->arn) || has_nul(filter->table_name) || has_nul(filter->behind))
        return LF_OK;
    TRY(db_query(worker->db, &select_backups, &(struct pg_params){ .values = values, .count = 7 }, &rows, err));
    size_t count = pg_result_rows(rows);
    struct backup *backups = arena_calloc(arena, count + 1, sizeof *backups, err);
    if (!backups)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(read_backup(rows, i, arena, &backups[i], err));
    *ret_backups = backups;
    *ret_count = count;
    return LF_OK;
}

enum lf_code backup_get(struct worker *worker, struct span arn, struct arena *arena, struct backup *ret_backup, struct err *err)
{
    struct backup_filter filter = { .arn = arn, .to_ms = INT64_MAX, .count_max = 1 };
    struct backup *backups = NULL;
    size_t count = 0;
    TRY(backup_find(worker, &filter, arena, &backups, &count, err));
    if (!count)
        return ERR(err, LF_BACKUP_NOT_FOUND, "Backup not found: %.*s", SPAN_ARG(arn));
    *ret_backup = backups[0];
    return LF_OK;
}

/* Making ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code insert(struct worker *worker, const struct table *table, struct span name, struct span json,
                           struct arena *arena, struct span *ret_arn, struct err *err)
{
    static const struct pg_statement statement = {
        .sql = "INSERT INTO landfall.backup (arn, name, table_name, table_id, definition, ttl_attribute, table_created_at, "
               "created_at) SELECT $1 || '/backup/' || to_char(" MILLISECONDS(
                   "now()") ", 'FM00000000000000') || '-' || left(gen_random_uuid()::text, 8), $2, name, table_id, "
                            "$3::text::json, ttl_attribute, created_at, now() FROM landfall.dynamodb_table WHERE id = "
                            "$4::text::bigint RETURNING arn",
    };
    struct number_text id;
    struct pg_field values[] = { pg_text_field(table->arn), pg_text_field(name), pg_text_field(json),
                                 number_field(table->id, &id) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_write(worker->db, &statement, &(struct pg_params){ .values = values, .count = 4 }, &rows, err));
    if (!pg_result_rows(rows))
        return ERR(err, LF_TABLE_NOT_FOUND, "Table not found: %.*s", SPAN_ARG(table->name));
    struct pg_field arn = pg_result_get(rows, 0, 0);
    return arena_copy(arena, span_of(arn.data, arn.len), ret_arn, err);
}

enum lf_code backup_insert(struct worker *worker, const struct table *table, struct span name, struct arena *arena,
                           struct span *ret_arn, struct err *err)
{
    struct buf json;
    buf_init(&json, DEFINITION_BYTES_MAX);
    shape_write(&shape_create_table_request, table->definition, &json);
    enum lf_code code = buf_check(&json, err);
    if (!code)
        code = insert(worker, table, name, buf_span(&json), arena, ret_arn, err);
    buf_done(&json);
    return code;
}

static enum lf_code run_in(struct db_transaction *transaction, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);

static enum lf_code run_in(struct db_transaction *transaction, struct err *err, const char *format, ...)
{
    char sql[SQL_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    struct pg_statement statement = { .sql = sql, .is_once = true };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return db_tx_query(transaction, &statement, &(struct pg_params){ 0 }, &rows, err);
}

typedef enum lf_code change_backup(struct db_transaction *transaction, const struct backup *backup, const struct table *table,
                                   struct err *err);

/* In a transaction that has locked the backup's row, if it is still there. */
static enum lf_code with_backup(struct worker *worker, const struct backup *backup, const struct table *table, change_backup *run,
                                struct err *err)
{
    static const struct pg_statement lock = {
        .sql = "SELECT is_available::text FROM landfall.backup WHERE id = $1::text::bigint FOR UPDATE",
    };
    struct db_transaction *transaction = NULL;
    struct number_text id;
    bool is_certain = true;
    struct pg_field value = number_field(backup->id, &id);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_begin(worker->db, &transaction, err));
    enum lf_code code = db_tx_query(transaction, &lock, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err);
    bool is_as_read = !code && pg_result_rows(rows) &&
                      span_equal(span_from_cstr(pg_result_text(rows, 0, 0)), backup->is_available ? SPAN("true") : SPAN("false"));
    if (is_as_read)
        code = run(transaction, backup, table, err);
    if (code) {
        db_rollback(transaction);
        return code;
    }
    return db_commit(transaction, &is_certain, err);
}

static enum lf_code forget(struct db_transaction *transaction, const struct backup *backup, const struct table *table,
                           struct err *err)
{
    (void)table;
    return run_in(transaction, err, "DELETE FROM landfall.backup WHERE id = %lld", (long long)backup->id);
}

static enum lf_code copy(struct db_transaction *transaction, const struct backup *backup, const struct table *table,
                         struct err *err)
{
    long long id = backup->id;
    struct span name = item_statements_of(table)->name;
    TRY(run_in(transaction, err, "CREATE TABLE dynamodb.\"backup_%lld\" AS SELECT h, sk, pk, size, item FROM %.*s", id,
               SPAN_ARG(name)));
    TRY(run_in(transaction, err, "ALTER TABLE dynamodb.\"backup_%lld\" ADD PRIMARY KEY (h, sk)", id));
    return run_in(
        transaction, err,
        "UPDATE landfall.backup SET is_available = true, (items, bytes) = (SELECT count(*), coalesce(sum(size), 0) FROM "
        "dynamodb.\"backup_%lld\") WHERE id = %lld",
        id, id);
}

/* Or forgets the backup when its table is gone. */
static enum lf_code copy_items(struct worker *worker, const struct backup *backup, struct err *err)
{
    const struct table *table = NULL;
    struct err missing = ERR_INIT;
    TRY(catalog_refresh(worker->catalog, worker->db, err)); /* a table of this name may be another one by now */
    enum lf_code code = catalog_get(worker->catalog, worker->db, backup->table_name, &table, &missing);
    if (code && code != LF_RESOURCE_NOT_FOUND) {
        *err = missing;
        return code;
    }
    bool is_there = !code && table->status != TABLE_DELETING && span_equal(table->table_id, backup->table_id);
    code = with_backup(worker, backup, table, is_there ? copy : forget, err);
    table_unref(table);
    return code;
}

/* Removing --------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code check_unused(struct db_transaction *transaction, const struct backup *backup, struct err *err)
{
    static const struct pg_statement users = {
        .sql = "SELECT 1 FROM landfall.dynamodb_table WHERE restoring = $1::text::bigint",
    };
    struct number_text id;
    struct pg_field value = number_field(backup->id, &id);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &users, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    return pg_result_rows(rows)
               ? ERR(err, LF_BACKUP_IN_USE, "Backup is being used to restore a table: %.*s", SPAN_ARG(backup->arn))
               : LF_OK;
}

static enum lf_code drop(struct db_transaction *transaction, const struct backup *backup, const struct table *table,
                         struct err *err)
{
    TRY(check_unused(transaction, backup, err));
    TRY(run_in(transaction, err, "DROP TABLE IF EXISTS dynamodb.\"backup_%lld\"", (long long)backup->id));
    return forget(transaction, backup, table, err);
}

enum lf_code backup_remove(struct worker *worker, const struct backup *backup, struct err *err)
{
    return with_backup(worker, backup, NULL, drop, err);
}

/* Restoring -------------------------------------------------------------------------------------------------------------------
 */

/* The backup's row is locked, so that it is not removed meanwhile. */
enum lf_code backup_begin_restore(struct table_change *change, const struct table *table, const struct backup *backup,
                                  struct err *err)
{
    static const struct pg_statement begin = {
        .sql =
            "WITH source AS (SELECT id FROM landfall.backup WHERE id = $2::text::bigint AND is_available FOR SHARE), indexes AS "
            "(UPDATE landfall.dynamodb_index SET status = 'CREATING', is_backfilling = true WHERE table_id = "
            "$1::text::bigint) UPDATE landfall.dynamodb_table SET status = 'CREATING', restoring = (SELECT id FROM source), "
            "restored_from = $3::text::json WHERE id = $1::text::bigint RETURNING restoring::text",
    };
    struct number_text id, source;
    char summary[2 * ARN_BYTES_MAX];
    int len = snprintf(summary, sizeof summary,
                       "{\"SourceBackupArn\":\"%.*s\",\"SourceTableArn\":\"%.*s%.*s\",\"RestoreDateTime\":%lld.%03lld,"
                       "\"RestoreInProgress\":true}",
                       SPAN_ARG(backup->arn), SPAN_ARG(TABLE_ARN_PREFIX), SPAN_ARG(backup->table_name),
                       (long long)(table->created_ms / 1000), (long long)(table->created_ms % 1000));
    struct pg_field values[] = { number_field(table->id, &id), number_field(backup->id, &source), { summary, (size_t)len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(change->transaction, &begin, &(struct pg_params){ .values = values, .count = 3 }, &rows, err));
    if (!pg_result_int64(rows, 0, 0))
        return ERR(err, LF_BACKUP_NOT_FOUND, "Backup not found: %.*s", SPAN_ARG(backup->arn));
    return LF_OK;
}

/* Copies the next rows behind the place that landfall.dynamodb_table keeps, and moves it on; whoever does the same waits for its
 * row. */
static void put_restore(struct buf *sql, const struct table *table)
{
    long long id = table->id, backup = table->restoring;
    struct span name = item_statements_of(table)->name;
    buf_printf(
        sql,
        "WITH place AS (SELECT restored_h AS h, restored_sk AS sk FROM landfall.dynamodb_table WHERE id = %lld AND "
        "restoring = %lld FOR UPDATE), "
        "rows AS (SELECT b.* FROM place, LATERAL (SELECT * FROM dynamodb.\"backup_%lld\" b WHERE (b.h, b.sk) > "
        "(coalesce(place.h, ''), coalesce(place.sk, '')) ORDER BY b.h, b.sk LIMIT %d) AS b), "
        "copied AS (INSERT INTO %.*s (h, sk, pk, size, item) SELECT h, sk, pk, size, item FROM rows ON CONFLICT DO NOTHING), "
        "last AS (SELECT h, sk FROM rows ORDER BY h DESC, sk DESC LIMIT 1), "
        "moved AS (UPDATE landfall.dynamodb_table SET restored_h = last.h, restored_sk = last.sk FROM last WHERE id = %lld) "
        "SELECT count(*)::text FROM rows",
        id, backup, backup, RESTORE_ROWS, SPAN_ARG(name), id);
}

enum lf_code backup_restore_step(struct worker *worker, const struct table *table, bool *ret_done, struct err *err)
{
    const struct pg_statement *statement = NULL;
    struct buf sql;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    buf_init(&sql, SQL_BYTES_MAX);
    put_restore(&sql, table);
    enum lf_code code = buf_check(&sql, err);
    if (!code)
        code = db_statement(worker->db, buf_span(&sql), &statement, err);
    if (!code)
        code = db_write(worker->db, statement, &(struct pg_params){ 0 }, &rows, err);
    buf_done(&sql);
    if (!code)
        *ret_done = pg_result_int64(rows, 0, 0) < RESTORE_ROWS;
    return code;
}

enum lf_code backup_end_restore(struct table_change *change, const struct table *table, struct err *err)
{
    return run_in(change->transaction, err,
                  "UPDATE landfall.dynamodb_table SET restoring = NULL, restored_from = (restored_from::jsonb || "
                  "'{\"RestoreInProgress\":false}')::json, version = %lld WHERE id = %lld",
                  (long long)change->version, (long long)table->id);
}

/* Work ------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code backup_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                         struct err *err)
{
    struct backup_filter filter = { .to_ms = INT64_MAX, .count_max = 1, .is_unfinished = true };
    struct backup *backups = NULL;
    size_t count = 0;
    (void)leadership; /* a second leader waits for the backup's row and finds it done */
    TRY(backup_find(worker, &filter, arena, &backups, &count, err));
    *ret_more = count > 0;
    return count ? copy_items(worker, &backups[0], err) : LF_OK;
}

struct started_backup {
    struct loop_task task;
    struct worker *worker;
    struct arena arena;
    char arn[ARN_BYTES_MAX];
    size_t arn_len;
};

static void free_started(struct started_backup *started)
{
    arena_done(&started->arena);
    free(started);
}

static void run_backup(void *context)
{
    struct started_backup *started = context;
    struct err err = ERR_INIT;
    struct backup backup;
    enum lf_code code = backup_get(started->worker, span_of(started->arn, started->arn_len), &started->arena, &backup, &err);
    if (!code && !backup.is_available)
        code = copy_items(started->worker, &backup, &err);
    if (code && code != LF_BACKUP_NOT_FOUND) {
        (void)err_while(&err, "making the backup '%.*s', which the next attempt may end", (int)started->arn_len, started->arn);
        worker_log(started->worker, SPAN(""), &err);
    }
    free_started(started);
}

static void start_backup(void *context)
{
    struct started_backup *started = context;
    struct err err = ERR_INIT;
    if (fiber_start(loop_fibers(started->worker->loop), run_backup, started, &err))
        free_started(started); /* the job does it */
}

void backup_start(struct worker *worker, struct span arn)
{
    struct started_backup *started = arn.len <= ARN_BYTES_MAX ? calloc(1, sizeof *started) : NULL;
    if (!started)
        return;
    started->worker = worker;
    started->task = (struct loop_task){ .run = start_backup, .context = started };
    arena_init(&started->arena, ARENA_BYTES_MAX);
    memcpy(started->arn, arn.ptr, arn.len);
    started->arn_len = arn.len;
    loop_post(worker->loop, &started->task);
}
