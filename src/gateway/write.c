#include "gateway/write.h"

#include "gateway/key_queue.h"
#include "gateway/worker.h"

/* One write that depends on the old item ----------------------------------------------------------------------------------------
 */

struct job {
    struct worker *worker;
    const struct table *table;
    const struct item_key *key;
    const struct write_options *options;
    struct arena *arena;
};

static enum lf_code decide(const struct job *job, struct stored_item *old, struct store_write *ret_write, bool *ret_writes,
                           struct err *err)
{
    struct item old_item = { 0 };
    struct write_decision decision = { 0 };
    if (old->is_present)
        TRY(stored_item_parse(old, job->arena, &old_item, err));
    TRY(job->options->decide(job->options->context, old, &old_item, job->arena, &decision, err));
    *ret_writes = decision.writes;
    *ret_write = (struct store_write){
        .key = *job->key,
        .item = decision.item,
        .old = old,
        .guard = WRITE_VERSION,
        .by_ttl = job->options->by_ttl,
    };
    return LF_OK;
}

static enum lf_code write_freely(const struct job *job, bool *ret_applied, struct err *err)
{
    struct stored_item old;
    struct store_write write;
    bool writes = false;
    const struct store *store = job->table->store;
    TRY(store->get(job->worker, job->table, job->key, 1, job->arena, &old, err));
    TRY(decide(job, &old, &write, &writes, err));
    *ret_applied = true;
    return writes ? store->write(job->worker, job->table, &write, 1, job->arena, ret_applied, err) : LF_OK;
}

static enum lf_code write_in(const struct job *job, struct db_transaction *transaction, struct store_transaction_id *ret_id,
                             struct err *err)
{
    struct stored_item old;
    struct store_write write;
    bool writes = false;
    const struct store *store = job->table->store;
    struct store_lock lock = { .table = job->table, .key = job->key->bytes };
    TRY(store_lock_keys(transaction, &lock, 1, ret_id, err));
    TRY(store->lock(transaction, job->table, job->key, 1, job->arena, &old, err));
    TRY(decide(job, &old, &write, &writes, err));
    return writes ? store->write_locked(transaction, job->table, &write, 1, job->arena, err) : LF_OK;
}

static enum lf_code write_under_lock(const struct job *job, struct err *err)
{
    struct store_transaction_id id = { 0 };
    struct db_transaction *transaction = NULL;
    TRY(db_begin(job->worker->db, &transaction, err));
    enum lf_code code = write_in(job, transaction, &id, err);
    if (!code)
        return store_commit(transaction, id, err);
    db_rollback(transaction);
    return store_is_conflict(code, err) ? ERR(err, LF_TRANSACTION_CONFLICT, "Transaction is ongoing for the item") : code;
}

static enum lf_code take_turn(const struct job *job, struct err *err)
{
    bool is_applied = false;
    TRY(write_freely(job, &is_applied, err));
    return is_applied ? LF_OK : write_under_lock(job, err);
}

enum lf_code write_item(struct worker *worker, const struct table *table, const struct item_key *key,
                        const struct write_options *options, struct arena *arena, struct err *err)
{
    struct job job = { worker, table, key, options, arena };
    struct key_turn turn = { .id = store_lock_id(table, &key->bytes) };
    key_queue_enter(worker->keys, &turn, 1);
    enum lf_code code = take_turn(&job, err);
    key_queue_leave(worker->keys, &turn, 1);
    return code;
}

/* Blind writes
 * ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code decide_blindly(void *context, struct stored_item *old, const struct item *old_item, struct arena *arena,
                                   struct write_decision *ret_decision, struct err *err)
{
    const struct blind_write *write = context;
    (void)old_item, (void)arena, (void)err;
    *ret_decision = (struct write_decision){ .writes = write->item || old->is_present, .item = write->item };
    return LF_OK;
}

/* Guards that did not hold: each by itself, under its lock. */
static enum lf_code write_rest(struct worker *worker, const struct table *table, const struct blind_write *writes, size_t count,
                               const bool *applied, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct blind_write write = writes[i];
        struct write_options options = { .decide = decide_blindly, .context = &write };
        struct job job = { worker, table, &writes[i].key, &options, arena };
        if (!applied[i])
            TRY(write_under_lock(&job, err));
    }
    return LF_OK;
}

static enum lf_code read_old(struct worker *worker, const struct table *table, const struct blind_write *writes, size_t count,
                             struct arena *arena, struct stored_item **ret_old, struct err *err)
{
    struct item_key *keys = arena_calloc(arena, count, sizeof *keys, err);
    struct stored_item *old = keys ? arena_calloc(arena, count, sizeof *old, err) : NULL;
    if (!old)
        return err->code;
    for (size_t i = 0; i < count; i++)
        keys[i] = writes[i].key;
    *ret_old = old;
    return table->store->get(worker, table, keys, count, arena, old, err);
}

static enum lf_code write_all(struct worker *worker, const struct table *table, const struct blind_write *writes, size_t count,
                              struct arena *arena, struct err *err)
{
    struct stored_item *old = NULL;
    bool needs_old = table->stream != API_STREAM_VIEW_TYPE_UNSET;
    struct store_write *store_writes = arena_calloc(arena, count, sizeof *store_writes, err);
    bool *applied = store_writes ? arena_calloc(arena, count, sizeof *applied, err) : NULL;
    if (!applied)
        return err->code;
    if (needs_old)
        TRY(read_old(worker, table, writes, count, arena, &old, err));
    for (size_t i = 0; i < count; i++)
        store_writes[i] = (struct store_write){
            .key = writes[i].key,
            .item = writes[i].item,
            .old = old ? &old[i] : NULL,
            .guard = old ? WRITE_VERSION : WRITE_ALWAYS,
        };
    TRY(table->store->write(worker, table, store_writes, count, arena, applied, err));
    return old ? write_rest(worker, table, writes, count, applied, arena, err) : LF_OK;
}

enum lf_code write_blindly(struct worker *worker, const struct table *table, const struct blind_write *writes, size_t count,
                           struct arena *arena, struct err *err)
{
    struct key_turn *turns = arena_calloc(arena, count, sizeof *turns, err);
    if (!turns)
        return err->code;
    for (size_t i = 0; i < count; i++)
        turns[i].id = store_lock_id(table, &writes[i].key.bytes);
    key_queue_enter(worker->keys, turns, count);
    enum lf_code code = write_all(worker, table, writes, count, arena, err);
    key_queue_leave(worker->keys, turns, count);
    return code;
}
