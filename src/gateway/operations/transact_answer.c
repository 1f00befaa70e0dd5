#include "gateway/operations/capacity.h"
#include "gateway/operations/collection_metrics.h"
#include "gateway/operations/transact.h"

/* What the items are now is what an earlier request with the token made of them, or somebody since. */
static enum lf_code add_reads(const struct transact *transact, const struct table_part *part, struct capacity *capacity,
                              struct err *err)
{
    struct call *call = transact->call;
    TRY(part->table->store->get(call->worker, part->table, part->keys, part->count, call->arena, part->items, err));
    for (size_t i = 0; i < part->count; i++)
        capacity_add_read(capacity, NULL, capacity_read_units(part->items[i].size_bytes, true));
    return LF_OK;
}

static void add_writes(const struct transact *transact, const struct table_part *part, struct capacity *capacity)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct item_outcome *outcome = &transact->actions[part->at[i]].outcome;
        capacity_add_write(capacity, outcome->old.is_present ? &outcome->old_item : NULL,
                           outcome->has_new ? &outcome->new_item : NULL);
    }
}

enum lf_code transact_put_capacity(const struct transact *transact, enum api_return_consumed_capacity asked, struct err *err)
{
    struct call *call = transact->call;
    struct capacity capacity;
    if (!capacity_is_asked(asked))
        return LF_OK;
    reply_name(call->reply, SPAN("ConsumedCapacity"));
    reply_array_begin(call->reply);
    for (size_t i = 0; i < transact->parts.count; i++) {
        const struct table_part *part = &transact->parts.parts[i];
        TRY(capacity_init(&capacity, part->table, !transact->was_done, true, call->arena, err));
        if (transact->was_done)
            TRY(add_reads(transact, part, &capacity, err));
        else
            add_writes(transact, part, &capacity);
        TRY(capacity_put(&capacity, asked, call->reply, call->arena, err));
    }
    reply_array_end(call->reply);
    return LF_OK;
}

/* One entry per collection. */
static bool is_first_of_collection(const struct transact *transact, const struct table_part *part, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (transact->actions[part->at[i]].change.kind != CHANGE_CHECK &&
            span_equal(part->keys[i].bytes.partition, part->keys[at].bytes.partition))
            return false;
    return transact->actions[part->at[at]].change.kind != CHANGE_CHECK;
}

static void put_collections(const struct transact *transact, const struct table_part *part, struct reply *reply)
{
    reply_user_name(reply, part->table->name);
    reply_array_begin(reply);
    for (size_t i = 0; i < part->count; i++)
        if (is_first_of_collection(transact, part, i))
            collection_metrics_put(part->table, &part->keys[i].attributes, reply);
    reply_array_end(reply);
}

void transact_put_metrics(const struct transact *transact, enum api_return_item_collection_metrics asked)
{
    struct reply *reply = transact->call->reply;
    bool has_begun = false;
    for (size_t i = 0; i < transact->parts.count; i++) {
        const struct table_part *part = &transact->parts.parts[i];
        if (!collection_metrics_are_asked(part->table, asked))
            continue;
        if (!has_begun) {
            reply_name(reply, SPAN("ItemCollectionMetrics"));
            reply_object_begin(reply);
            has_begun = true;
        }
        put_collections(transact, part, reply);
    }
    if (has_begun)
        reply_object_end(reply);
}
