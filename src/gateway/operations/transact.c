#include "gateway/operations/transact.h"

#include "gateway/key_queue.h"

/* What the transaction is about -------------------------------------------------------------------------------------------- */

static enum lf_code sort_out(struct transact *transact, struct err *err)
{
    struct arena *arena = transact->call->arena;
    struct table_item *items = arena_calloc(arena, transact->count + 1, sizeof *items, err);
    if (!items)
        return err->code;
    for (size_t i = 0; i < transact->count; i++)
        items[i] = (struct table_item){ transact->actions[i].change.table, &transact->actions[i].change.key };
    TRY(table_items_check_distinct(items, transact->count, err));
    TRY(table_parts_new(items, transact->count, arena, &transact->parts, err));
    return table_parts_by_id(&transact->parts, arena, &transact->by_id, err);
}

/* Locking ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code lock_keys(const struct transact *transact, struct db_transaction *transaction,
                              struct store_transaction_id *ret_id, struct err *err)
{
    struct store_lock *locks = arena_calloc(transact->call->arena, transact->count, sizeof *locks, err);
    if (!locks)
        return err->code;
    for (size_t i = 0; i < transact->count; i++)
        locks[i] = (struct store_lock){ transact->actions[i].change.table, transact->actions[i].change.key.bytes };
    return store_lock_keys(transaction, locks, transact->count, ret_id, err);
}

static enum lf_code lock_items(const struct transact *transact, struct db_transaction *transaction, struct err *err)
{
    for (size_t i = 0; i < transact->parts.count; i++) {
        struct table_part *part = transact->by_id[i];
        TRY(part->table->store->lock(transaction, part->table, part->keys, part->count, transact->call->arena, part->items, err));
    }
    return LF_OK;
}

/* Deciding ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code decide(struct transact_action *action, struct stored_item *old, struct arena *arena,
                           struct cancellation_reason *reason, struct err *err)
{
    struct item old_item = { 0 };
    if (old->is_present)
        TRY(stored_item_parse(old, arena, &old_item, err));
    enum lf_code code = item_change_decide(&action->change, old, &old_item, arena, &action->outcome, err);
    if (code == LF_CONDITIONAL_CHECK_FAILED && action->is_insert && !action->returns_old)
        code = ERR(err, LF_DUPLICATE_ITEM, "Duplicate primary key exists in table");
    bool tells_item = code == LF_CONDITIONAL_CHECK_FAILED && action->returns_old && old->is_present;
    TRY(cancellation_take(code, arena, reason, err));
    return tells_item ? stored_item_json(old, arena, &reason->item, err) : LF_OK;
}

static enum lf_code decide_all(struct transact *transact, struct err *err)
{
    struct arena *arena = transact->call->arena;
    struct cancellation_reason *reasons = arena_calloc(arena, transact->count, sizeof *reasons, err);
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < transact->parts.count; i++) {
        const struct table_part *part = &transact->parts.parts[i];
        for (size_t k = 0; k < part->count; k++)
            TRY(decide(&transact->actions[part->at[k]], &part->items[k], arena, &reasons[part->at[k]], err));
    }
    return cancellation_check(transact->call, reasons, transact->count, err);
}

/* Writing ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code write_part(const struct transact *transact, const struct table_part *part, struct db_transaction *transaction,
                               struct err *err)
{
    size_t count = 0;
    struct store_write *writes = arena_calloc(transact->call->arena, part->count, sizeof *writes, err);
    if (!writes)
        return err->code;
    for (size_t i = 0; i < part->count; i++) {
        const struct item_outcome *outcome = &transact->actions[part->at[i]].outcome;
        if (outcome->writes)
            writes[count++] = (struct store_write){
                .key = part->keys[i],
                .item = outcome->has_new ? &outcome->new_item : NULL,
                .old = &part->items[i],
                .guard = WRITE_VERSION,
            };
    }
    return part->table->store->write_locked(transaction, part->table, writes, count, transact->call->arena, err);
}

static enum lf_code run_in(struct transact *transact, struct db_transaction *transaction, struct store_transaction_id *ret_id,
                           struct err *err)
{
    transact->was_done = transact->call->was_done;
    if (!transact->was_done && transact->token)
        TRY(request_token_claim(transact->token, transaction, &transact->was_done, err));
    if (transact->was_done)
        return LF_OK;
    TRY(lock_keys(transact, transaction, ret_id, err));
    TRY(lock_items(transact, transaction, err));
    TRY(decide_all(transact, err));
    for (size_t i = 0; i < transact->parts.count; i++)
        TRY(write_part(transact, transact->by_id[i], transaction, err));
    return LF_OK;
}

static enum lf_code run_once(struct transact *transact, struct err *err)
{
    struct store_transaction_id id = { 0 };
    struct db_transaction *transaction = NULL;
    TRY(db_begin(transact->call->worker->db, &transaction, err));
    enum lf_code code = run_in(transact, transaction, &id, err);
    if (!code && !transact->was_done)
        return store_commit(transaction, id, err);
    db_rollback(transaction);
    return code;
}

/* Tables that have changed under a prepared statement fail it once; who was the victim of a deadlock has the way free now. */
static bool is_worth_another(enum lf_code code, const struct err *err)
{
    static const char *const states[] = { "40P01", "0A000", "26000" };
    if (code == LF_SQL)
        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
            if (strcmp(err->sqlstate, states[i]) == 0)
                return true;
    return code == LF_TRANSACTION_CONFLICT;
}

static enum lf_code run(struct transact *transact, struct err *err)
{
    enum lf_code code = run_once(transact, err);
    if (is_worth_another(code, err))
        code = run_once(transact, err);
    return code && store_is_conflict(code, err) ? cancellation_of_conflict(transact->call, transact->count, err) : code;
}

enum lf_code transact_run(struct transact *transact, struct err *err)
{
    struct key_queue *queue = transact->call->worker->keys;
    TRY(sort_out(transact, err));
    struct key_turn *turns = arena_calloc(transact->call->arena, transact->count, sizeof *turns, err);
    if (!turns)
        return err->code;
    for (size_t i = 0; i < transact->count; i++)
        turns[i].id = store_lock_id(transact->actions[i].change.table, &transact->actions[i].change.key.bytes);
    key_queue_enter(queue, turns, transact->count);
    enum lf_code code = run(transact, err);
    key_queue_leave(queue, turns, transact->count);
    return code;
}
