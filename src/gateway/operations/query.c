#include "gateway/operations/operations.h"

#include "gateway/operations/key_paths.h"
#include "gateway/operations/key_range.h"
#include "gateway/operations/page.h"
#include "gateway/operations/request_table.h"
#include "gateway/operations/start_key.h"
#include "gateway/store/item_columns.h"

/* A Query as it is read: what to find, and what to say of it. */
struct query {
    const struct query_request *request;
    const struct table *table;
    struct expression_inputs inputs;
    const struct expression_node *key_condition; /* as a tree; NULL: KeyConditions */
    struct key_condition_schema schema;
    struct key_condition condition;
    struct store_range range;
    struct page page;
};

static enum lf_code check_parameters(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    const struct parameter legacy[] = {
        { "AttributesToGet", request->attributes_to_get.values != NULL },
        { "QueryFilter", request->query_filter.entries != NULL },
        { "ConditionalOperator", request->conditional_operator != API_CONDITIONAL_OPERATOR_UNSET },
        /* DynamoDB takes KeyConditions together with the other expressions. */
        { "KeyConditions", request->key_conditions.entries && request->key_condition_expression.ptr },
    };
    const struct parameter expressions[] = {
        { "ProjectionExpression", request->projection_expression.ptr != NULL },
        { "FilterExpression", request->filter_expression.ptr != NULL },
        { "KeyConditionExpression", request->key_condition_expression.ptr != NULL },
    };
    const struct parameters parameters = { legacy, 4, expressions, 3, "FilterExpression and KeyConditionExpression are null" };
    TRY(parameters_inputs(&request->expression_attribute_names, &request->expression_attribute_values, arena, &query->inputs,
                          err));
    TRY(parameters_check(&parameters, &query->inputs, err));
    return shape_check_values(&request->head, err);
}

static enum lf_code parse_expressions(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    struct page *page = &query->page;
    if (request->filter_expression.ptr)
        TRY(expression_parse_condition(request->filter_expression, EXPRESSION_FILTER, &query->inputs, arena, &page->filter, err));
    if (request->projection_expression.ptr)
        TRY(projection_parse(request->projection_expression, &query->inputs, arena, &page->projection, err));
    if (request->key_condition_expression.ptr)
        TRY(expression_parse_condition(request->key_condition_expression, EXPRESSION_KEY_CONDITION, &query->inputs, arena,
                                       &query->key_condition, err));
    TRY(expression_inputs_check_used(&query->inputs, err));
    TRY(key_paths_check(query->table, page->filter, err));
    TRY(key_paths_check(query->table, query->key_condition, err));
    return page->has_projection_expression ? key_paths_check_projection(query->table, &page->projection, err) : LF_OK;
}

static enum lf_code read_key_condition(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    struct legacy_condition *conditions = NULL;
    query->schema = key_range_schema(query->table, query->page.index);
    if (query->key_condition)
        return key_condition_reduce(query->key_condition, &query->schema, &query->condition, err);
    TRY(parameters_conditions(&request->key_conditions, arena, &conditions, err));
    return legacy_key_conditions(conditions, request->key_conditions.count, &query->schema, &query->condition, err);
}

static enum lf_code read_legacy(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    struct legacy_condition *conditions = NULL;
    bool is_unused;
    if (request->attributes_to_get.values)
        TRY(parameters_projection(request->projection_expression, &request->attributes_to_get, &query->inputs, arena,
                                  &query->page.projection, &is_unused, err));
    if (request->filter_expression.ptr)
        return LF_OK;
    TRY(parameters_conditions(&request->query_filter, arena, &conditions, err));
    return legacy_filter(conditions, request->query_filter.count, parameters_conditional_operator(request->conditional_operator),
                         arena, &query->page.filter, err);
}

/* No filter on the keys that the query is by. */
static enum lf_code check_filter_keys(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    const struct key_condition_schema *schema = &query->schema;
    struct span names[2 * KEY_PART_ATTRIBUTES_MAX];
    struct legacy_condition *conditions = NULL;
    size_t count = 0;
    for (size_t i = 0; i < schema->partition_count; i++)
        names[count++] = schema->partition[i].name;
    for (size_t i = 0; i < schema->sort_count; i++)
        names[count++] = schema->sort[i].name;
    if (request->filter_expression.ptr)
        return expression_check_filter(query->page.filter, names, count, err);
    TRY(parameters_conditions(&request->query_filter, arena, &conditions, err));
    return legacy_check_query_filter(conditions, request->query_filter.count, names, count, err);
}

