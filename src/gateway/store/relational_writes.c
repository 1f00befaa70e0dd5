#include "gateway/store/relational_writes.h"

#include "gateway/store/gather.h"
#include "gateway/store/relational_at_once.h"
#include "gateway/store/relational_changes.h"
#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_rows.h"
#include "gateway/worker.h"
#include "move/follow/key_writer.h"

static const char unique_violation[] = "23505", foreign_key_violation[] = "23503";

/* SQLSTATE class 23. */
static bool is_violation(enum lf_code code, const struct err *err)
{
    return code == LF_SQL && strncmp(err->sqlstate, "23", 2) == 0;
}

static bool is_in_the_way(enum lf_code code, const struct err *err)
{
    return is_violation(code, err) || store_is_conflict(code, err);
}

/* Writes of one transaction. */
struct plan {
    struct db_transaction *transaction;
    const struct table *table;
    struct relational_table *state;
    struct relational_change *changes;
    size_t count;
    struct relational_change **group; /* of the statement that is made next */
    bool is_careful;
    struct arena *arena;
};

/* Deletes ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code delete_row(const struct plan *plan, const struct stored_item *row, struct err *err)
{
    return relational_delete(plan->transaction, plan->table, relational_place_of(row).source, &row, 1, plan->arena, err);
}

static bool is_deleted_from(const struct relational_change *change, size_t source)
{
    return change->old->is_present && !change->is_update && relational_place_of(change->old).source == source;
}

static enum lf_code delete_from(const struct plan *plan, size_t source, struct err *err)
{
    size_t count = 0;
    const struct stored_item **rows = arena_calloc(plan->arena, plan->count + 1, sizeof *rows, err);
    if (!rows)
        return err->code;
    for (size_t i = 0; i < plan->count; i++)
        if (is_deleted_from(&plan->changes[i], source))
            rows[count++] = plan->changes[i].old;
    return count ? relational_delete(plan->transaction, plan->table, source, rows, count, plan->arena, err) : LF_OK;
}

static enum lf_code refuse_delete(enum lf_code code, struct err *err)
{
    if (code != LF_SQL || strcmp(err->sqlstate, foreign_key_violation) != 0)
        return code;
    struct err cause = *err;
    return ERR(err, LF_VALIDATION, "The item's row cannot be deleted, other rows refer to it: %s", cause.message);
}

static enum lf_code delete_all(const struct plan *plan, struct err *err)
{
    for (size_t i = plan->state->count; i-- > 0;)
        TRY(refuse_delete(delete_from(plan, plan->state->parents_first[i], err), err));
    return LF_OK;
}

/* Groups that may break a constraint -------------------------------------------------------------------------------------------
 */

typedef enum lf_code write_group(const struct plan *plan, struct relational_change **changes, size_t count, struct err *err);

static enum lf_code insert_group(const struct plan *plan, struct relational_change **changes, size_t count, struct err *err)
{
    return relational_insert(plan->transaction, plan->table, changes, count, plan->arena, err);
}

/* A row under another primary key is another row. */
static enum lf_code replace_row(const struct plan *plan, struct relational_change *change, struct err *err)
{
    TRY(refuse_delete(delete_row(plan, change->old, err), err));
    change->is_update = false;
    return insert_group(plan, &change, 1, err);
}

static enum lf_code update_group(const struct plan *plan, struct relational_change **changes, size_t count, struct err *err)
{
    TRY(relational_update(plan->transaction, plan->table, changes, count, plan->arena, err));
    for (size_t i = 0; i < count; i++)
        if (!changes[i]->is_written)
            TRY(replace_row(plan, changes[i], err));
    return LF_OK;
}

/* Its row would have to go, for what a constraint says of the new one. */
static enum lf_code refuse_unclaim(enum lf_code code, const struct err *violation, struct err *err)
{
    if (code == LF_VALIDATION)
        return ERR(err, LF_VALIDATION, "The item's row cannot be changed so, and stays because other rows refer to it: %s",
                   violation->message);
    return code;
}

/* A rival for the item's own key came by SQL: then the item is there. */
static enum lf_code check_rival(const struct plan *plan, const struct relational_change *change, const struct err *violation,
                                struct err *err)
{
    struct stored_item rival;
    if (change->is_update || strcmp(violation->sqlstate, unique_violation) != 0)
        return LF_OK;
    TRY(relational_get_in(plan->transaction, plan->table, &change->write->key, 1, plan->arena, &rival, err));
    if (rival.is_present)
        return ERR(err, LF_TRANSACTION_CONFLICT, "somebody inserts a row of the item by SQL");
    return LF_OK;
}

