#include <stdio.h>

#include "codec/pgbinary.h"
#include "gateway/store/row_arrays.h"
#include "gateway/store/store.h"
#include "item/key_lock.h"

enum { ASK_AGAIN_MS = 100, ASK_MAX = 50, INT64_TEXT_BYTES = 24 };

/* 0, which no life is, where nobody has noticed yet that another has begun. */
#define LIFE "coalesce((SELECT (extract(epoch FROM began_at) * 1000000)::int8 FROM landfall.server_life), 0)"

int64_t store_lock_id(const struct table *table, const struct key *key)
{
    return key_lock_id(table->id, key);
}

/* Locking ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code read_number(const struct pg_result *rows, size_t column, int64_t *ret_number, struct err *err)
{
    struct pg_field number = pg_result_get(rows, 0, column);
    return pg_read_int64(span_of(number.data, number.len), ret_number, err);
}

static enum lf_code read_id(const struct pg_result *rows, struct store_transaction_id *ret_id, struct err *err)
{
    TRY(read_number(rows, 0, &ret_id->xid, err));
    return read_number(rows, 1, &ret_id->life, err);
}

/* The settings are made before the ids are sorted, hence before the first of them is waited for. */
#define SETTINGS "set_config('lock_timeout', '5000', true), set_config('landfall.writer', 'gateway', true)"
#define TAKE_LOCKS                                                                \
    "count(pg_advisory_xact_lock(id)) FROM (SELECT ids.id FROM (SELECT " SETTINGS \
    ") AS settings, unnest($1::int8[]) AS ids(id) "                               \
    "ORDER BY ids.id) AS sorted"
_Static_assert(STORE_LOCK_WAIT_MS == 5000, "as in the statement");

static void put_ids(struct row_arrays *arrays, const struct store_lock *locks, size_t count)
{
    row_arrays_init(arrays);
    row_arrays_add(arrays, PG_OID_INT8, count);
    for (size_t i = 0; i < count; i++)
        row_arrays_put_int64(arrays, store_lock_id(locks[i].table, &locks[i].key));
}

enum lf_code store_lock_keys(struct db_transaction *transaction, const struct store_lock *locks, size_t count,
                             struct store_transaction_id *ret_id, struct err *err)
{
    static const struct pg_statement take = { .sql = "SELECT pg_current_xact_id()::text::int8, (SELECT " LIFE "), " TAKE_LOCKS };
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *taken = NULL;
    put_ids(&arrays, locks, count);
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_tx_query(transaction, &take, &params, &taken, err);
    row_arrays_done(&arrays);
    return code ? code : read_id(taken, ret_id, err);
}

enum lf_code store_lock_step(struct row_arrays *arrays, const struct store_lock *locks, size_t count, struct db_step *ret_step,
                             struct err *err)
{
    static const struct pg_statement take = { .sql = "SELECT " TAKE_LOCKS }, set = { .sql = "SELECT " SETTINGS };
    struct db_step step = { .statement = count ? &take : &set };
    put_ids(arrays, locks, count);
    if (count)
        TRY(row_arrays_params(arrays, &step.params, err));
    *ret_step = step;
    return LF_OK;
}

bool store_is_conflict(enum lf_code code, const struct err *err)
{
    static const char *const states[] = { "55P03", "40P01", "40001" }; /* lock timeout, deadlock, serialization */
    if (code == LF_SQL)
        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
            if (strcmp(err->sqlstate, states[i]) == 0)
                return true;
    return code == LF_TRANSACTION_CONFLICT;
}

/* Committing --------------------------------------------------------------------------------------------------------------- */

/* *ret_is_over false: its session has not noticed yet that nobody listens. */
static enum lf_code ask(struct db *db, const struct store_transaction_id *id, bool *ret_is_over, bool *ret_is_committed,
                        struct err *err)
{
    static const struct pg_statement status = {
        .sql = "SELECT CASE WHEN " LIFE " = nullif($2::text::int8, 0) THEN pg_xact_status($1::text::xid8) END",
    };
    char xid[INT64_TEXT_BYTES], life[INT64_TEXT_BYTES];
    (void)snprintf(xid, sizeof xid, "%lld", (long long)id->xid);
    (void)snprintf(life, sizeof life, "%lld", (long long)id->life);
    const struct pg_field values[] = { { xid, strlen(xid) }, { life, strlen(life) } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, &status, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    struct pg_field field = pg_result_get(rows, 0, 0);
    struct span answer = span_of(field.data, field.len);
    *ret_is_over = !span_equal(answer, SPAN("in progress"));
    *ret_is_committed = span_equal(answer, SPAN("committed"));
    return LF_OK;
}

static enum lf_code settle(struct db *db, const struct store_transaction_id *id, struct err *err)
{
    struct err unheard = *err;
    bool is_over = false, is_committed = false;
    for (size_t i = 0; i < ASK_MAX && !is_over; i++)
        if (ask(db, id, &is_over, &is_committed, err) || !is_over)
            fiber_sleep(db_loop(db), ASK_AGAIN_MS);
    if (is_committed)
        return LF_OK;
    *err = unheard;
    return err_while(err, "committing");
}

enum lf_code store_commit(struct db_transaction *transaction, struct store_transaction_id id, struct err *err)
{
    bool is_certain = true;
    struct db *db = db_of(transaction);
    enum lf_code code = db_commit(transaction, &is_certain, err);
    return is_certain ? code : settle(db, &id, err);
}
