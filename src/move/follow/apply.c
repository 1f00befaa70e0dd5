#include "move/follow/apply.h"

#include <stdlib.h>

#include "item/canonical.h"
#include "map/key_group.h"
#include "move/follow/key_marks.h"
#include "move/follow/spool.h"

enum { APPLY_ARENA_BYTES = 1024 * 1024 * 1024 };

enum lf_code applier_init(struct applier *applier, const struct map *map, const struct map_table *table, struct pg_conn *conn,
                          struct dynamodb *client, struct err *err)
{
    *applier = (struct applier){ .map = map, .table = table, .conn = conn, .client = client };
    arena_init(&applier->arena, APPLY_ARENA_BYTES);
    /* What a crash of the server loses, rows with the spool's deletions, is applied again. Keys are few beside the rows: a batch
     * that is joined by reading a whole table costs more than all of it otherwise. */
    TRY(pg_exec(conn, "SET synchronous_commit = off; SET enable_hashjoin = off; SET enable_mergejoin = off", err));
    TRY(key_writer_init(&applier->writer, map, table, conn, err));
    return key_repairer_init(&applier->repairer, &applier->writer, client, err);
}

void applier_done(struct applier *applier)
{
    key_writer_done(&applier->writer);
    arena_done(&applier->arena);
}

/* The last of each key ----------------------------------------------------------------------------------------------------- */

struct keyed {
    struct key key;
    size_t record; /* in the batch */
};

static int compare_keyed(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;
    int order = span_compare(a->key.partition, b->key.partition);
    if (!order)
        order = span_compare(a->key.sort, b->key.sort);
    return order ? order : (a->record > b->record) - (a->record < b->record);
}

static bool is_same_key(const struct keyed *a, const struct keyed *b)
{
    return span_equal(a->key.partition, b->key.partition) && span_equal(a->key.sort, b->key.sort);
}

/* In order of the keys, so that rows are written in one order by all. */
static enum lf_code last_of_keys(struct applier *applier, const struct spool_batch *batch, struct keyed **ret_keys,
                                 size_t *ret_count, struct err *err)
{
    size_t count = 0;
    struct keyed *keys = arena_calloc(&applier->arena, batch->count, sizeof *keys, err);
    if (!keys)
        return err->code;
    for (size_t i = 0; i < batch->count; i++) {
        keys[i].record = i;
        TRY(key_of_item(&applier->table->key, &batch->records[i].key, &applier->arena, &keys[i].key, err));
    }
    qsort(keys, batch->count, sizeof *keys, compare_keyed);
    for (size_t i = 0; i < batch->count; i++)
        if (i + 1 == batch->count || !is_same_key(&keys[i], &keys[i + 1]))
            keys[count++] = keys[i];
    *ret_keys = keys;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code bytes_of(const struct keyed *keys, size_t count, struct arena *arena, struct key **ret_bytes, struct err *err)
{
    struct key *bytes = arena_calloc(arena, count, sizeof *bytes, err);
    if (!bytes)
        return err->code;
    for (size_t i = 0; i < count; i++)
        bytes[i] = keys[i].key;
    *ret_bytes = bytes;
    return LF_OK;
}

static enum lf_code delete_all(struct applier *applier, const struct spool_batch *batch, struct err *err)
{
    bool *is_done = arena_alloc(&applier->arena, batch->count, err);
    if (!is_done)
        return err->code;
    memset(is_done, true, batch->count);
    TRY(spool_delete(applier->conn, applier->table->name, batch, is_done, &applier->arena, err));
    applier->counts.applied += batch->count;
    return LF_OK;
}

/* Follow ------------------------------------------------------------------------------------------------------------------- */

/* What the stream says, or where it has no images, what DynamoDB says. */
static enum lf_code image_of(struct applier *applier, const struct spool_record *record, const struct item **ret_item,
                             struct err *err)
{
    *ret_item = record->has_item ? &record->item : NULL;
    if (record->has_item || record->is_removed)
        return LF_OK;
    struct item *item = arena_calloc(&applier->arena, 1, sizeof *item, err);
    bool is_there;
    if (!item)
        return err->code;
    TRY(dynamodb_get_item(applier->client, applier->table->name, &record->key, &applier->arena, item, &is_there, NULL, err));
    *ret_item = is_there ? item : NULL;
    return LF_OK;
}

/* Nobody else writes rows in this phase but who has a mark from before, or the repairer. What they have read may be older than
 * the image, after which no other comes. */
static enum lf_code apply_images(struct applier *applier, const struct spool_batch *batch, struct err *err)
{
    struct keyed *keys;
    struct key *bytes;
    size_t count;
    TRY(last_of_keys(applier, batch, &keys, &count, err));
    TRY(bytes_of(keys, count, &applier->arena, &bytes, err));
    TRY(key_marks_leave(applier->conn, applier->table->name, bytes, count, &applier->arena, err));
    struct key_change *changes = arena_calloc(&applier->arena, count, sizeof *changes, err);
    if (!changes)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        changes[i].key = keys[i].key;
        TRY(image_of(applier, &batch->records[keys[i].record], &changes[i].item, err));
    }
    TRY(key_writer_write(&applier->writer, changes, count, &applier->arena, err));
    return delete_all(applier, batch, err);
}

