#include "gateway/operations/operations.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/collection_metrics.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/request_table.h"
#include "gateway/write.h"

enum { WRITES_MAX = 25 };

/* What is asked of one table. */
struct part {
    const struct api_write_request_list_entry *entry;
    const struct table *table;
    struct blind_write *writes;
    size_t count;
    struct capacity capacity;
};

struct batch {
    const struct batch_write_item_request *request;
    struct part *parts;
    size_t count;
};

/* Reading the request ------------------------------------------------------------------------------------------------------ */

static enum lf_code check_count(const struct batch_write_item_request *request, struct err *err)
{
    size_t writes = 0;
    for (size_t i = 0; i < request->request_items.count; i++)
        writes += request->request_items.entries[i].value.count;
    if (writes > WRITES_MAX)
        return ERR(err, LF_VALIDATION, "Too many items requested for the BatchWriteItem call");
    return LF_OK;
}

static enum lf_code check_kinds(const struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct api_write_request_list *writes = &batch->parts[i].entry->value;
        for (size_t k = 0; k < writes->count; k++)
            if (!writes->values[k].put_request == !writes->values[k].delete_request)
                return ERR(err, LF_VALIDATION,
                           "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                           "datatypes");
    }
    return LF_OK;
}

/* In a batch a key that is absent or mistyped is the schema's fault for puts, too. */
static enum lf_code read_put_key(const struct table *table, const struct item *item, struct arena *arena,
                                 struct item_key *ret_key, struct err *err)
{
    TRY(item_check_size(item, err));
    if (!item_has_key(table, item))
        return ERR(err, LF_VALIDATION, "The provided key element does not match the schema");
    TRY(item_key_of_item(table, item, arena, ret_key, err));
    return item_check_index_keys(table, item, err);
}

static enum lf_code read_write(const struct table *table, const struct api_write_request *request, struct arena *arena,
                               struct blind_write *ret_write, struct err *err)
{
    ret_write->item = request->put_request ? &request->put_request->item : NULL;
    if (request->put_request)
        return read_put_key(table, &request->put_request->item, arena, &ret_write->key, err);
    return item_key_of_request(table, &request->delete_request->key, arena, &ret_write->key, err);
}

static bool is_repeated(const struct blind_write *writes, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_equal(writes[i].key.bytes.partition, writes[at].key.bytes.partition) &&
            span_equal(writes[i].key.bytes.sort, writes[at].key.bytes.sort))
            return true;
    return false;
}

static enum lf_code read_part(struct call *call, struct part *part, struct err *err)
{
    TRY(request_table_to_write(call, part->entry->name, &part->table, err));
    part->count = part->entry->value.count;
    part->writes = arena_calloc(call->arena, part->count + 1, sizeof *part->writes, err);
    if (!part->writes)
        return err->code;
    for (size_t i = 0; i < part->count; i++) {
        TRY(read_write(part->table, &part->entry->value.values[i], call->arena, &part->writes[i], err));
        if (is_repeated(part->writes, i))
            return ERR(err, LF_VALIDATION, "Provided list of item keys contains duplicates");
    }
    return capacity_init(&part->capacity, part->table, true, false, call->arena, err);
}

/* Writing ------------------------------------------------------------------------------------------------------------------ */

/* Writes that are blind do not see what they replace: what they cost is reckoned from a look at the items just before. */
static enum lf_code measure(struct call *call, struct part *part, struct err *err)
{
    struct item_key *keys = arena_calloc(call->arena, part->count + 1, sizeof *keys, err);
    struct stored_item *old = keys ? arena_calloc(call->arena, part->count + 1, sizeof *old, err) : NULL;
    if (!old)
        return err->code;
    for (size_t i = 0; i < part->count; i++)
        keys[i] = part->writes[i].key;
    TRY(part->table->store->get(call->worker, part->table, keys, part->count, call->arena, old, err));
    for (size_t i = 0; i < part->count; i++) {
        struct item item;
        if (old[i].is_present)
            TRY(stored_item_parse(&old[i], call->arena, &item, err));
        capacity_add_write(&part->capacity, old[i].is_present ? &item : NULL, part->writes[i].item);
    }
    return LF_OK;
}

static enum lf_code write_part(struct call *call, const struct batch *batch, struct part *part, struct err *err)
{
    if (capacity_is_asked(batch->request->return_consumed_capacity))
        TRY(measure(call, part, err));
    return write_blindly(call->worker, part->table, part->writes, part->count, call->arena, err);
}

/* Answering ---------------------------------------------------------------------------------------------------------------- */

static bool is_collection_repeated(const struct blind_write *writes, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_equal(writes[i].key.bytes.partition, writes[at].key.bytes.partition))
            return true;
    return false;
}

static void put_metrics_of(struct call *call, const struct part *part)
{
    reply_user_name(call->reply, part->entry->name);
    reply_array_begin(call->reply);
    for (size_t i = 0; i < part->count; i++)
        if (!is_collection_repeated(part->writes, i))
            collection_metrics_put(part->table, &part->writes[i].key.attributes, call->reply);
    reply_array_end(call->reply);
}

static void put_metrics(struct call *call, const struct batch *batch)
{
    if (batch->request->return_item_collection_metrics != API_RETURN_ITEM_COLLECTION_METRICS_SIZE)
        return;
    reply_name(call->reply, SPAN("ItemCollectionMetrics"));
    reply_object_begin(call->reply);
    for (size_t i = 0; i < batch->count; i++)
        if (collection_metrics_are_asked(batch->parts[i].table, batch->request->return_item_collection_metrics))
            put_metrics_of(call, &batch->parts[i]);
    reply_object_end(call->reply);
}

static enum lf_code put_capacities(struct call *call, const struct batch *batch, struct err *err)
{
    enum api_return_consumed_capacity asked = batch->request->return_consumed_capacity;
    if (!capacity_is_asked(asked))
        return LF_OK;
    reply_name(call->reply, SPAN("ConsumedCapacity"));
    reply_array_begin(call->reply);
    for (size_t i = 0; i < batch->count; i++)
        TRY(capacity_put(&batch->parts[i].capacity, asked, call->reply, call->arena, err));
    reply_array_end(call->reply);
    return LF_OK;
}

static enum lf_code answer(struct call *call, const struct batch *batch, struct err *err)
{
    reply_object_begin(call->reply);
    reply_member_raw(call->reply, SPAN("UnprocessedItems"), SPAN("{}"));
    put_metrics(call, batch);
    TRY(put_capacities(call, batch, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code run(struct call *call, struct batch *batch, struct err *err)
{
    TRY(check_kinds(batch, err));
    TRY(shape_check_values(&batch->request->head, err));
    for (size_t i = 0; i < batch->count; i++)
        TRY(read_part(call, &batch->parts[i], err));
    for (size_t i = 0; i < batch->count; i++)
        TRY(write_part(call, batch, &batch->parts[i], err));
    return answer(call, batch, err);
}

enum lf_code operation_batch_write_item(struct call *call, const struct batch_write_item_request *request, struct err *err)
{
    struct batch batch = { .request = request, .count = request->request_items.count };
    TRY(check_count(request, err));
    batch.parts = arena_calloc(call->arena, batch.count + 1, sizeof *batch.parts, err);
    if (!batch.parts)
        return err->code;
    for (size_t i = 0; i < batch.count; i++)
        batch.parts[i].entry = &request->request_items.entries[i];
    enum lf_code code = run(call, &batch, err);
    for (size_t i = 0; i < batch.count; i++)
        table_unref(batch.parts[i].table);
    return code;
}
