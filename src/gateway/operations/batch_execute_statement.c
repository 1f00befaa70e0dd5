#include "gateway/operations/operations.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/item_write.h"
#include "gateway/operations/page.h"
#include "gateway/operations/statement.h"
#include "gateway/operations/table_parts.h"

/* A statement of the batch, and what became of it. */
struct member {
    const struct api_batch_statement_request *from;
    struct statement statement;
    bool has_key;
    struct item_change change; /* of reads only the key */
    enum lf_code code;
    struct span message;
    struct item item; /* to be answered */
    struct span failed;
    double read_units;
    struct item_outcome outcome;
};

struct batch {
    struct call *call;
    const struct batch_execute_statement_request *request;
    struct member *members;
    size_t count;
    struct request_tables tables;
};

/* Errors ------------------------------------------------------------------------------------------------------------------- */

static const struct {
    enum lf_code code;
    const char *name;
} names[] = {
    { LF_VALIDATION, "ValidationError" },   { LF_RESOURCE_NOT_FOUND, "ResourceNotFound" },
    { LF_ACCESS_DENIED, "AccessDenied" },   { LF_CONDITIONAL_CHECK_FAILED, "ConditionalCheckFailed" },
    { LF_DUPLICATE_ITEM, "DuplicateItem" }, { LF_TRANSACTION_CONFLICT, "TransactionConflict" },
    { LF_THROTTLING, "ThrottlingError" },
};

static const char *name_of(enum lf_code code)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}

/* Takes what is the statement's own fault; hands up the rest. */
static enum lf_code take_error(struct member *member, enum lf_code code, struct arena *arena, struct err *err)
{
    if (!code || !name_of(code))
        return code;
    member->code = code;
    return arena_copy(arena, span_from_cstr(err->message), &member->message, err);
}

/* Before anything is done -------------------------------------------------------------------------------------------------- */

static enum lf_code parse(struct batch *batch, struct err *err)
{
    struct arena *arena = batch->call->arena;
    const struct member *first = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        struct member *member = &batch->members[i];
        member->from = &batch->request->statements.values[i];
        enum lf_code code = statement_parse(member->from->statement, &member->from->parameters, arena, &member->statement, err);
        if (!code && member->statement.parsed.is_exists)
            code = ERR(err, LF_VALIDATION, "EXISTS can only be used in ExecuteTransaction write requests.");
        TRY(take_error(member, code, arena, err));
        if (member->code)
            continue;
        if (first && statement_is_read(&first->statement) != statement_is_read(&member->statement))
            return ERR(err, LF_VALIDATION, "Read and write requests together in the same batch is not supported.");
        first = member;
    }
    return LF_OK;
}

static enum lf_code find_key(struct member *member, struct arena *arena, struct err *err)
{
    struct statement *statement = &member->statement;
    if (!statement_is_read(statement))
        return statement_change(statement, arena, &member->change, err);
    TRY(statement_reduce(statement, arena, err));
    if (!statement_is_of_item(statement))
        return ERR(err, LF_VALIDATION,
                   "Select statements within BatchExecuteStatement must specify the primary key in the where clause.");
    return statement_key(statement, arena, &member->change.key, err);
}

static enum lf_code find_keys(struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct member *member = &batch->members[i];
        if (member->code)
            continue;
        enum lf_code code =
            statement_find_table(&member->statement, batch->call, OPERATION_BATCH_EXECUTE_STATEMENT, &batch->tables, err);
        if (!code)
            code = find_key(member, batch->call->arena, err);
        member->has_key = !code;
        TRY(take_error(member, code, batch->call->arena, err));
    }
    return LF_OK;
}

static enum lf_code check_distinct(const struct batch *batch, struct err *err)
{
    size_t count = 0;
    struct table_item *items = arena_calloc(batch->call->arena, batch->count, sizeof *items, err);
    if (!items)
        return err->code;
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->members[i].code)
            items[count++] = (struct table_item){ batch->members[i].statement.table, &batch->members[i].change.key };
    if (!table_items_are_distinct(items, count))
        return ERR(err, LF_VALIDATION, "Provided list of item keys contains duplicates");
    return LF_OK;
}

