#include "gateway/operations/operations.h"

#include <stdlib.h>

#include "expression/evaluate.h"
#include "gateway/operations/item_write.h"
#include "gateway/operations/key_range.h"
#include "gateway/operations/next_token.h"
#include "gateway/operations/page.h"
#include "gateway/operations/start_key.h"
#include "gateway/operations/statement.h"
#include "item/canonical.h"

/* SELECT: partition after partition, or the whole table -------------------------------------------------------------------- */

struct selection {
    struct call *call;
    const struct execute_statement_request *request;
    const struct statement *statement;
    struct key_condition *conditions; /* in the order in which they are read */
    struct page page;
    struct page_writer writer;
    uint64_t binding; /* of the token */
    struct item start, last;
    size_t items, bytes; /* read so far */
};

static int compare_conditions(const void *a, const void *b)
{
    const struct key_condition *left = a, *right = b;
    return value_order(&left->partition[0], &right->partition[0]);
}

static void reverse(struct key_condition *conditions, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct key_condition condition = conditions[i];
        conditions[i] = conditions[count - 1 - i];
        conditions[count - 1 - i] = condition;
    }
}

/* ORDER BY the partition key sorts the partitions. */
static enum lf_code sort_conditions(struct selection *selection, struct err *err)
{
    const struct statement *statement = selection->statement;
    size_t count = statement->target.count;
    struct key_condition *conditions = arena_calloc(selection->call->arena, count + 1, sizeof *conditions, err);
    if (!conditions)
        return err->code;
    if (count)
        memcpy(conditions, statement->target.conditions, count * sizeof *conditions);
    if (statement->parsed.order_by.ptr && span_equal(statement->parsed.order_by, statement->schema.partition[0].name)) {
        qsort(conditions, count, sizeof *conditions, compare_conditions);
        if (statement->parsed.is_descending)
            reverse(conditions, count);
    }
    selection->conditions = conditions;
    return LF_OK;
}

static enum lf_code project(struct selection *selection, struct err *err)
{
    const struct partiql_statement *parsed = &selection->statement->parsed;
    struct arena *arena = selection->call->arena;
    struct document_path *paths = arena_calloc(arena, parsed->column_count + 1, sizeof *paths, err);
    if (!paths)
        return err->code;
    for (size_t i = 0; i < parsed->column_count; i++)
        paths[i] = parsed->columns[i].path;
    return projection_of_paths(paths, parsed->column_count, arena, &selection->page.projection, err);
}

static enum lf_code make_page(struct selection *selection, struct err *err)
{
    const struct statement *statement = selection->statement;
    selection->page = (struct page){
        .table = statement->table,
        .index = statement->index,
        .is_query = statement->target.count > 0,
        .is_statement = true,
        .has_projection_expression = statement->parsed.column_count > 0,
        .columns = statement->parsed.columns,
        .column_count = statement->parsed.column_count,
        .filter = statement->target.filter,
        .is_consistent = selection->request->consistent_read,
        .return_consumed_capacity = selection->request->return_consumed_capacity,
    };
    if (statement->parsed.column_count)
        TRY(project(selection, err));
    TRY(page_check_consistency(&selection->page, err));
    return page_check_select(&selection->page, err);
}

/* The partition in which an earlier page has ended. */
static size_t first_condition(const struct selection *selection)
{
    const struct key_condition_schema *schema = &selection->statement->schema;
    for (size_t i = 0; selection->start.count && i < selection->statement->target.count; i++) {
        const struct value *partition = item_get(&selection->start, schema->partition[0].name);
        if (value_equal(partition, &selection->conditions[i].partition[0]))
            return i;
    }
    return 0;
}

static enum lf_code resume(struct selection *selection, struct err *err)
{
    struct span token = selection->request->next_token;
    if (!token.ptr)
        return LF_OK;
    TRY(next_token_read(selection->binding, token, selection->call->arena, &selection->start, err));
    if (start_key_check(selection->statement->table, selection->statement->index, &selection->start, err))
        return err->code == LF_MEMORY ? err->code : ERR(err, LF_VALIDATION, "Invalid NextToken");
    return LF_OK;
}

static size_t items_left(const struct selection *selection)
{
    return selection->request->has_limit ? (size_t)selection->request->limit - selection->items : 0;
}

static enum lf_code read_table(struct selection *selection, struct store_page *ret_page, struct err *err)
{
    const struct statement *statement = selection->statement;
    const struct store_scan scan = {
        .index = statement->index,
        .segments = 1,
        .is_consistent = selection->request->consistent_read,
        .start = selection->start.count ? &selection->start : NULL,
        .items_max = items_left(selection),
        .bytes_max = PAGE_BYTES_MAX,
    };
    return statement->table->store->scan(selection->call->worker, statement->table, &scan, selection->call->arena, ret_page, err);
}

static enum lf_code read_partition(struct selection *selection, size_t at, bool is_first, struct store_page *ret_page,
                                   struct err *err)
{
    const struct statement *statement = selection->statement;
    struct span order_by = statement->parsed.order_by;
    bool is_by_partition = order_by.ptr && span_equal(order_by, statement->schema.partition[0].name);
    struct store_range range = {
        .index = statement->index,
        .is_consistent = selection->request->consistent_read,
        .is_descending = statement->parsed.is_descending && !is_by_partition,
        .start = is_first && selection->start.count ? &selection->start : NULL,
        .items_max = items_left(selection),
        .bytes_max = PAGE_BYTES_MAX - selection->bytes,
    };
    TRY(key_range_of(&statement->schema, &selection->conditions[at], selection->call->arena, &range, err));
    return statement->table->store->query(selection->call->worker, statement->table, &range, selection->call->arena, ret_page,
                                          err);
}