/* The item goes to landfall.item, with the others that no entity claims. */
static enum lf_code unclaim(const struct plan *plan, struct relational_change *change, bool had_row, const struct err *violation,
                            struct err *err)
{
    change->is_update = had_row;
    TRY(check_rival(plan, change, violation, err));
    if (had_row)
        TRY(refuse_unclaim(refuse_delete(delete_row(plan, change->old, err), err), violation, err));
    change->row.entity = NULL;
    change->source = plan->state->count - 1;
    return arena_copy(plan->arena, span_from_cstr(violation->message), &change->row.reason, err);
}

static enum lf_code write_carefully(const struct plan *plan, write_group *write, struct relational_change **changes, size_t count,
                                    struct err *err)
{
    struct err violation = ERR_INIT;
    bool had_row = changes[0]->is_update;
    TRY(db_savepoint(plan->transaction, err));
    enum lf_code code = write(plan, changes, count, &violation);
    if (!code)
        return db_release_savepoint(plan->transaction, err);
    if (!is_violation(code, &violation)) {
        *err = violation;
        return code;
    }
    TRY(db_rollback_to_savepoint(plan->transaction, err));
    if (count == 1)
        return unclaim(plan, changes[0], had_row, &violation, err);
    for (size_t i = 0; i < count; i++)
        changes[i]->is_update = had_row;
    TRY(write_carefully(plan, write, changes, count / 2, err));
    return write_carefully(plan, write, changes + count / 2, count - count / 2, err);
}

static enum lf_code write_source(const struct plan *plan, size_t source, bool is_update, struct err *err)
{
    size_t count = 0;
    write_group *write = is_update ? update_group : insert_group;
    for (size_t i = 0; i < plan->count; i++) {
        struct relational_change *change = &plan->changes[i];
        if (change->write->item && change->row.entity && change->source == source && change->is_update == is_update)
            plan->group[count++] = change;
    }
    if (!count)
        return LF_OK;
    return plan->is_careful ? write_carefully(plan, write, plan->group, count, err) : write(plan, plan->group, count, err);
}

static enum lf_code write_items(const struct plan *plan, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->changes[i].write->item && !plan->changes[i].row.entity)
            plan->group[count++] = &plan->changes[i];
    return count ? relational_insert_items(plan->transaction, plan->table, plan->group, count, plan->arena, err) : LF_OK;
}

/* All --------------------------------------------------------------------------------------------------------------------------
 */

/* Unless `is_careful`, the first item that breaks a constraint ends it with LF_SQL, SQLSTATE class 23. */
static enum lf_code write_rows(struct db_transaction *transaction, const struct table *table, struct relational_change *changes,
                               size_t count, bool is_careful, struct arena *arena, struct err *err)
{
    struct plan plan = { transaction, table, relational_table_of(table), changes, count, NULL, is_careful, arena };
    plan.group = arena_calloc(arena, count + 1, sizeof *plan.group, err);
    if (!plan.group)
        return err->code;
    TRY(delete_all(&plan, err));
    /* Rows that update_group replaces must not be inserted once more, so changes come last. */
    for (size_t i = 0; i < plan.state->count; i++)
        TRY(write_source(&plan, plan.state->parents_first[i], false, err));
    for (size_t i = 0; i < plan.state->count; i++)
        TRY(write_source(&plan, plan.state->parents_first[i], true, err));
    TRY(write_items(&plan, err));
    return relational_insert_images(transaction, table, changes, count, arena, err);
}

enum lf_code relational_write_locked(struct db_transaction *transaction, const struct table *table,
                                     const struct store_write *writes, size_t count, struct arena *arena, struct err *err)
{
    struct relational_change *changes = NULL;
    TRY(relational_changes_of(table, writes, count, arena, &changes, err));
    return write_rows(transaction, table, changes, count, true, arena, err);
}

/* In transactions of their own -------------------------------------------------------------------------------------------------
 */

struct job {
    struct worker *worker;
    const struct table *table;
    struct relational_change *changes; /* as the request knows the items; the long way works on copies */
    size_t count;
    struct arena *arena;
    bool *applied;
};

