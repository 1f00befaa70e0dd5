#include "move/repair_batch.h"

#include <stdlib.h>

#include "item/copy.h"
#include "map/ddl.h"
#include "move/exec_binary.h"
#include "move/row_set.h"

enum { BATCH_ARENA_BYTES = 512 * 1024 * 1024, UPDATE_SQL_BYTES = 1024 * 1024 };

void repair_batch_init(struct repair_batch *batch, const struct map *map, struct pg_conn *conn)
{
    batch->map = map;
    batch->conn = conn;
    batch->bytes = batch->count = 0;
    batch->refused = NULL;
    batch->refused_count = batch->refused_capacity = 0;
    row_writer_init(&batch->writer, map);
    arena_init(&batch->arena, BATCH_ARENA_BYTES);
}

void repair_batch_done(struct repair_batch *batch)
{
    free(batch->refused);
    row_writer_done(&batch->writer);
    arena_done(&batch->arena);
}

static enum lf_code delete_rows(struct repair_batch *batch, const struct repair_item *item, struct err *err)
{
    for (size_t i = 0; i < item->identity_count; i++)
        TRY(row_identity_delete(batch->conn, batch->map, &item->identities[i], err));
    return LF_OK;
}

/* UPDATE … SET every column = $1 …, ddb_extra = $n WHERE primary key = $n+1 … */
static void put_update(struct buf *sql, const struct map *map, const struct entity *entity)
{
    buf_put_cstr(sql, "UPDATE ");
    ddl_put_table(sql, map, entity->table);
    buf_put_cstr(sql, " SET ");
    for (size_t i = 0; i < entity->column_count; i++) {
        ddl_put_identifier(sql, entity->columns[i].name);
        buf_printf(sql, " = $%zu, ", i + 1);
    }
    buf_printf(sql, "ddb_extra = $%zu WHERE ", entity->column_count + 1);
    row_identity_put_where(sql, entity, entity->column_count + 2);
}

static enum lf_code update_row(struct repair_batch *batch, const struct repair_item *item, const struct row_identity *identity,
                               int64_t *ret_affected, struct err *err)
{
    const struct entity *entity = item->row.entity;
    struct pg_field values[EXEC_PARAMETERS_MAX];
    size_t row_fields = entity->column_count + 1;
    if (identity->field_count > EXEC_PARAMETERS_MAX - row_fields)
        return ERR(err, LF_LIMIT, "table %.*s has too many columns", SPAN_ARG(entity->table));
    memcpy(values, item->row.fields, row_fields * sizeof *values);
    memcpy(values + row_fields, identity->fields, identity->field_count * sizeof *values);

    struct buf sql;
    buf_init(&sql, UPDATE_SQL_BYTES);
    put_update(&sql, batch->map, entity);
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = exec_binary(batch->conn, buf_cstr(&sql), values, row_fields + identity->field_count, ret_affected, err);
    buf_done(&sql);
    return code;
}

/* Changes the row that has the item's own primary key; *ret_done is false when it is not there any more. */
static enum lf_code change_in_place(struct repair_batch *batch, const struct repair_item *item,
                                    const struct row_identity *identity, bool *ret_done, struct err *err)
{
    int64_t affected;
    TRY(row_identity_delete_children(batch->conn, batch->map, identity, err));
    TRY(update_row(batch, item, identity, &affected, err));
    *ret_done = affected == 1;
    return LF_OK;
}

static const struct row_identity *find_own_row(const struct repair_item *item)
{
    for (size_t i = 0; i < item->identity_count; i++)
        if (row_identity_fits(&item->identities[i], item->row.entity, item->row.fields))
            return &item->identities[i];
    return NULL;
}

static enum lf_code delete_other_rows(struct repair_batch *batch, const struct repair_item *item, const struct row_identity *own,
                                      struct err *err)
{
    for (size_t i = 0; i < item->identity_count; i++)
        if (&item->identities[i] != own)
            TRY(row_identity_delete(batch->conn, batch->map, &item->identities[i], err));
    return LF_OK;
}

