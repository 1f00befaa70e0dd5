#include "gateway/operations/operations.h"

#include "gateway/operations/item_key.h"
#include "gateway/operations/item_write.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_table.h"

static enum lf_code check_parameters(const struct delete_item_request *request, struct arena *arena,
                                     struct expression_inputs *ret_inputs, struct err *err)
{
    const struct parameter legacy[] = {
        { "Expected", request->expected.entries != NULL },
        { "ConditionalOperator", request->conditional_operator != API_CONDITIONAL_OPERATOR_UNSET },
    };
    const struct parameter expressions[] = { { "ConditionExpression", request->condition_expression.ptr != NULL } };
    const struct parameters parameters = { legacy, 2, expressions, 1, "ConditionExpression is null" };
    TRY(parameters_check_expected(&request->head, &request->expected, arena, err));
    TRY(item_write_check_return_values(request->return_values, err));
    TRY(parameters_inputs(&request->expression_attribute_names, &request->expression_attribute_values, arena, ret_inputs, err));
    TRY(parameters_check(&parameters, ret_inputs, err));
    return shape_check_values(&request->head, err);
}

static enum lf_code delete_item(struct call *call, const struct delete_item_request *request, const struct table *table,
                                struct err *err)
{
    struct item_change change = { .kind = CHANGE_DELETE, .table = table };
    const struct item_write_options options = {
        .return_values = request->return_values,
        .return_consumed_capacity = request->return_consumed_capacity,
        .return_item_collection_metrics = request->return_item_collection_metrics,
        .return_values_on_condition_check_failure = request->return_values_on_condition_check_failure,
    };
    const struct item_write_condition condition = { request->condition_expression, &request->expected,
                                                    request->conditional_operator };
    struct expression_inputs inputs;
    TRY(check_parameters(request, call->arena, &inputs, err));
    TRY(item_key_of_request(table, &request->key, call->arena, &change.key, err));
    TRY(item_write_read_condition(&condition, table, &inputs, call->arena, &change.condition, err));
    return item_write(call, &change, &options, err);
}

enum lf_code operation_delete_item(struct call *call, const struct delete_item_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(request_table_to_write(call, request->table_name, &table, err));
    enum lf_code code = delete_item(call, request, table, err);
    table_unref(table);
    return code;
}
