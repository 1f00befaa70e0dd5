#include "gateway/operations/operations.h"

#include "gateway/operations/item_key.h"
#include "gateway/operations/item_write.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_table.h"
#include "gateway/operations/update_check.h"

static enum lf_code check_parameters(const struct update_item_request *request, struct arena *arena,
                                     struct expression_inputs *ret_inputs, struct err *err)
{
    const struct parameter legacy[] = {
        { "AttributeUpdates", request->attribute_updates.entries != NULL },
        { "Expected", request->expected.entries != NULL },
        { "ConditionalOperator", request->conditional_operator != API_CONDITIONAL_OPERATOR_UNSET },
    };
    const struct parameter expressions[] = {
        { "UpdateExpression", request->update_expression.ptr != NULL },
        { "ConditionExpression", request->condition_expression.ptr != NULL },
    };
    const struct parameters parameters = { legacy, 3, expressions, 2, "UpdateExpression and ConditionExpression are null" };
    TRY(parameters_check_expected(&request->head, &request->expected, arena, err));
    TRY(parameters_inputs(&request->expression_attribute_names, &request->expression_attribute_values, arena, ret_inputs, err));
    TRY(parameters_check(&parameters, ret_inputs, err));
    return shape_check_values(&request->head, err);
}

static enum lf_code read_legacy(const struct update_item_request *request, struct arena *arena, struct item_change *change,
                                struct err *err)
{
    if (request->update_expression.ptr || request->condition_expression.ptr)
        return LF_OK;
    TRY(parameters_expected(&request->expected, request->conditional_operator, arena, &change->condition, err));
    return parameters_updates(&request->attribute_updates, arena, &change->update, err);
}

static enum lf_code parse_expressions(const struct update_item_request *request, struct expression_inputs *inputs,
                                      struct arena *arena, struct item_change *change, struct err *err)
{
    if (request->update_expression.ptr)
        TRY(update_parse(request->update_expression, inputs, arena, &change->update, err));
    if (request->condition_expression.ptr)
        TRY(expression_parse_condition(request->condition_expression, EXPRESSION_CONDITION, inputs, arena, &change->condition,
                                       err));
    return expression_inputs_check_used(inputs, err);
}

static enum lf_code update_item(struct call *call, const struct update_item_request *request, const struct table *table,
                                struct err *err)
{
    struct item_change change = { .kind = CHANGE_UPDATE, .table = table };
    const struct item_write_options options = {
        .return_values = request->return_values,
        .return_consumed_capacity = request->return_consumed_capacity,
        .return_item_collection_metrics = request->return_item_collection_metrics,
        .return_values_on_condition_check_failure = request->return_values_on_condition_check_failure,
    };
    struct expression_inputs inputs;
    TRY(check_parameters(request, call->arena, &inputs, err));
    TRY(item_key_of_request(table, &request->key, call->arena, &change.key, err));
    TRY(read_legacy(request, call->arena, &change, err));
    TRY(parse_expressions(request, &inputs, call->arena, &change, err));
    TRY(update_check(table, &change.update, change.condition, err));
    return item_write(call, &change, &options, err);
}

enum lf_code operation_update_item(struct call *call, const struct update_item_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(request_table_to_write(call, request->table_name, &table, err));
    enum lf_code code = update_item(call, request, table, err);
    table_unref(table);
    return code;
}