/* Dual write --------------------------------------------------------------------------------------------------------------- */

static bool is_equal(const struct spool_record *record, const struct key_rows *rows, size_t at)
{
    size_t count = key_rows_count(rows, at);
    if (record->is_removed)
        return count == 0;
    return record->has_item && count == 1 && item_equal(&record->item, &rows->items[rows->first[at]]);
}

/* Keys whose rows are not what their last record says come first in `keys`; the others' records are out of the spool, but for
 * those of keys that are marked: the row may be about to become what DynamoDB had before the record. */
static enum lf_code drop_equal(struct applier *applier, const struct spool_batch *batch, struct keyed *keys, size_t count,
                               size_t *ret_different, struct err *err)
{
    struct key_rows rows;
    struct key *bytes;
    size_t different = 0, dropped = 0;
    struct arena *arena = &applier->arena;
    bool *is_done = arena_calloc(arena, batch->count, sizeof *is_done, err);
    enum key_mark *marks = is_done ? arena_calloc(arena, count, sizeof *marks, err) : NULL;
    if (!marks)
        return err->code;
    TRY(bytes_of(keys, count, arena, &bytes, err));
    TRY(key_marks_find(applier->conn, applier->table->name, bytes, count, arena, marks, err));
    TRY(key_rows_find(applier->conn, applier->map, applier->table, bytes, count, KEY_ROWS_ITEMS, arena, &rows, err));
    for (size_t i = 0; i < count; i++) {
        if (marks[i] == KEY_MARK_HELD)
            continue;
        is_done[keys[i].record] = marks[i] == KEY_MARK_NONE && is_equal(&batch->records[keys[i].record], &rows, i);
        dropped += is_done[keys[i].record];
        if (!is_done[keys[i].record])
            keys[different++] = keys[i];
    }
    TRY(spool_delete(applier->conn, applier->table->name, batch, is_done, arena, err));
    applier->counts.applied += dropped;
    *ret_different = different;
    return LF_OK;
}

/* Records that later ones of the same key make superfluous. */
static enum lf_code drop_older(struct applier *applier, const struct spool_batch *batch, const struct keyed *last, size_t count,
                               struct err *err)
{
    bool *is_done = arena_alloc(&applier->arena, batch->count, err);
    if (!is_done)
        return err->code;
    memset(is_done, true, batch->count);
    for (size_t i = 0; i < count; i++)
        is_done[last[i].record] = false;
    applier->counts.applied += batch->count - count;
    return spool_delete(applier->conn, applier->table->name, batch, is_done, &applier->arena, err);
}

/* Whether gateways write the key on both sides. */
static enum lf_code is_dual_key(struct applier *applier, const struct table_phase *phase, const struct item *key, bool *ret_dual,
                                struct err *err)
{
    struct key_group moved;
    *ret_dual = phase->phase == PHASE_DUAL_WRITE;
    if (phase->phase != PHASE_POSTGRES || !phase->moved.len)
        return LF_OK;
    TRY(key_group_make(applier->table, phase->moved, &applier->arena, &moved, err));
    *ret_dual = !key_group_has(&moved, key);
    return LF_OK;
}

struct settling {
    struct applier *applier;
    const struct spool_record *record;
};

/* In the transaction of the row. A phase that has changed since leaves the record to the next batch. */
static enum lf_code settle_record(void *context, struct pg_conn *conn, struct err *err)
{
    const struct settling *settling = context;
    struct applier *applier = settling->applier;
    struct table_phase phase;
    struct spool_record record = *settling->record;
    bool is_there, is_dual = false, is_done = true;
    TRY(phase_read(conn, applier->table->name, true, &applier->arena, &phase, &is_there, err));
    if (is_there)
        TRY(is_dual_key(applier, &phase, &record.key, &is_dual, err));
    if (!is_there || !is_dual)
        return ERR(err, LF_TRANSACTION_CONFLICT, "the phase has changed");
    return spool_delete(conn, applier->table->name, &(struct spool_batch){ &record, 1 }, &is_done, &applier->arena, err);
}

static enum lf_code repair_keys(struct applier *applier, const struct spool_batch *batch, const struct keyed *keys, size_t count,
                                struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum key_repair outcome;
        struct settling settling = { applier, &batch->records[keys[i].record] };
        TRY(key_repair(&applier->repairer, &settling.record->key, settle_record, &settling, &applier->arena, &outcome, err));
        applier->counts.repaired += outcome == KEY_REPAIRED;
        applier->counts.applied += outcome == KEY_REPAIRED;
    }
    return LF_OK;
}