/* Whether nothing can come behind an item of the table with this key: it is the only one, or at the end of a closed range. Items
 * of an index may have equal keys. */
static enum lf_code is_last(const struct query *query, const struct item *item, struct arena *arena, bool *ret_is_last,
                            struct err *err)
{
    const struct store_range *range = &query->range;
    const struct store_bound *end = range->is_descending ? &range->from : &range->to;
    const struct key_condition_schema *schema = &query->schema;
    struct span bytes;
    *ret_is_last = !range->index && !schema->sort_count;
    bool is_closed = query->condition.range != KEY_RANGE_ALL && query->condition.range != KEY_RANGE_BEGINS_WITH;
    if (range->index || !is_closed || !end->bytes.ptr || !end->is_inclusive)
        return LF_OK;
    TRY(item_key_bytes(schema->sort, schema->sort_count, item, arena, &bytes, err));
    *ret_is_last = span_equal(bytes, end->bytes);
    return LF_OK;
}

static enum lf_code read_range(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    struct store_range *range = &query->range;
    bool is_end = false;
    range->index = query->page.index;
    range->is_descending = request->has_scan_index_forward && !request->scan_index_forward;
    range->is_consistent = request->consistent_read;
    range->items_max = (size_t)request->limit;
    range->bytes_max = PAGE_BYTES_MAX;
    TRY(key_range_of(&query->schema, &query->condition, arena, range, err));
    if (!request->exclusive_start_key.attributes)
        return LF_OK;
    range->start = &request->exclusive_start_key;
    TRY(start_key_check(query->table, range->index, range->start, err));
    TRY(key_range_check_start(&query->schema, range, range->start, arena, err));
    TRY(is_last(query, range->start, arena, &is_end, err));
    if (is_end && query->schema.sort_count)
        return ERR(err, LF_VALIDATION, "The provided starting key does not match the range key predicate");
    return LF_OK;
}

static enum lf_code read_query(struct query *query, struct arena *arena, struct err *err)
{
    const struct query_request *request = query->request;
    TRY(page_find_index(query->table, request->index_name, &query->page.index, err));
    TRY(check_parameters(query, arena, err));
    TRY(parse_expressions(query, arena, err));
    if (!request->key_conditions.entries && !query->key_condition)
        return ERR(err, LF_VALIDATION,
                   "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    TRY(page_check_consistency(&query->page, err));
    TRY(read_key_condition(query, arena, err));
    TRY(read_range(query, arena, err));
    TRY(read_legacy(query, arena, err));
    TRY(check_filter_keys(query, arena, err));
    return page_check_select(&query->page, err);
}

static enum lf_code find(struct call *call, const struct query *query, struct store_page *ret_found, struct err *err)
{
    const struct table *table = query->table;
    struct item last;
    bool is_end = false;
    TRY(table->store->query(call->worker, table, &query->range, call->arena, ret_found, err));
    if (!ret_found->has_more || !ret_found->count)
        return LF_OK;
    TRY(stored_item_parse(&ret_found->items[ret_found->count - 1], call->arena, &last, err));
    TRY(is_last(query, &last, call->arena, &is_end, err));
    ret_found->has_more = !is_end;
    return LF_OK;
}

static enum lf_code run(struct call *call, const struct query_request *request, const struct table *table, struct err *err)
{
    struct store_page found;
    struct query query = { .request = request, .table = table };
    query.page = (struct page){
        .table = table,
        .is_query = true,
        .select = request->select,
        .has_projection_expression = request->projection_expression.ptr != NULL,
        .has_attributes_to_get = request->attributes_to_get.values != NULL,
        .is_consistent = request->consistent_read,
        .return_consumed_capacity = request->return_consumed_capacity,
    };
    TRY(read_query(&query, call->arena, err));
    TRY(find(call, &query, &found, err));
    return page_answer(call, &query.page, &found, err);
}

enum lf_code operation_query(struct call *call, const struct query_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(request_table(call, request->table_name, &table, err));
    enum lf_code code = run(call, request, table, err);
    table_unref(table);
    return code;
}