/* Makes room for the item: its own row is updated, all others that hold its key go. */
static enum lf_code clear_key(struct repair_batch *batch, struct repair_item *item, struct err *err)
{
    const struct row_identity *own = item->row.entity ? find_own_row(item) : NULL;
    if (!own)
        return delete_rows(batch, item, err);
    TRY(delete_other_rows(batch, item, own, err));
    TRY(pg_exec(batch->conn, "SAVEPOINT own_row", err));
    enum lf_code code = change_in_place(batch, item, own, &item->updated, err);
    if (code == LF_OK)
        return pg_exec(batch->conn, "RELEASE own_row", err);
    if (!is_constraint_violation(err))
        return code;
    TRY(pg_exec(batch->conn, "ROLLBACK TO own_row", err));
    return row_identity_delete(batch->conn, batch->map, own, err);
}

/* All at once ------------------------------------------------------------------------------------------------------------- */

static enum lf_code delete_others_together(struct repair_batch *batch, struct err *err)
{
    size_t count = 0, total = 0;
    for (size_t i = 0; i < batch->count; i++)
        total += batch->items[i].identity_count;
    const struct row_identity **rows = arena_calloc(&batch->arena, total, sizeof *rows, err);
    if (!rows)
        return err->code;
    for (size_t i = 0; i < batch->count; i++) {
        const struct repair_item *item = &batch->items[i];
        const struct row_identity *own = item->row.entity ? find_own_row(item) : NULL;
        for (size_t k = 0; k < item->identity_count; k++)
            if (&item->identities[k] != own)
                rows[count++] = &item->identities[k];
    }
    return row_set_delete(batch->conn, batch->map, rows, count, &batch->arena, err);
}

/* The items of one entity, from `first` on, whose own rows are there. *ret_all false: a row has gone since. */
static enum lf_code update_entity(struct repair_batch *batch, size_t first, const struct row **rows, bool *ret_all,
                                  struct err *err)
{
    const struct entity *entity = batch->items[first].row.entity;
    size_t count = 0, changed;
    for (size_t i = first; i < batch->count; i++) {
        struct repair_item *item = &batch->items[i];
        if (item->row.entity != entity || !find_own_row(item))
            continue;
        item->updated = true;
        rows[count++] = &item->row;
    }
    TRY(row_set_update(batch->conn, batch->map, rows, count, &changed, err));
    *ret_all = changed == count;
    return LF_OK;
}

static enum lf_code clear_together(struct repair_batch *batch, bool *ret_all, struct err *err)
{
    const struct row **rows = arena_calloc(&batch->arena, batch->count, sizeof *rows, err);
    if (!rows)
        return err->code;
    *ret_all = true;
    TRY(delete_others_together(batch, err));
    for (size_t i = 0; i < batch->count && *ret_all; i++) {
        const struct repair_item *item = &batch->items[i];
        if (item->row.entity && !item->updated && find_own_row(item))
            TRY(update_entity(batch, i, rows, ret_all, err));
    }
    return LF_OK;
}

static enum lf_code clear_each(struct repair_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->items[i].updated = false;
    for (size_t i = 0; i < batch->count; i++)
        TRY(clear_key(batch, &batch->items[i], err));
    return LF_OK;
}

/* Where together breaks a constraint, one after the other may not, and tells which one it is. */
static enum lf_code clear_keys(struct repair_batch *batch, struct err *err)
{
    struct err violation = ERR_INIT;
    bool all = false;
    TRY(pg_exec(batch->conn, "SAVEPOINT together", err));
    enum lf_code code = clear_together(batch, &all, &violation);
    if (code == LF_OK && all)
        return pg_exec(batch->conn, "RELEASE together", err);
    if (code != LF_OK && !is_constraint_violation(&violation)) {
        *err = violation;
        return code;
    }
    TRY(pg_exec(batch->conn, "ROLLBACK TO together; RELEASE together", err));
    return clear_each(batch, err);
}

