#include "gateway/mark.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/left_marks.h"
#include "gateway/store/gather.h"
#include "gateway/store/row_arrays.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { WAIT_MS_MIN = 2, WAIT_MS_MAX = 40, KEY_BYTES_MAX = 16 * 1024 };

struct marks {
    struct gather *takes, *settles;
    struct left_marks *left;
};

/* As many transactions at a time as writes have that are gathered. */
static const struct gather_options gathered = { GATHER_MEMBERS_MAX, .bytes_max = SIZE_MAX, .under_way_max = 2 };

enum lf_code mark_init(const struct table *table, const struct item_key *key, struct arena *arena, struct mark *ret_mark,
                       struct err *err)
{
    *ret_mark = (struct mark){ .table = table, .key = key };
    return item_place(&key->bytes, arena, &ret_mark->place, err);
}

/* Taking --------------------------------------------------------------------------------------------------------------------- */

/* A mark that was left may be taken by whoever writes the key next; until when something may land stays written in it. */
static const struct pg_statement take_statement = {
    .sql = "INSERT INTO landfall.dirty_key AS d (table_name, h, sk, key, owner, attempt, token) SELECT k.table_name, k.h, k.sk, "
           "k.key, k.owner::uuid, k.attempt, nextval('landfall.mark_token') FROM unnest($1::text[], $2::bytea[], $3::bytea[], "
           "$4::json[], $5::text[], $6::int8[]) AS k "
           "(table_name, h, sk, key, owner, attempt) ORDER BY k.table_name COLLATE \"C\", k.h, k.sk ON CONFLICT (table_name, h, "
           "sk) DO "
           "UPDATE SET "
           "token = excluded.token, owner = excluded.owner, attempt = excluded.attempt, marked_at = clock_timestamp(), is_left = "
           "false, repaired_at = NULL, refused = NULL "
           "WHERE "
           "d.is_left RETURNING d.table_name::text, d.h, d.sk, d.token::text, (d.xmax <> 0)::integer::text",
};

enum { TAKEN_TABLE, TAKEN_H, TAKEN_SK, TAKEN_TOKEN, TAKEN_OVER };

static enum lf_code put_taken(struct row_arrays *arrays, const struct mark *mark, struct span owner, struct err *err)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    ddbjson_put_item(&key, &mark->key->attributes);
    enum lf_code code = buf_check(&key, err);
    row_arrays_put_span(arrays, mark->table->name);
    row_arrays_put_span(arrays, mark->place.h);
    row_arrays_put_span(arrays, mark->place.sk);
    row_arrays_put_span(arrays, buf_span(&key));
    row_arrays_put_span(arrays, owner);
    row_arrays_put_int64(arrays, mark->attempt);
    buf_done(&key);
    return code;
}

static void begin_places(struct row_arrays *arrays, size_t count)
{
    row_arrays_init(arrays);
    row_arrays_add(arrays, PG_OID_TEXT, count);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
}

static enum lf_code take_params(struct row_arrays *arrays, struct mark *const *marks, size_t count, const char *owner,
                                struct pg_params *ret_params, struct err *err)
{
    begin_places(arrays, count);
    row_arrays_add(arrays, PG_OID_JSON, count);
    row_arrays_add(arrays, PG_OID_TEXT, count);
    row_arrays_add(arrays, PG_OID_INT8, count);
    for (size_t i = 0; i < count; i++)
        TRY(put_taken(arrays, marks[i], span_from_cstr(owner), err));
    return row_arrays_params(arrays, ret_params, err);
}

static void note_token(struct mark *const *marks, size_t count, const struct pg_result *rows, size_t row)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(marks[i]->place.h, pg_result_span(rows, row, TAKEN_H)) &&
            span_equal(marks[i]->place.sk, pg_result_span(rows, row, TAKEN_SK)) &&
            span_equal(marks[i]->table->name, pg_result_span(rows, row, TAKEN_TABLE))) {
            marks[i]->token = pg_result_int64(rows, row, TAKEN_TOKEN);
            marks[i]->was_left = pg_result_int64(rows, row, TAKEN_OVER) != 0;
        }
}

static void note_tokens(struct mark *const *marks, size_t count, const struct pg_result *rows)
{
    for (size_t i = 0; i < count; i++)
        marks[i]->token = 0;
    for (size_t row = 0; row < pg_result_rows(rows); row++)
        note_token(marks, count, rows, row);
}

