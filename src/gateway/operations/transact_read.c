#include "gateway/operations/transact_read.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/page.h"

enum { READ_BYTES_MAX = 4 * 1024 * 1024 };

/* Reading ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code take_snapshot(struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement snapshot = { .sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY" };
    PG_RESULT_CLEANUP struct pg_result *nothing = NULL;
    return db_tx_query(transaction, &snapshot, &(struct pg_params){ 0 }, &nothing, err);
}

static enum lf_code read_in(struct db_transaction *transaction, const struct table_parts *parts, struct arena *arena,
                            struct err *err)
{
    TRY(take_snapshot(transaction, err));
    for (size_t i = 0; i < parts->count; i++) {
        struct table_part *part = &parts->parts[i];
        TRY(part->table->store->get_in(transaction, part->table, part->keys, part->count, arena, part->items, err));
    }
    return LF_OK;
}

static enum lf_code read_tables(struct call *call, const struct table_parts *parts, struct err *err)
{
    struct db_transaction *transaction = NULL;
    TRY(db_begin(call->worker->db, &transaction, err));
    enum lf_code code = read_in(transaction, parts, call->arena, err);
    db_rollback(transaction);
    return code;
}

static enum lf_code read_parts(struct call *call, const struct table_parts *parts, struct err *err)
{
    const struct table_part *part = &parts->parts[0];
    if (parts->count > 1)
        return read_tables(call, parts, err);
    return part->table->store->get(call->worker, part->table, part->keys, part->count, call->arena, part->items, err);
}

/* Answering ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code check_size(const struct table_parts *parts, struct err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->parts[i].count; k++)
            bytes += parts->parts[i].items[k].size_bytes;
    if (bytes > READ_BYTES_MAX)
        return ERR(err, LF_VALIDATION, "Payload in response is too large.%zu", bytes);
    return LF_OK;
}

static enum lf_code put_item(struct call *call, const struct transact_get *get, struct stored_item *stored, struct err *err)
{
    struct item item;
    if (!stored->is_present)
        return LF_OK;
    if (!get->is_projected && !get->column_count) {
        reply_name(call->reply, SPAN("Item"));
        stored_item_reply(stored, call->reply);
        return LF_OK;
    }
    TRY(stored_item_parse(stored, call->arena, &item, err));
    if (get->column_count)
        TRY(page_take_columns(get->columns, get->column_count, &item, call->arena, &item, err));
    else
        TRY(projection_apply(&get->projection, &item, call->arena, &item, err));
    reply_member_item(call->reply, SPAN("Item"), &item);
    return LF_OK;
}

static enum lf_code put_responses(struct call *call, const struct transact_get *gets, size_t count,
                                  const struct table_parts *parts, struct err *err)
{
    struct stored_item **items = arena_calloc(call->arena, count, sizeof(struct stored_item *), err);
    if (!items)
        return err->code;
    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->parts[i].count; k++)
            items[parts->parts[i].at[k]] = &parts->parts[i].items[k];
    reply_name(call->reply, SPAN("Responses"));
    reply_array_begin(call->reply);
    for (size_t i = 0; i < count; i++) {
        reply_object_begin(call->reply);
        TRY(put_item(call, &gets[i], items[i], err));
        reply_object_end(call->reply);
    }
    reply_array_end(call->reply);
    return LF_OK;
}

static enum lf_code put_capacity(struct call *call, const struct table_parts *parts, enum api_return_consumed_capacity asked,
                                 struct err *err)
{
    struct capacity capacity;
    if (!capacity_is_asked(asked))
        return LF_OK;
    reply_name(call->reply, SPAN("ConsumedCapacity"));
    reply_array_begin(call->reply);
    for (size_t i = 0; i < parts->count; i++) {
        const struct table_part *part = &parts->parts[i];
        TRY(capacity_init(&capacity, part->table, false, true, call->arena, err));
        for (size_t k = 0; k < part->count; k++)
            capacity_add_read(&capacity, NULL, capacity_read_units(part->items[k].size_bytes, true));
        TRY(capacity_put(&capacity, asked, call->reply, call->arena, err));
    }
    reply_array_end(call->reply);
    return LF_OK;
}

static enum lf_code sort_out(const struct transact_get *gets, size_t count, struct arena *arena, struct table_parts *ret_parts,
                             struct err *err)
{
    struct table_item *items = arena_calloc(arena, count, sizeof *items, err);
    if (!items)
        return err->code;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct table_item){ gets[i].table, &gets[i].key };
    TRY(table_items_check_distinct(items, count, err));
    return table_parts_new(items, count, arena, ret_parts, err);
}

enum lf_code transact_read(struct call *call, const struct transact_get *gets, size_t count,
                           enum api_return_consumed_capacity asked, struct err *err)
{
    struct table_parts parts;
    TRY(sort_out(gets, count, call->arena, &parts, err));
    TRY(read_parts(call, &parts, err));
    TRY(check_size(&parts, err));
    reply_object_begin(call->reply);
    TRY(put_capacity(call, &parts, asked, err));
    TRY(put_responses(call, gets, count, &parts, err));
    reply_object_end(call->reply);
    return LF_OK;
}