/* Execution ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code read_item(struct call *call, struct member *member, struct err *err)
{
    const struct statement *statement = &member->statement;
    const struct table *table = statement->table;
    struct stored_item stored;
    struct item item;
    TRY(table->store->get(call->worker, table, &member->change.key, 1, call->arena, &stored, err));
    member->read_units = capacity_read_units(stored.size_bytes, member->from->consistent_read);
    if (!stored.is_present)
        return LF_OK;
    TRY(stored_item_parse(&stored, call->arena, &item, err));
    if (statement->parsed.column_count)
        TRY(page_take_columns(statement->parsed.columns, statement->parsed.column_count, &item, call->arena, &item, err));
    member->item = item;
    return LF_OK;
}

static enum lf_code write_item_of(struct call *call, struct member *member, bool is_measured, struct err *err)
{
    bool tells_failed =
        member->from->return_values_on_condition_check_failure == API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
    bool needs_old = is_measured || member->statement.parsed.returning;
    enum lf_code code = item_write_run(call, &member->change, needs_old, &member->outcome, err);
    if (code == LF_CONDITIONAL_CHECK_FAILED && tells_failed && member->outcome.old.is_present)
        TRY(stored_item_json(&member->outcome.old, call->arena, &member->failed, err));
    if (code)
        return statement_failed(&member->statement, code, err);
    return item_change_returned(&member->change, &member->outcome, statement_return_values(&member->statement), call->arena,
                                &member->item, err);
}

static enum lf_code execute_all(struct batch *batch, struct err *err)
{
    bool is_measured = capacity_is_asked(batch->request->return_consumed_capacity);
    for (size_t i = 0; i < batch->count; i++) {
        struct member *member = &batch->members[i];
        if (member->code)
            continue;
        enum lf_code code = statement_is_read(&member->statement) ? read_item(batch->call, member, err)
                                                                  : write_item_of(batch->call, member, is_measured, err);
        TRY(take_error(member, code, batch->call->arena, err));
    }
    return LF_OK;
}

/* Answers ------------------------------------------------------------------------------------------------------------------ */

static void put_error(const struct member *member, struct reply *reply)
{
    reply_name(reply, SPAN("Error"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("Code"), span_from_cstr(name_of(member->code)));
    reply_member_string(reply, SPAN("Message"), member->message);
    if (member->failed.ptr)
        reply_member_raw(reply, SPAN("Item"), member->failed);
    reply_object_end(reply);
}

static void put_response(const struct member *member, struct reply *reply)
{
    reply_object_begin(reply);
    if (member->code)
        put_error(member, reply);
    if (member->has_key)
        reply_member_string(reply, SPAN("TableName"), member->statement.parsed.table);
    if (!member->code && member->item.attributes)
        reply_member_item(reply, SPAN("Item"), &member->item);
    reply_object_end(reply);
}

static void add_member(const struct member *member, struct capacity *capacity)
{
    const struct item_outcome *outcome = &member->outcome;
    if (statement_is_read(&member->statement))
        capacity_add_read(capacity, NULL, member->read_units);
    else
        capacity_add_write(capacity, outcome->old.is_present ? &outcome->old_item : NULL,
                           outcome->has_new ? &outcome->new_item : NULL);
}

static enum lf_code put_capacity_of(const struct batch *batch, const struct table *table, struct err *err)
{
    struct call *call = batch->call;
    struct capacity capacity;
    TRY(capacity_init(&capacity, table, false, false, call->arena, err));
    for (size_t i = 0; i < batch->count; i++)
        if (batch->members[i].statement.table == table && !batch->members[i].code)
            add_member(&batch->members[i], &capacity);
    return capacity_put(&capacity, batch->request->return_consumed_capacity, call->reply, call->arena, err);
}

static enum lf_code answer(const struct batch *batch, struct err *err)
{
    struct reply *reply = batch->call->reply;
    reply_object_begin(reply);
    reply_name(reply, SPAN("Responses"));
    reply_array_begin(reply);
    for (size_t i = 0; i < batch->count; i++)
        put_response(&batch->members[i], reply);
    reply_array_end(reply);
    if (capacity_is_asked(batch->request->return_consumed_capacity)) {
        reply_name(reply, SPAN("ConsumedCapacity"));
        reply_array_begin(reply);
        for (size_t i = 0; i < batch->tables.count; i++)
            TRY(put_capacity_of(batch, batch->tables.tables[i], err));
        reply_array_end(reply);
    }
    reply_object_end(reply);
    return LF_OK;
}

static enum lf_code execute(struct batch *batch, struct err *err)
{
    TRY(find_keys(batch, err));
    TRY(check_distinct(batch, err));
    TRY(execute_all(batch, err));
    return answer(batch, err);
}

enum lf_code operation_batch_execute_statement(struct call *call, const struct batch_execute_statement_request *request,
                                               struct err *err)
{
    struct batch batch = { .call = call, .request = request, .count = request->statements.count };
    TRY(shape_check_values(&request->head, err));
    batch.members = arena_calloc(call->arena, batch.count, sizeof *batch.members, err);
    if (!batch.members)
        return err->code;
    TRY(parse(&batch, err));
    TRY(request_tables_init(&batch.tables, batch.count, call->arena, err));
    enum lf_code code = execute(&batch, err);
    request_tables_done(&batch.tables);
    return code;
}