/* Marks of several requests: each takes what it gets. */
static enum lf_code take_each(struct worker *worker, struct mark **marks, size_t count, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = take_params(&arrays, marks, count, catalog_gateway_id(worker->catalog), &params, err);
    if (!code)
        code = db_write(worker->db, &take_statement, &params, &rows, err);
    if (!code)
        note_tokens(marks, count, rows);
    row_arrays_done(&arrays);
    return code;
}

/* Of any tables. */
static enum lf_code take_batch(struct worker *worker, const struct table *none, struct gather_member *const *members,
                               size_t count, struct err *err)
{
    (void)none;
    struct mark *marks[GATHER_MEMBERS_MAX];
    for (size_t i = 0; i < count; i++)
        marks[i] = members[i]->what;
    return take_each(worker, marks, count, err);
}

static enum lf_code take_one(struct worker *worker, struct mark *mark, bool *ret_taken, struct err *err)
{
    struct gather_member member = { .what = mark, .count = 1 };
    TRY(gather_join(worker->marks->takes, NULL, take_batch, 0, &member, err));
    *ret_taken = mark->token != 0;
    return LF_OK;
}

/* Marks of one request: all or none. */
static enum lf_code take_all_in(struct worker *worker, struct db_transaction *transaction, struct mark **marks, size_t count,
                                bool *ret_taken, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = take_params(&arrays, marks, count, catalog_gateway_id(worker->catalog), &params, err);
    if (!code)
        code = db_tx_query(transaction, &take_statement, &params, &rows, err);
    if (!code)
        note_tokens(marks, count, rows);
    *ret_taken = !code && pg_result_rows(rows) == count;
    row_arrays_done(&arrays);
    return code;
}

static enum lf_code take_all(struct worker *worker, struct mark *marks, size_t count, struct arena *arena, bool *ret_taken,
                             struct err *err)
{
    bool is_certain = false;
    struct db_transaction *transaction = NULL;
    struct mark **list = arena_calloc(arena, count, sizeof *list, err);
    if (!list)
        return err->code;
    for (size_t i = 0; i < count; i++)
        list[i] = &marks[i];
    TRY(db_begin(worker->db, &transaction, err));
    enum lf_code code = take_all_in(worker, transaction, list, count, ret_taken, err);
    if (!code && *ret_taken)
        return db_commit(transaction, &is_certain, err);
    db_rollback(transaction);
    return code;
}

static enum lf_code try_to_take(struct worker *worker, struct mark *marks, size_t count, struct arena *arena, bool *ret_taken,
                                struct err *err)
{
    *ret_taken = false;
    if (!(count == 1 ? take_one(worker, &marks[0], ret_taken, err) : take_all(worker, marks, count, arena, ret_taken, err)))
        return LF_OK;
    left_marks_add(worker->marks->left, marks, count, 0, true);
    return err->code;
}

enum lf_code marks_take(struct worker *worker, struct mark *marks, size_t count, int64_t since_ms, struct arena *arena,
                        struct err *err)
{
    int64_t wait_ms = WAIT_MS_MIN, attempt = (int64_t)(worker_random(worker) & INT64_MAX);
    for (size_t i = 0; i < count; i++)
        marks[i].attempt = attempt;
    for (;;) {
        bool is_taken = false;
        TRY(try_to_take(worker, marks, count, arena, &is_taken, err));
        if (is_taken)
            return LF_OK;
        if (loop_now_ms(worker->loop) - since_ms > MARK_WAIT_MS_MAX)
            return ERR(err, LF_INTERNAL_SERVER, "the item is being written by another gateway, or repaired");
        fiber_sleep(worker->loop, wait_ms);
        wait_ms = wait_ms * 2 < WAIT_MS_MAX ? wait_ms * 2 : WAIT_MS_MAX;
    }
}

/* Settling --------------------------------------------------------------------------------------------------------------------
 */

/* What a request that was lost may have overwritten since we took the mark, or may yet, stays marked: not the time now counts. */
static const struct pg_statement settle_statement = {
    .sql = "WITH k AS (SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int8[], $5::bool[]) AS k (table_name, h, "
           "sk, token, "
           "writes)), kept AS (UPDATE landfall.dirty_key d SET is_left = true, repaired_at = CASE WHEN k.writes THEN now() END "
           "FROM k WHERE "
           "d.table_name = k.table_name AND d.h = k.h AND d.sk = k.sk AND d.token = k.token AND d.settled_at > d.marked_at "
           "RETURNING d.token), "
           "gone AS (DELETE FROM landfall.dirty_key d USING k WHERE d.table_name = k.table_name AND d.h = k.h AND d.sk = k.sk "
           "AND d.token = "
           "k.token AND coalesce(d.settled_at <= d.marked_at, true) RETURNING d.token) SELECT token::text FROM kept UNION ALL "
           "SELECT "
           "token::text FROM gone",
};