static bool holds(const struct store_write *write, const struct stored_item *now)
{
    if (write->guard == WRITE_ALWAYS)
        return true;
    return write->old->is_present == now->is_present &&
           (!now->is_present || (write->old->version[0] == now->version[0] && write->old->version[1] == now->version[1]));
}

static enum lf_code lock_keys(const struct job *job, struct db_transaction *transaction, struct store_transaction_id *ret_id,
                              struct err *err)
{
    struct store_lock *locks = arena_calloc(job->arena, job->count, sizeof *locks, err);
    if (!locks)
        return err->code;
    for (size_t i = 0; i < job->count; i++)
        locks[i] = (struct store_lock){ job->table, job->changes[i].write->key.bytes };
    return store_lock_keys(transaction, locks, job->count, ret_id, err);
}

/* What the items hold only a stream's images tell. */
static enum lf_code read_now(const struct job *job, struct db_transaction *transaction, struct stored_item **ret_now,
                             struct err *err)
{
    struct item_key *keys = arena_calloc(job->arena, job->count, sizeof *keys, err);
    struct stored_item *now = keys ? arena_calloc(job->arena, job->count, sizeof *now, err) : NULL;
    if (!now)
        return err->code;
    for (size_t i = 0; i < job->count; i++)
        keys[i] = job->changes[i].write->key;
    *ret_now = now;
    if (job->table->stream == API_STREAM_VIEW_TYPE_UNSET)
        return relational_lock_places(transaction, job->table, keys, job->count, job->arena, now, err);
    return relational_lock(transaction, job->table, keys, job->count, job->arena, now, err);
}

static enum lf_code run_in(const struct job *job, struct db_transaction *transaction, bool is_careful,
                           struct store_transaction_id *ret_id, struct err *err)
{
    struct stored_item *now = NULL;
    size_t count = 0;
    struct relational_change *changes = arena_calloc(job->arena, job->count, sizeof *changes, err);
    if (!changes)
        return err->code;
    TRY(lock_keys(job, transaction, ret_id, err));
    TRY(read_now(job, transaction, &now, err));
    for (size_t i = 0; i < job->count; i++) {
        job->applied[i] = holds(job->changes[i].write, &now[i]);
        if (job->applied[i]) {
            changes[count] = job->changes[i];
            relational_change_meets(&changes[count++], &now[i]);
        }
    }
    return write_rows(transaction, job->table, changes, count, is_careful, job->arena, err);
}

static enum lf_code run_once(const struct job *job, bool is_careful, struct err *err)
{
    struct store_transaction_id id = { 0 };
    struct db_transaction *transaction = NULL;
    TRY(db_begin(job->worker->db, &transaction, err));
    enum lf_code code = run_in(job, transaction, is_careful, &id, err);
    if (!code)
        return store_commit(transaction, id, err);
    db_rollback(transaction);
    return code;
}

/* Not beside who writes rows without locks of keys. */
static enum lf_code take_turn(struct db_transaction *transaction, const struct table *table, bool *ret_taken, struct err *err)
{
    static const struct pg_statement take = { .sql = "SELECT pg_catalog.pg_try_advisory_xact_lock(" KEY_WRITER_LOCK(
                                                  "$1::text") ")::int::text" };
    const struct pg_field name = pg_text_field(table->name);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &take, &(struct pg_params){ .values = &name, .count = 1 }, &rows, err));
    *ret_taken = pg_result_int64(rows, 0, 0) != 0;
    return LF_OK;
}

static enum lf_code run_in_turn(const struct job *job, struct err *err)
{
    bool is_our_turn = false;
    struct store_transaction_id id = { 0 };
    struct db_transaction *transaction = NULL;
    TRY(db_begin(job->worker->db, &transaction, err));
    enum lf_code code = take_turn(transaction, job->table, &is_our_turn, err);
    if (!code && is_our_turn)
        code = run_in(job, transaction, false, &id, err);
    if (!code && is_our_turn)
        return store_commit(transaction, id, err);
    db_rollback(transaction);
    return code;
}

enum lf_code relational_try(struct worker *worker, const struct table *table, const struct store_write *write,
                            struct arena *arena, struct err *err)
{
    bool applied = false;
    struct job job = { worker, table, NULL, 1, arena, &applied };
    TRY(relational_changes_of(table, write, 1, arena, &job.changes, err));
    if (!job.changes[0].row.entity)
        return LF_OK;
    enum lf_code code = run_in_turn(&job, err);
    return is_in_the_way(code, err) ? LF_OK : code;
}