/* New rows ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code collect_rows(struct repair_batch *batch, const struct repair_item *items, size_t count, struct err *err)
{
    row_writer_reset(&batch->writer);
    for (size_t i = 0; i < count; i++) {
        const struct repair_item *item = &items[i];
        if (item->row.entity)
            TRY(row_writer_add(&batch->writer, &item->row, !item->updated, err));
        else
            TRY(row_writer_add_unclaimed(&batch->writer, item->table, &item->item, item->row.reason, &batch->arena, err));
    }
    return LF_OK;
}

static enum lf_code note_refused(struct repair_batch *batch, const struct repair_item *item, struct err *err)
{
    enum { FIRST_REFUSED = 64 };
    if (batch->refused_count == batch->refused_capacity) {
        size_t capacity = batch->refused_capacity ? 2 * batch->refused_capacity : FIRST_REFUSED;
        struct key_entry *refused = realloc(batch->refused, capacity * sizeof *refused);
        if (!refused)
            return ERR(err, LF_MEMORY, "out of memory for %zu keys", capacity);
        batch->refused = refused;
        batch->refused_capacity = capacity;
    }
    batch->refused[batch->refused_count++] =
        (struct key_entry){ .key = item->difference->key, .table = item->difference->table, .side = SCAN_SOURCE };
    return LF_OK;
}

/* Gives an item that no table takes to landfall.item, with PostgreSQL's words as reason. */
static enum lf_code unclaim(struct repair_batch *batch, struct repair_item *item, const struct err *violation, struct err *err)
{
    if (item->updated)
        TRY(delete_rows(batch, item, err));
    item->updated = false;
    item->row.entity = NULL;
    TRY(note_refused(batch, item, err));
    return arena_copy(&batch->arena, span_from_cstr(violation->message), &item->row.reason, err);
}

/* Copies the items in; where that breaks a constraint, each half by itself, down to the one that does. */
static enum lf_code insert_items(struct repair_batch *batch, struct repair_item *items, size_t count, struct err *err)
{
    TRY(pg_exec(batch->conn, "SAVEPOINT rows", err));
    TRY(collect_rows(batch, items, count, err));
    struct err copy_err = ERR_INIT;
    if (row_writer_copy(&batch->writer, batch->conn, &copy_err) == LF_OK)
        return pg_exec(batch->conn, "RELEASE rows", err);
    bool can_unclaim = count > 1 || items[0].row.entity;
    if (!is_constraint_violation(&copy_err) || !can_unclaim) {
        *err = copy_err;
        return err->code;
    }
    TRY(pg_exec(batch->conn, "ROLLBACK TO rows; RELEASE rows", err));
    if (count == 1) {
        TRY(unclaim(batch, &items[0], &copy_err, err));
        return insert_items(batch, items, 1, err);
    }
    TRY(insert_items(batch, items, count / 2, err));
    return insert_items(batch, items + count / 2, count - count / 2, err);
}

static enum lf_code write_batch(struct repair_batch *batch, repair_finish *finish, void *context, struct err *err)
{
    bool is_callers = pg_in_transaction(batch->conn);
    if (!is_callers)
        TRY(pg_exec(batch->conn, "BEGIN", err));
    TRY(clear_keys(batch, err));
    TRY(insert_items(batch, batch->items, batch->count, err));
    if (finish)
        TRY(finish(context, batch->conn, err));
    return is_callers ? LF_OK : pg_exec(batch->conn, "COMMIT", err);
}

static void forget(struct repair_batch *batch)
{
    row_writer_reset(&batch->writer);
    arena_reset(&batch->arena);
    batch->bytes = batch->count = 0;
}

enum lf_code repair_batch_flush(struct repair_batch *batch, repair_finish *finish, void *context, struct err *err)
{
    if (batch->count == 0)
        return LF_OK;
    TRY(write_batch(batch, finish, context, err));
    forget(batch);
    return LF_OK;
}

void repair_batch_drop(struct repair_batch *batch)
{
    forget(batch);
    batch->refused_count = 0;
}

enum lf_code repair_batch_add(struct repair_batch *batch, const struct map_table *table, const struct key_difference *difference,
                              const struct item *item, const struct row_identity *identities, size_t identity_count,
                              struct err *err)
{
    struct repair_item *added = &batch->items[batch->count];
    *added = (struct repair_item){
        .table = table, .difference = difference, .identities = identities, .identity_count = identity_count
    };
    TRY(item_copy(item, &batch->arena, &added->item, err));
    TRY(row_encode(table, &added->item, &batch->arena, &added->row, err));
    batch->count++;
    batch->bytes += item_size(item);
    bool full = batch->count == REPAIR_BATCH_ITEMS || batch->bytes >= REPAIR_BATCH_BYTES;
    return full ? repair_batch_flush(batch, NULL, NULL, err) : LF_OK;
}