static enum lf_code token_params(struct row_arrays *arrays, const struct mark *const *marks, size_t count,
                                 struct pg_params *ret_params, struct err *err)
{
    begin_places(arrays, count);
    row_arrays_add(arrays, PG_OID_INT8, count);
    row_arrays_add(arrays, PG_OID_BOOL, count);
    for (size_t i = 0; i < count; i++) {
        row_arrays_put_span(arrays, marks[i]->table->name);
        row_arrays_put_span(arrays, marks[i]->place.h);
        row_arrays_put_span(arrays, marks[i]->place.sk);
        row_arrays_put_int64(arrays, marks[i]->token);
        row_arrays_put_boolean(arrays, marks[i]->writes);
    }
    return row_arrays_params(arrays, ret_params, err);
}

static bool has_token(const struct pg_result *rows, int64_t token)
{
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        if (pg_result_int64(rows, i, 0) == token)
            return true;
    return false;
}

/* Those that are ours still come to stand first. */
static enum lf_code keep_ours(struct db_transaction *transaction, const struct mark **marks, size_t *count, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    size_t kept = 0;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = token_params(&arrays, marks, *count, &params, err);
    if (!code)
        code = db_tx_query(transaction, &settle_statement, &params, &rows, err);
    for (size_t i = 0; !code && i < *count; i++)
        if (has_token(rows, marks[i]->token))
            marks[kept++] = marks[i];
    *count = kept;
    row_arrays_done(&arrays);
    return code;
}

static enum lf_code is_same(const struct mark *mark, struct stored_item *old, struct arena *arena, bool *ret_same,
                            struct err *err)
{
    struct item item;
    *ret_same = !old->is_present && !mark->item;
    if (!old->is_present || !mark->item)
        return LF_OK;
    TRY(stored_item_parse(old, arena, &item, err));
    *ret_same = item_equal(&item, mark->item);
    return LF_OK;
}

static enum lf_code write_changed(struct db_transaction *transaction, const struct table *table, const struct mark **marks,
                                  const struct item_key *keys, struct stored_item *old, size_t count, struct arena *arena,
                                  struct err *err)
{
    size_t changed = 0;
    struct store_write *writes = arena_calloc(arena, count, sizeof *writes, err);
    if (!writes)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        bool same = false;
        TRY(is_same(marks[i], &old[i], arena, &same, err));
        if (!same)
            writes[changed++] =
                (struct store_write){ .key = keys[i], .item = marks[i]->item, .old = &old[i], .guard = WRITE_VERSION };
    }
    return changed ? table->store->write_locked(transaction, table, writes, changed, arena, err) : LF_OK;
}

/* Rows of one table. */
static enum lf_code write_rows(struct db_transaction *transaction, const struct mark **marks, size_t count, struct arena *arena,
                               struct store_transaction_id *ret_id, struct err *err)
{
    const struct table *table = marks[0]->table;
    struct item_key *keys = arena_calloc(arena, count, sizeof *keys, err);
    struct store_lock *locks = keys ? arena_calloc(arena, count, sizeof *locks, err) : NULL;
    struct stored_item *old = locks ? arena_calloc(arena, count, sizeof *old, err) : NULL;
    if (!old)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        keys[i] = *marks[i]->key;
        locks[i] = (struct store_lock){ table, keys[i].bytes };
    }
    TRY(store_lock_keys(transaction, locks, count, ret_id, err));
    TRY(table->store->lock(transaction, table, keys, count, arena, old, err));
    return write_changed(transaction, table, marks, keys, old, count, arena, err);
}

static size_t keep_written(const struct mark **marks, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (marks[i]->writes)
            marks[kept++] = marks[i];
    return kept;
}

/* Marks of one table; the list is used up. */
static enum lf_code settle(struct worker *worker, const struct mark **marks, size_t count, struct arena *arena, struct err *err)
{
    bool is_certain = false;
    struct store_transaction_id id;
    struct db_transaction *transaction = NULL;
    TRY(db_begin(worker->db, &transaction, err));
    enum lf_code code = keep_ours(transaction, marks, &count, err);
    size_t written = keep_written(marks, code ? 0 : count);
    if (!code && !written)
        return db_commit(transaction, &is_certain, err);
    if (!code)
        code = write_rows(transaction, marks, written, arena, &id, err);
    if (!code)
        return store_commit(transaction, id, err);
    db_rollback(transaction);
    return code;
}

