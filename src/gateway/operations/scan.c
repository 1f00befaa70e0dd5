#include "gateway/operations/operations.h"

#include "gateway/operations/key_paths.h"
#include "gateway/operations/page.h"
#include "gateway/operations/request_table.h"
#include "gateway/operations/start_key.h"

/* A Scan as it is read. */
struct scan {
    const struct scan_request *request;
    const struct table *table;
    struct expression_inputs inputs;
    struct store_scan range;
    struct page page;
};

static enum lf_code check_parameters(struct scan *scan, struct arena *arena, struct err *err)
{
    const struct scan_request *request = scan->request;
    const struct parameter legacy[] = {
        { "AttributesToGet", request->attributes_to_get.values != NULL },
        { "ScanFilter", request->scan_filter.entries != NULL },
        { "ConditionalOperator", request->conditional_operator != API_CONDITIONAL_OPERATOR_UNSET },
    };
    const struct parameter expressions[] = {
        { "ProjectionExpression", request->projection_expression.ptr != NULL },
        { "FilterExpression", request->filter_expression.ptr != NULL },
    };
    const struct parameters parameters = { legacy, 3, expressions, 2, "FilterExpression is null" };
    TRY(parameters_inputs(&request->expression_attribute_names, &request->expression_attribute_values, arena, &scan->inputs,
                          err));
    TRY(parameters_check(&parameters, &scan->inputs, err));
    return shape_check_values(&request->head, err);
}

static enum lf_code parse_expressions(struct scan *scan, struct arena *arena, struct err *err)
{
    const struct scan_request *request = scan->request;
    struct page *page = &scan->page;
    if (request->filter_expression.ptr)
        TRY(expression_parse_condition(request->filter_expression, EXPRESSION_FILTER, &scan->inputs, arena, &page->filter, err));
    if (request->projection_expression.ptr)
        TRY(projection_parse(request->projection_expression, &scan->inputs, arena, &page->projection, err));
    TRY(expression_inputs_check_used(&scan->inputs, err));
    TRY(key_paths_check(scan->table, page->filter, err));
    return page->has_projection_expression ? key_paths_check_projection(scan->table, &page->projection, err) : LF_OK;
}

static enum lf_code read_legacy(struct scan *scan, struct arena *arena, struct err *err)
{
    const struct scan_request *request = scan->request;
    struct legacy_condition *conditions = NULL;
    bool is_unused;
    if (request->attributes_to_get.values)
        TRY(parameters_projection(request->projection_expression, &request->attributes_to_get, &scan->inputs, arena,
                                  &scan->page.projection, &is_unused, err));
    if (request->filter_expression.ptr)
        return LF_OK;
    TRY(parameters_conditions(&request->scan_filter, arena, &conditions, err));
    return legacy_filter(conditions, request->scan_filter.count, parameters_conditional_operator(request->conditional_operator),
                         arena, &scan->page.filter, err);
}

static enum lf_code read_segment(const struct scan_request *request, struct store_scan *range, struct err *err)
{
    if (request->has_segment && !request->has_total_segments)
        return ERR(
            err, LF_VALIDATION,
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
    if (request->has_total_segments && !request->has_segment)
        return ERR(
            err, LF_VALIDATION,
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
    if (request->has_segment && request->segment >= request->total_segments)
        return ERR(err, LF_VALIDATION,
                   "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %lld is not less "
                   "than TotalSegments: %lld",
                   (long long)request->segment, (long long)request->total_segments);
    range->segment = (uint32_t)request->segment;
    range->segments = request->has_total_segments ? (uint32_t)request->total_segments : 1;
    return LF_OK;
}

static enum lf_code read_scan(struct scan *scan, struct arena *arena, struct err *err)
{
    const struct scan_request *request = scan->request;
    TRY(page_find_index(scan->table, request->index_name, &scan->page.index, err));
    TRY(page_check_consistency(&scan->page, err));
    TRY(check_parameters(scan, arena, err));
    TRY(parse_expressions(scan, arena, err));
    TRY(read_legacy(scan, arena, err));
    scan->range.index = scan->page.index;
    scan->range.is_consistent = request->consistent_read;
    scan->range.items_max = (size_t)request->limit;
    scan->range.bytes_max = PAGE_BYTES_MAX;
    if (request->exclusive_start_key.attributes) {
        scan->range.start = &request->exclusive_start_key;
        TRY(start_key_check(scan->table, scan->range.index, scan->range.start, err));
    }
    TRY(read_segment(request, &scan->range, err));
    return page_check_select(&scan->page, err);
}

static enum lf_code run(struct call *call, const struct scan_request *request, const struct table *table, struct err *err)
{
    struct store_page found;
    struct scan scan = { .request = request, .table = table };
    scan.page = (struct page){
        .table = table,
        .select = request->select,
        .has_projection_expression = request->projection_expression.ptr != NULL,
        .has_attributes_to_get = request->attributes_to_get.values != NULL,
        .is_consistent = request->consistent_read,
        .return_consumed_capacity = request->return_consumed_capacity,
    };
    TRY(read_scan(&scan, call->arena, err));
    TRY(table->store->scan(call->worker, table, &scan.range, call->arena, &found, err));
    return page_answer(call, &scan.page, &found, err);
}

enum lf_code operation_scan(struct call *call, const struct scan_request *request, struct err *err)
{
    const struct table *table = NULL;
    TRY(request_table(call, request->table_name, &table, err));
    enum lf_code code = run(call, request, table, err);
    table_unref(table);
    return code;
}
