#include "gateway/operations/operations.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_table.h"

/* What to return of the item. */
struct wanted {
    bool is_projected;
    struct projection projection;
};

static enum lf_code read_parameters(const struct get_item_request *request, const struct table *table, struct arena *arena,
                                    struct wanted *ret_wanted, struct err *err)
{
    const struct parameter legacy[] = { { "AttributesToGet", request->attributes_to_get.values != NULL } };
    const struct parameter expressions[] = { { "ProjectionExpression", request->projection_expression.ptr != NULL } };
    const struct parameters parameters = { legacy, 1, expressions, 1, NULL };
    struct expression_inputs inputs;
    TRY(parameters_inputs(&request->expression_attribute_names, NULL, arena, &inputs, err));
    TRY(parameters_check(&parameters, &inputs, err));
    TRY(parameters_projection(request->projection_expression, &request->attributes_to_get, &inputs, arena,
                              &ret_wanted->projection, &ret_wanted->is_projected, err));
    TRY(expression_inputs_check_used(&inputs, err));
    TRY(shape_check_values(&request->head, err));
    return ret_wanted->is_projected ? key_paths_check_projection(table, &ret_wanted->projection, err) : LF_OK;
}

static enum lf_code put_item(struct call *call, const struct wanted *wanted, struct stored_item *stored, struct err *err)
{
    struct item item;
    if (!wanted->is_projected) {
        reply_name(call->reply, SPAN("Item"));
        stored_item_reply(stored, call->reply);
        return LF_OK;
    }
    TRY(stored_item_parse(stored, call->arena, &item, err));
    TRY(projection_apply(&wanted->projection, &item, call->arena, &item, err));
    reply_member_item(call->reply, SPAN("Item"), &item);
    return LF_OK;
}

static enum lf_code answer(struct call *call, const struct get_item_request *request, const struct table *table,
                           const struct wanted *wanted, struct stored_item *stored, struct err *err)
{
    struct capacity capacity;
    TRY(capacity_init(&capacity, table, false, false, call->arena, err));
    capacity_add_read(&capacity, NULL, capacity_read_units(stored->size_bytes, request->consistent_read));
    reply_object_begin(call->reply);
    if (stored->is_present)
        TRY(put_item(call, wanted, stored, err));
    TRY(capacity_put_member(&capacity, request->return_consumed_capacity, call->reply, call->arena, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code get_item(struct call *call, const struct get_item_request *request, const struct table *table,
                             struct err *err)
{
    struct wanted wanted = { 0 };
    struct item_key key;
    struct stored_item stored;
    TRY(read_parameters(request, table, call->arena, &wanted, err));
    TRY(item_key_of_request(table, &request->key, call->arena, &key, err));
    TRY(table->store->get(call->worker, table, &key, 1, call->arena, &stored, err));
    return answer(call, request, table, &wanted, &stored, err);
}

enum lf_code operation_get_item(struct call *call, const struct get_item_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(request_table(call, request->table_name, &table, err));
    enum lf_code code = get_item(call, request, table, err);
    table_unref(table);
    return code;
}
