#include "gateway/operations/operations.h"

#include "gateway/operations/cancellation.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_tables.h"
#include "gateway/operations/transact_read.h"

static enum lf_code parse(const struct api_get *from, struct arena *arena, struct transact_get *get, struct err *err)
{
    struct expression_inputs inputs;
    get->is_projected = from->projection_expression.ptr != NULL;
    TRY(parameters_inputs(&from->expression_attribute_names, NULL, arena, &inputs, err));
    TRY(expression_inputs_check(&inputs, get->is_projected, NULL, err));
    if (get->is_projected)
        TRY(projection_parse(from->projection_expression, &inputs, arena, &get->projection, err));
    return expression_inputs_check_used(&inputs, err);
}

static enum lf_code check(const struct api_get *from, struct arena *arena, struct transact_get *get,
                          struct cancellation_reason *reason, struct err *err)
{
    if (get->is_projected)
        TRY(key_paths_check_projection(get->table, &get->projection, err));
    return cancellation_take(item_key_of_request(get->table, &from->key, arena, &get->key, err), arena, reason, err);
}

static enum lf_code get_items(struct call *call, const struct transact_get_items_request *request, struct transact_get *gets,
                              struct request_tables *tables, struct err *err)
{
    size_t count = request->transact_items.count;
    struct cancellation_reason *reasons = arena_calloc(call->arena, count, sizeof *reasons, err);
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(request_tables_get(tables, call, request->transact_items.values[i].get->table_name, false, &gets[i].table, err));
    TRY(shape_check_values(&request->head, err));
    for (size_t i = 0; i < count; i++)
        TRY(check(request->transact_items.values[i].get, call->arena, &gets[i], &reasons[i], err));
    TRY(cancellation_check(call, reasons, count, err));
    return transact_read(call, gets, count, request->return_consumed_capacity, err);
}

enum lf_code operation_transact_get_items(struct call *call, const struct transact_get_items_request *request, struct err *err)
{
    size_t count = request->transact_items.count;
    struct request_tables tables;
    struct transact_get *gets = arena_calloc(call->arena, count, sizeof *gets, err);
    if (!gets)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(parse(request->transact_items.values[i].get, call->arena, &gets[i], err));
    TRY(request_tables_init(&tables, count, call->arena, err));
    enum lf_code code = get_items(call, request, gets, &tables, err);
    request_tables_done(&tables);
    return code;
}