static enum lf_code take_page(struct selection *selection, struct store_page *found, struct err *err)
{
    struct arena *arena = selection->call->arena;
    struct item item;
    TRY(page_put_items(&selection->writer, found, err));
    selection->items += found->count;
    for (size_t i = 0; i < found->count; i++)
        selection->bytes += found->items[i].size_bytes;
    if (!found->count)
        return LF_OK;
    TRY(stored_item_parse(&found->items[found->count - 1], arena, &item, err));
    return start_key_of(selection->statement->table, selection->statement->index, &item, arena, &selection->last, err);
}

static bool is_full(const struct selection *selection)
{
    return selection->bytes >= PAGE_BYTES_MAX || (selection->request->has_limit && items_left(selection) == 0);
}

static enum lf_code read_partitions(struct selection *selection, bool *ret_has_more, struct err *err)
{
    size_t first = first_condition(selection), count = selection->statement->target.count;
    *ret_has_more = false;
    for (size_t i = first; i < count && !*ret_has_more; i++) {
        struct store_page found;
        TRY(read_partition(selection, i, i == first, &found, err));
        TRY(take_page(selection, &found, err));
        *ret_has_more = found.has_more || (i + 1 < count && is_full(selection));
    }
    return LF_OK;
}

static enum lf_code read_all(struct selection *selection, bool *ret_has_more, struct err *err)
{
    struct store_page found;
    if (selection->statement->target.count)
        return read_partitions(selection, ret_has_more, err);
    TRY(read_table(selection, &found, err));
    TRY(take_page(selection, &found, err));
    *ret_has_more = found.has_more;
    return LF_OK;
}

static enum lf_code answer_selection(struct selection *selection, struct err *err)
{
    struct call *call = selection->call;
    struct span token;
    bool has_more = false;
    TRY(page_writer_init(&selection->writer, call, &selection->page, err));
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Items"));
    reply_array_begin(call->reply);
    TRY(read_all(selection, &has_more, err));
    reply_array_end(call->reply);
    if (has_more && selection->last.count) {
        TRY(next_token_make(selection->binding, &selection->last, call->arena, &token, err));
        reply_member_string(call->reply, SPAN("NextToken"), token);
    }
    TRY(page_put_capacity(&selection->writer, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code select_items(struct call *call, const struct execute_statement_request *request, struct statement *statement,
                                 struct err *err)
{
    struct selection selection = { .call = call, .request = request, .statement = statement };
    selection.binding = next_token_binding(request->statement, &request->parameters);
    TRY(statement_reduce(statement, call->arena, err));
    TRY(sort_conditions(&selection, err));
    TRY(make_page(&selection, err));
    TRY(resume(&selection, err));
    return answer_selection(&selection, err);
}

/* INSERT, UPDATE, DELETE --------------------------------------------------------------------------------------------------- */

static enum lf_code put_written(struct call *call, const struct execute_statement_request *request,
                                const struct statement *statement, const struct item_change *change,
                                const struct item_outcome *outcome, struct err *err)
{
    struct item values;
    struct capacity capacity;
    TRY(item_change_returned(change, outcome, statement_return_values(statement), call->arena, &values, err));
    TRY(capacity_init(&capacity, change->table, true, false, call->arena, err));
    capacity_add_write(&capacity, outcome->old.is_present ? &outcome->old_item : NULL,
                       outcome->has_new ? &outcome->new_item : NULL);
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Items"));
    reply_array_begin(call->reply);
    if (values.count)
        reply_item(call->reply, &values);
    reply_array_end(call->reply);
    TRY(capacity_put_member(&capacity, request->return_consumed_capacity, call->reply, call->arena, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code write_item_of(struct call *call, const struct execute_statement_request *request, struct statement *statement,
                                  struct err *err)
{
    struct item_change change;
    struct item_outcome outcome;
    bool tells_failed = request->return_values_on_condition_check_failure == API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
    TRY(statement_change(statement, call->arena, &change, err));
    bool needs_old = statement->parsed.returning || capacity_is_asked(request->return_consumed_capacity);
    enum lf_code code = item_write_run(call, &change, needs_old, &outcome, err);
    if (code != LF_CONDITIONAL_CHECK_FAILED)
        return code ? code : put_written(call, request, statement, &change, &outcome, err);
    if (!tells_failed)
        return statement_failed(statement, code, err);
    TRY(item_write_put_failed(&outcome, call->arena, call->error_members, err));
    return code;
}

static enum lf_code execute(struct call *call, const struct execute_statement_request *request, struct statement *statement,
                            struct request_tables *tables, struct err *err)
{
    if (statement->parsed.is_exists)
        return ERR(err, LF_VALIDATION, "EXISTS can only be used in ExecuteTransaction write requests.");
    TRY(statement_find_table(statement, call, OPERATION_EXECUTE_STATEMENT, tables, err));
    return statement_is_read(statement) ? select_items(call, request, statement, err)
                                        : write_item_of(call, request, statement, err);
}

enum lf_code operation_execute_statement(struct call *call, const struct execute_statement_request *request, struct err *err)
{
    struct statement statement;
    struct request_tables tables;
    TRY(shape_check_values(&request->head, err));
    TRY(statement_parse(request->statement, &request->parameters, call->arena, &statement, err));
    TRY(request_tables_init(&tables, 1, call->arena, err));
    enum lf_code code = execute(call, request, &statement, &tables, err);
    request_tables_done(&tables);
    return code;
}
