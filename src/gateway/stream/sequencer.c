#include "gateway/stream/sequencer.h"

#include <stdio.h>

enum { SQL_BYTES = 512, PARTITIONS_AHEAD = 2, LOCK_TIMEOUT_MS = 500 };

/* What the sequencer knows, and what it sees now. */
struct state {
    int64_t position, number, mark_id;
    int64_t last_id; /* drawn so far */
    bool is_settled; /* everything up to the mark */
};

/* last_value is read before the snapshot of the second statement is taken: the CTE of one statement would not do. */
static enum lf_code read_last_id(struct db *db, int64_t *ret_last_id, struct err *err)
{
    static const struct pg_statement read = {
        .sql = "SELECT (CASE WHEN is_called THEN last_value ELSE 0 END)::text FROM landfall.change_id",
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, &read, &(struct pg_params){ 0 }, &rows, err));
    *ret_last_id = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

static enum lf_code read_state(struct db *db, struct state *ret_state, struct err *err)
{
    static const struct pg_statement read = {
        .sql = "SELECT position::text, number::text, mark_id::text, (pg_snapshot_xmin(pg_current_snapshot()) >= "
               "mark_xid)::int::text "
               "FROM landfall.sequencer",
    };
    struct state state = { 0 };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(read_last_id(db, &state.last_id, err));
    TRY(db_query(db, &read, &(struct pg_params){ 0 }, &rows, err));
    state.position = pg_result_int64(rows, 0, 0);
    state.number = pg_result_int64(rows, 0, 1);
    state.mark_id = pg_result_int64(rows, 0, 2);
    state.is_settled = pg_result_int64(rows, 0, 3) == 1;
    *ret_state = state;
    return LF_OK;
}

/* Numbers
 * -------------------------------------------------------------------------------------------------------------------------- */

static enum lf_code run(struct db_transaction *transaction, const struct pg_statement *statement, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return db_tx_query(transaction, statement, &(struct pg_params){ 0 }, &rows, err);
}

static enum lf_code put_numbers(struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement number = {
        .sql = "WITH numbered AS (INSERT INTO landfall.change (number, table_id, shard, id) SELECT s.number + row_number() OVER "
               "(ORDER BY c.id), "
               "c.table_id, get_byte(c.h, 0) >> 6, c.id FROM landfall.change_in c, landfall.sequencer s WHERE c.id > s.position "
               "AND c.id <= "
               "s.mark_id RETURNING 1) UPDATE landfall.sequencer SET position = mark_id, number = number + (SELECT count(*) FROM "
               "numbered)",
    };
    return run(transaction, &number, err);
}

/* This transaction got its id after last_id was read (leader_lock is its first statement). A snapshot's xmax would not do: it is
 * one above the last transaction that has ended, and of those that run now some may have higher ids. */
static enum lf_code put_mark(struct db_transaction *transaction, int64_t last_id, struct err *err)
{
    static const struct pg_statement mark = {
        .sql = "UPDATE landfall.sequencer SET mark_id = $1::text::bigint, mark_xid = pg_current_xact_id()",
    };
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)last_id);
    struct pg_field value = { text, (size_t)len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return db_tx_query(transaction, &mark, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err);
}

static enum lf_code advance(struct db_transaction *transaction, const struct leadership *leadership, const struct state *state,
                            struct err *err)
{
    TRY(leader_lock(transaction, leadership, err));
    if (state->mark_id > state->position)
        TRY(put_numbers(transaction, err));
    return put_mark(transaction, state->last_id, err);
}

/* Partitions
 * ----------------------------------------------------------------------------------------------------------------------- */

static enum lf_code run_text(struct db_transaction *transaction, const char *sql, struct err *err)
{
    struct pg_statement statement = { .sql = sql, .is_once = true };
    return run(transaction, &statement, err);
}