/* Records that had to be left stay behind `position` until the round is through, and are then looked at again. */
static enum lf_code apply_hints(struct applier *applier, const struct spool_batch *batch, struct err *err)
{
    struct keyed *keys;
    size_t count, different;
    TRY(last_of_keys(applier, batch, &keys, &count, err));
    TRY(drop_older(applier, batch, keys, count, err));
    TRY(drop_equal(applier, batch, keys, count, &different, err));
    TRY(pg_exec(applier->conn, "COMMIT", err));
    applier->position = batch->records[batch->count - 1].id;
    return repair_keys(applier, batch, keys, different, err);
}

/* Batches ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code find_late(struct applier *applier, const struct spool_batch *batch, struct err *err)
{
    size_t late;
    TRY(late_writes_find(&applier->writer, applier->client, batch, &applier->arena, &late, err));
    TRY(delete_all(applier, batch, err));
    applier->counts.late += late;
    return LF_OK;
}

/* The records of a mixed table: of keys that have moved, and of those that have not. */
static enum lf_code split(struct applier *applier, const struct table_phase *phase, const struct spool_batch *batch,
                          struct spool_batch *ret_moved, struct spool_batch *ret_rest, struct err *err)
{
    struct key_group moved;
    struct spool_record *records = arena_calloc(&applier->arena, 2 * batch->count, sizeof *records, err);
    if (!records)
        return err->code;
    *ret_moved = (struct spool_batch){ .records = records };
    *ret_rest = (struct spool_batch){ .records = records + batch->count };
    TRY(key_group_make(applier->table, phase->moved, &applier->arena, &moved, err));
    for (size_t i = 0; i < batch->count; i++) {
        struct spool_batch *part = key_group_has(&moved, &batch->records[i].key) ? ret_moved : ret_rest;
        part->records[part->count++] = batch->records[i];
    }
    return LF_OK;
}

static enum lf_code apply_mixed(struct applier *applier, const struct table_phase *phase, const struct spool_batch *batch,
                                struct err *err)
{
    struct spool_batch moved, rest;
    TRY(split(applier, phase, batch, &moved, &rest, err));
    if (moved.count)
        TRY(find_late(applier, &moved, err));
    return rest.count ? apply_hints(applier, &rest, err) : pg_exec(applier->conn, "COMMIT", err);
}

static enum lf_code apply_records(struct applier *applier, const struct table_phase *phase, const struct spool_batch *batch,
                                  struct err *err)
{
    if (phase->phase == PHASE_DUAL_WRITE)
        return apply_hints(applier, batch, err);
    if (phase->moved.len)
        return apply_mixed(applier, phase, batch, err);
    TRY(phase->phase == PHASE_FOLLOW ? apply_images(applier, batch, err) : find_late(applier, batch, err));
    return pg_exec(applier->conn, "COMMIT", err);
}

/* Of two processes that apply at the same time, because one only seemed dead, the second waits and finds the records gone. */
static enum lf_code begin(struct applier *applier, struct table_phase *ret_phase, bool *ret_there, struct err *err)
{
    TRY(pg_exec(applier->conn, "BEGIN", err));
    TRY(key_writer_lock(applier->conn, applier->table->name, err));
    return phase_read(applier->conn, applier->table->name, true, &applier->arena, ret_phase, ret_there, err);
}

/* A gateway that has not heard of `rollback reads` may still write rows. An image that was applied before would be overwritten by
 * something older, of which no record tells: so they wait until all have heard. */
static enum lf_code apply_in_transaction(struct applier *applier, enum apply_state *ret_state, struct err *err)
{
    struct table_phase phase;
    struct spool_batch batch;
    bool is_there, may_apply = true;
    TRY(begin(applier, &phase, &is_there, err));
    *ret_state = !is_there || phase.phase == PHASE_DECOMMISSIONED ? APPLY_IS_OVER
                 : !phase.applies_since_us                        ? APPLY_WAITS
                                                                  : APPLY_IDLE;
    if (*ret_state == APPLY_IDLE && phase.phase == PHASE_FOLLOW)
        TRY(phase_is_known(applier->conn, &may_apply, err));
    if (*ret_state != APPLY_IDLE || !may_apply)
        return pg_exec(applier->conn, "ROLLBACK", err);
    TRY(spool_read(applier->conn, applier->table->name, applier->position, &applier->arena, &batch, err));
    if (batch.count) {
        *ret_state = APPLY_MORE;
        return apply_records(applier, &phase, &batch, err);
    }
    applier->position = 0;
    return pg_exec(applier->conn, "ROLLBACK", err);
}

enum lf_code apply_batch(struct applier *applier, enum apply_state *ret_state, struct err *err)
{
    arena_reset(&applier->arena);
    return apply_in_transaction(applier, ret_state, err);
}