/* Marks of one request and table. */
struct settling {
    const struct mark **marks;
    size_t count;
    struct err err; /* of the last one that failed */
};

/* So that an error stays with its key. */
static void settle_singly(struct worker *worker, struct settling *settling, struct arena *arena)
{
    for (size_t i = 0; i < settling->count; i++) {
        const struct mark *mark = settling->marks[i];
        (void)!settle(worker, &mark, 1, arena, &settling->err);
    }
}

static enum lf_code settle_batch(struct worker *worker, const struct table *table, struct gather_member *const *members,
                                 size_t count, struct err *err)
{
    (void)table;
    struct arena *arena = members[0]->arena;
    size_t total = gather_count(members, count), at = 0;
    const struct mark **marks = arena_calloc(arena, total, sizeof *marks, err);
    if (!marks)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct settling *settling = members[i]->what;
        memcpy(marks + at, settling->marks, settling->count * sizeof *marks);
        at += settling->count;
    }
    enum lf_code code = settle(worker, marks, total, arena, err);
    for (size_t i = 0; code && total > 1 && i < count; i++)
        settle_singly(worker, members[i]->what, arena);
    return total > 1 ? LF_OK : code;
}

static enum lf_code settle_table(struct worker *worker, const struct mark *marks, size_t count, const struct table *table,
                                 struct arena *arena, struct err *err)
{
    struct settling settling = { .marks = arena_calloc(arena, count, sizeof *settling.marks, err), .err = ERR_INIT };
    struct gather_member member = { .what = &settling, .arena = arena };
    if (!settling.marks)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (marks[i].table == table)
            settling.marks[settling.count++] = &marks[i];
    member.count = settling.count;
    TRY(gather_join(worker->marks->settles, table, settle_batch, 0, &member, err));
    if (settling.err.code)
        *err = settling.err;
    return settling.err.code;
}

static bool is_first_of_table(const struct mark *marks, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (marks[i].table == marks[at].table)
            return false;
    return true;
}

enum lf_code marks_settle(struct worker *worker, struct mark *marks, size_t count, struct arena *arena, struct err *err)
{
    enum lf_code code = LF_OK;
    for (size_t i = 0; i < count; i++)
        if (is_first_of_table(marks, i) && settle_table(worker, marks, count, marks[i].table, arena, err))
            code = err->code;
    return code;
}

/* Leaving, looking --------------------------------------------------------------------------------------------------------------
 */

void marks_leave(struct worker *worker, const struct mark *marks, size_t count, unsigned seconds)
{
    left_marks_add(worker->marks->left, marks, count, seconds, false);
}

enum lf_code marks_are_there(struct worker *worker, const struct table *table, const struct item_place *places, size_t count,
                             bool is_partition, bool *ret_any, struct err *err)
{
    static const struct pg_statement of_keys = {
        .sql = "SELECT 1 FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS k (table_name, h, sk) JOIN landfall.dirty_key d ON "
               "d.table_name = k.table_name AND d.h = k.h AND d.sk = k.sk LIMIT 1",
    };
    static const struct pg_statement of_partitions = {
        .sql = "SELECT 1 FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS k (table_name, h, sk) JOIN landfall.dirty_key d ON "
               "d.table_name = k.table_name AND d.h = k.h LIMIT 1",
    };
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    begin_places(&arrays, count);
    for (size_t i = 0; i < count; i++) {
        row_arrays_put_span(&arrays, table->name);
        row_arrays_put_span(&arrays, places[i].h);
        row_arrays_put_span(&arrays, places[i].sk);
    }
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_query(worker->db, is_partition ? &of_partitions : &of_keys, &params, &rows, err);
    *ret_any = code || pg_result_rows(rows) > 0;
    row_arrays_done(&arrays);
    return code;
}

/* Life ------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code marks_new(struct worker *worker, struct marks **ret_marks, struct err *err)
{
    struct marks *marks = calloc(1, sizeof *marks);
    if (!marks)
        return ERR(err, LF_MEMORY, "no memory for a gateway's marks");
    if (gather_new(worker, &gathered, &marks->takes, err) || gather_new(worker, &gathered, &marks->settles, err) ||
        left_marks_new(worker, &marks->left, err)) {
        marks_free(marks);
        return err->code;
    }
    *ret_marks = marks;
    return LF_OK;
}

void marks_free(struct marks *marks)
{
    if (!marks)
        return;
    left_marks_free(marks->left);
    gather_free(marks->settles);
    gather_free(marks->takes);
    free(marks);
}
