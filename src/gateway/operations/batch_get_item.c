#include "gateway/operations/operations.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_table.h"
#include "gateway/shape_write.h"

enum { KEYS_MAX = 100, ANSWER_BYTES_MAX = 16 * 1024 * 1024, UNPROCESSED_BYTES_MAX = 1024 * 1024 };

/* What is asked of one table. */
struct part {
    const struct api_keys_and_attributes_entry *entry;
    const struct table *table;
    struct item_key *keys;
    bool is_projected;
    struct projection projection;
    struct stored_item *items; /* of keys */
    size_t answered;           /* the first of them; what is left did not fit */
    struct capacity capacity;
};

struct batch {
    const struct batch_get_item_request *request;
    struct part *parts;
    size_t count;
    size_t size_bytes; /* of the items in the answer */
};

/* Reading the request ------------------------------------------------------------------------------------------------------ */

static enum lf_code check_count(const struct batch_get_item_request *request, struct err *err)
{
    size_t keys = 0;
    for (size_t i = 0; i < request->request_items.count; i++)
        keys += request->request_items.entries[i].value.keys.count;
    if (keys > KEYS_MAX)
        return ERR(err, LF_VALIDATION, "Too many items requested for the BatchGetItem call");
    return LF_OK;
}

static bool is_repeated(const struct item_key *keys, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_equal(keys[i].bytes.partition, keys[at].bytes.partition) && span_equal(keys[i].bytes.sort, keys[at].bytes.sort))
            return true;
    return false;
}

static enum lf_code read_keys(struct part *part, struct arena *arena, struct err *err)
{
    const struct api_item_list *keys = &part->entry->value.keys;
    part->keys = arena_calloc(arena, keys->count + 1, sizeof *part->keys, err);
    part->items = part->keys ? arena_calloc(arena, keys->count + 1, sizeof *part->items, err) : NULL;
    if (!part->items)
        return err->code;
    for (size_t i = 0; i < keys->count; i++) {
        TRY(item_key_of_request(part->table, &keys->values[i], arena, &part->keys[i], err));
        if (is_repeated(part->keys, i))
            return ERR(err, LF_VALIDATION, "Provided list of item keys contains duplicates");
    }
    return LF_OK;
}

static enum lf_code read_projection(struct part *part, const struct shape_head *head, struct arena *arena, struct err *err)
{
    const struct api_keys_and_attributes *asked = &part->entry->value;
    const struct parameter legacy[] = { { "AttributesToGet", asked->attributes_to_get.values != NULL } };
    const struct parameter expressions[] = { { "ProjectionExpression", asked->projection_expression.ptr != NULL } };
    const struct parameters parameters = { legacy, 1, expressions, 1, NULL };
    struct expression_inputs inputs;
    TRY(parameters_inputs(&asked->expression_attribute_names, NULL, arena, &inputs, err));
    TRY(parameters_check(&parameters, &inputs, err));
    TRY(shape_check_values(head, err));
    TRY(read_keys(part, arena, err));
    TRY(parameters_projection(asked->projection_expression, &asked->attributes_to_get, &inputs, arena, &part->projection,
                              &part->is_projected, err));
    TRY(expression_inputs_check_used(&inputs, err));
    return part->is_projected ? key_paths_check_projection(part->table, &part->projection, err) : LF_OK;
}

static enum lf_code read_part(struct call *call, struct batch *batch, struct part *part, struct err *err)
{
    TRY(request_table(call, part->entry->name, &part->table, err));
    TRY(read_projection(part, &batch->request->head, call->arena, err));
    return capacity_init(&part->capacity, part->table, false, false, call->arena, err);
}

/* Answering ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code put_item(struct call *call, const struct part *part, struct stored_item *stored, struct err *err)
{
    struct item item;
    if (!part->is_projected) {
        stored_item_reply(stored, call->reply);
        return LF_OK;
    }
    TRY(stored_item_parse(stored, call->arena, &item, err));
    TRY(projection_apply(&part->projection, &item, call->arena, &item, err));
    reply_item(call->reply, &item);
    return LF_OK;
}

static enum lf_code put_items(struct call *call, struct batch *batch, struct part *part, struct err *err)
{
    reply_user_name(call->reply, part->entry->name);
    reply_array_begin(call->reply);
    for (; part->answered < part->entry->value.keys.count; part->answered++) {
        struct stored_item *stored = &part->items[part->answered];
        if (batch->size_bytes + stored->size_bytes > ANSWER_BYTES_MAX)
            break;
        batch->size_bytes += stored->size_bytes;
        capacity_add_read(&part->capacity, NULL, capacity_read_units(stored->size_bytes, part->entry->value.consistent_read));
        if (stored->is_present)
            TRY(put_item(call, part, stored, err));
    }
    reply_array_end(call->reply);
    return LF_OK;
}

/* The same request for the keys that are left. */
static enum lf_code put_unprocessed(struct call *call, const struct part *part, struct err *err)
{
    struct api_keys_and_attributes rest = part->entry->value;
    struct buf json;
    if (part->answered == rest.keys.count)
        return LF_OK;
    rest.keys.values += part->answered;
    rest.keys.count -= part->answered;
    buf_init(&json, UNPROCESSED_BYTES_MAX);
    shape_write(&shape_api_keys_and_attributes, &rest, &json);
    enum lf_code code = buf_check(&json, err);
    if (!code) {
        reply_user_name(call->reply, part->entry->name);
        reply_raw(call->reply, buf_span(&json));
    }
    buf_done(&json);
    return code;
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

static enum lf_code answer(struct call *call, struct batch *batch, struct err *err)
{
    struct reply *reply = call->reply;
    reply_object_begin(reply);
    reply_name(reply, SPAN("Responses"));
    reply_object_begin(reply);
    for (size_t i = 0; i < batch->count; i++)
        TRY(put_items(call, batch, &batch->parts[i], err));
    reply_object_end(reply);
    reply_name(reply, SPAN("UnprocessedKeys"));
    reply_object_begin(reply);
    for (size_t i = 0; i < batch->count; i++)
        TRY(put_unprocessed(call, &batch->parts[i], err));
    reply_object_end(reply);
    TRY(put_capacities(call, batch, err));
    reply_object_end(reply);
    return LF_OK;
}

static enum lf_code run(struct call *call, struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++)
        TRY(read_part(call, batch, &batch->parts[i], err));
    for (size_t i = 0; i < batch->count; i++) {
        struct part *part = &batch->parts[i];
        TRY(part->table->store->get(call->worker, part->table, part->keys, part->entry->value.keys.count, call->arena,
                                    part->items, err));
    }
    return answer(call, batch, err);
}

enum lf_code operation_batch_get_item(struct call *call, const struct batch_get_item_request *request, struct err *err)
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