static enum lf_code run_carefully(const struct job *job, struct err *err)
{
    enum lf_code code = run_once(job, true, err);
    return store_is_conflict(code, err) ? ERR(err, LF_TRANSACTION_CONFLICT, "Transaction is ongoing for the item") : code;
}

static enum lf_code run_twice(const struct job *job, struct err *err)
{
    enum lf_code code = run_once(job, false, err);
    return is_in_the_way(code, err) ? run_carefully(job, err) : code;
}

static enum lf_code write_each(const struct job *job, struct err *err)
{
    struct err first = ERR_INIT;
    for (size_t i = 0; i < job->count; i++) {
        struct err failure = ERR_INIT;
        const struct job one = { job->worker, job->table, job->changes + i, 1, job->arena, job->applied + i };
        if (run_twice(&one, &failure) && !first.code)
            first = failure;
    }
    if (first.code)
        *err = first;
    return first.code;
}

/* One request's. A row that must stay, because others refer to it, keeps no other from going, but is told of. */
static enum lf_code unless_refused(const struct job *job, enum lf_code code, struct err *err)
{
    return code == LF_VALIDATION && job->count > 1 ? write_each(job, err) : code;
}

static enum lf_code write_one(const struct job *job, struct err *err)
{
    return unless_refused(job, run_twice(job, err), err);
}

/* Many requests' in one transaction, by which they succeed together or fail to be halved (gather.h). */
static enum lf_code write_many(struct worker *worker, const struct table *table, struct gather_member *const *members,
                               size_t count, struct err *err)
{
    struct arena *arena = members[0]->arena;
    size_t total = gather_count(members, count), at = 0;
    struct relational_change *changes = arena_calloc(arena, total, sizeof *changes, err);
    bool *applied = changes ? arena_calloc(arena, total, sizeof *applied, err) : NULL;
    if (!applied)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct job *job = members[i]->what;
        memcpy(changes + at, job->changes, job->count * sizeof *changes);
        at += job->count;
    }
    TRY(run_once(&(struct job){ worker, table, changes, total, arena, applied }, false, err));
    for (size_t i = 0; i < count; i++) {
        const struct job *job = members[i]->what;
        memcpy(job->applied, applied, job->count * sizeof *applied);
        applied += job->count;
    }
    return LF_OK;
}

static enum lf_code write_batch(struct worker *worker, const struct table *table, struct gather_member *const *members,
                                size_t count, struct err *err)
{
    return count == 1 ? write_one(members[0]->what, err) : write_many(worker, table, members, count, err);
}

static void note_applied(struct gather_member *const *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct job *job = members[i]->what;
        for (size_t k = 0; k < job->count; k++)
            job->applied[k] = job->changes[k].is_written;
    }
}

/* What a constraint or somebody else keeps one request from, it does the long way. */
static enum lf_code write_batch_at_once(struct worker *worker, const struct table *table, struct gather_member *const *members,
                                        size_t count, struct err *err)
{
    struct arena *arena = members[0]->arena;
    size_t total = gather_count(members, count), at = 0;
    struct relational_change **changes = arena_calloc(arena, total, sizeof(struct relational_change *), err);
    if (!changes)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct job *job = members[i]->what;
        for (size_t k = 0; k < job->count; k++)
            changes[at++] = &job->changes[k];
    }
    enum lf_code code = relational_write_at_once(worker, table, changes, total, arena, err);
    if (count == 1 && is_in_the_way(code, err))
        return unless_refused(members[0]->what, run_carefully(members[0]->what, err), err);
    if (!code)
        note_applied(members, count);
    return code;
}

enum lf_code relational_write(struct worker *worker, const struct table *table, const struct store_write *writes, size_t count,
                              struct arena *arena, bool *ret_applied, struct err *err)
{
    bool are_at_once = false;
    struct job job = { worker, table, NULL, count, arena, ret_applied };
    struct gather_member member = { .what = &job, .arena = arena, .count = count };
    for (size_t i = 0; i < count; i++)
        member.bytes += writes[i].item ? item_size(writes[i].item) : 0;
    TRY(relational_changes_of(table, writes, count, arena, &job.changes, err));
    TRY(relational_are_at_once(table, job.changes, count, arena, &are_at_once, err));
    return gather_join(worker->writes, table, are_at_once ? write_batch_at_once : write_batch, 0, &member, err);
}