/* Attaching lets writers go on, which CREATE TABLE … PARTITION OF would not. */
static enum lf_code make_partitions(struct db_transaction *transaction, int64_t last_id, struct err *err)
{
    for (int64_t i = 0; i <= PARTITIONS_AHEAD; i++) {
        char sql[SQL_BYTES];
        long long from = (last_id / CHANGE_PARTITION_IDS + i) * CHANGE_PARTITION_IDS;
        (void)snprintf(
            sql, sizeof sql,
            "DO $do$ BEGIN IF to_regclass('landfall.change_in_%lld') IS NULL THEN CREATE TABLE landfall.change_in_%lld "
            "(LIKE landfall.change_in INCLUDING ALL); ALTER TABLE landfall.change_in ATTACH PARTITION "
            "landfall.change_in_%lld FOR VALUES FROM (%lld) TO (%lld); END IF; END $do$",
            from, from, from, from, from + CHANGE_PARTITION_IDS);
        TRY(run_text(transaction, sql, err));
    }
    return LF_OK;
}

/* The oldest partition, when all of it is numbered and its last change is older than a day. */
static enum lf_code drop_partition(struct db_transaction *transaction, const struct state *state, struct err *err)
{
    static const struct pg_statement oldest = {
        .sql = "SELECT min(substring(c.relname FROM 11)::bigint)::text, (SELECT coalesce(max(i.changed_at) < now() - interval "
               "'24 hours', false) "
               "FROM landfall.change_in i WHERE i.id >= min(substring(c.relname FROM 11)::bigint) + 1040000 AND i.id < "
               "min(substring(c.relname FROM 11)::bigint) + 1048576)::int::text FROM "
               "pg_inherits h JOIN "
               "pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = 'landfall.change_in'::regclass",
    };
    char sql[SQL_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &oldest, &(struct pg_params){ 0 }, &rows, err));
    long long first = pg_result_int64(rows, 0, 0), behind = first + CHANGE_PARTITION_IDS;
    if (pg_result_int64(rows, 0, 1) != 1 || behind > state->position)
        return LF_OK;
    (void)snprintf(
        sql, sizeof sql,
        "WITH gone AS (DELETE FROM landfall.change WHERE id < %lld RETURNING number) UPDATE landfall.sequencer SET trimmed = "
        "greatest(trimmed, (SELECT max(number) FROM gone))",
        behind);
    TRY(run_text(transaction, sql, err));
    (void)snprintf(sql, sizeof sql, "DROP TABLE landfall.change_in_%lld", first);
    return run_text(transaction, sql, err);
}

static enum lf_code care_for_partitions(struct db_transaction *transaction, const struct leadership *leadership,
                                        const struct state *state, struct err *err)
{
    char sql[SQL_BYTES];
    TRY(leader_lock(transaction, leadership, err));
    (void)snprintf(sql, sizeof sql, "SET LOCAL lock_timeout = %d", LOCK_TIMEOUT_MS);
    TRY(run_text(transaction, sql, err));
    TRY(make_partitions(transaction, state->last_id, err));
    return drop_partition(transaction, state, err);
}

/* Steps
 * ---------------------------------------------------------------------------------------------------------------------------- */

typedef enum lf_code sequencer_work(struct db_transaction *transaction, const struct leadership *leadership,
                                    const struct state *state, struct err *err);

static enum lf_code in_transaction(struct db *db, sequencer_work *work, const struct leadership *leadership,
                                   const struct state *state, struct err *err)
{
    bool is_certain = true;
    struct db_transaction *transaction = NULL;
    TRY(db_begin(db, &transaction, err));
    enum lf_code code = work(transaction, leadership, state, err);
    if (!code)
        return db_commit(transaction, &is_certain, err);
    db_rollback(transaction);
    return code;
}

/* Partitions are looked at whenever the mark comes to another quarter of one, and in the beginning. Two are ahead, so it does not
 * matter when somebody's lock prevents it now and then. */
static bool needs_care(const struct state *state)
{
    int64_t quarter = CHANGE_PARTITION_IDS / 4;
    return state->mark_id == 0 || state->last_id / quarter != state->mark_id / quarter;
}

enum lf_code sequencer_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                            struct err *err)
{
    struct state state;
    (void)arena;
    TRY(read_state(worker->db, &state, err));
    bool is_idle = state.last_id == state.position && state.mark_id == state.position;
    if (is_idle || !state.is_settled)
        return LF_OK;
    *ret_more = true;
    TRY(in_transaction(worker->db, advance, leadership, &state, err));
    return needs_care(&state) ? in_transaction(worker->db, care_for_partitions, leadership, &state, err) : LF_OK;
}
