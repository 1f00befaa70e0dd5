#include "gateway/operations/operations.h"

#include "gateway/operations/statement.h"
#include "gateway/operations/transact.h"
#include "gateway/operations/transact_read.h"

struct execution {
    struct call *call;
    const struct execute_transaction_request *request;
    struct statement *statements;
    size_t count;
    struct request_tables tables;
};

/* Parsing ------------------------------------------------------------------------------------------------------------------ */

/* "Validation failed in TransactStatements[0]: …", but for what cannot be read at all. */
static enum lf_code in_statement(enum lf_code code, size_t at, struct err *err)
{
    struct err inner = *err;
    if (code != LF_VALIDATION || span_starts_with(span_from_cstr(err->message), SPAN("Statement wasn't well formed")))
        return code;
    return ERR(err, LF_VALIDATION, "Validation failed in TransactStatements[%zu]: %s", at, inner.message);
}

static enum lf_code check_kind(const struct statement *statement, struct err *err)
{
    if (statement->parsed.returning)
        return ERR(err, LF_VALIDATION, "RETURNING clause is not supported in ExecuteTransaction.");
    if (statement->parsed.index.ptr)
        return ERR(err, LF_VALIDATION, "Reads on indices are not supported within transactions.");
    return LF_OK;
}

static enum lf_code parse(struct execution *execution, struct err *err)
{
    for (size_t i = 0; i < execution->count; i++) {
        const struct api_parameterized_statement *from = &execution->request->transact_statements.values[i];
        TRY(in_statement(
            statement_parse(from->statement, &from->parameters, execution->call->arena, &execution->statements[i], err), i, err));
    }
    for (size_t i = 1; i < execution->count; i++)
        if (statement_is_read(&execution->statements[i]) != statement_is_read(&execution->statements[0]))
            return ERR(err, LF_VALIDATION,
                       "ExecuteTransaction API does not support both read and write operations in the same request.");
    for (size_t i = 0; i < execution->count; i++)
        TRY(in_statement(check_kind(&execution->statements[i], err), i, err));
    return LF_OK;
}

static enum lf_code find_tables(struct execution *execution, struct err *err)
{
    for (size_t i = 0; i < execution->count; i++)
        TRY(statement_find_table(&execution->statements[i], execution->call, OPERATION_EXECUTE_TRANSACTION, &execution->tables,
                                 err));
    return LF_OK;
}

/* Reads -------------------------------------------------------------------------------------------------------------------- */

static enum lf_code check_read(struct statement *statement, struct arena *arena, struct transact_get *get,
                               struct cancellation_reason *reason, bool *ret_is_of_item, struct err *err)
{
    *ret_is_of_item = true;
    enum lf_code code = statement_reduce(statement, arena, err);
    if (!code) {
        *ret_is_of_item = statement_is_of_item(statement);
        code = *ret_is_of_item ? statement_key(statement, arena, &get->key, err) : LF_OK;
    }
    get->table = statement->table;
    get->columns = statement->parsed.columns;
    get->column_count = statement->parsed.column_count;
    return cancellation_take(code, arena, reason, err);
}

static enum lf_code read_items(struct execution *execution, struct err *err)
{
    struct call *call = execution->call;
    struct transact_get *gets = arena_calloc(call->arena, execution->count, sizeof *gets, err);
    struct cancellation_reason *reasons = gets ? arena_calloc(call->arena, execution->count, sizeof *reasons, err) : NULL;
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < execution->count; i++) {
        bool is_of_item = false;
        TRY(check_read(&execution->statements[i], call->arena, &gets[i], &reasons[i], &is_of_item, err));
        if (!is_of_item)
            return in_statement(ERR(err, LF_VALIDATION,
                                    "Select statements within ExecuteTransaction must specify the primary key in the where "
                                    "clause."),
                                i, err);
    }
    TRY(cancellation_check(call, reasons, execution->count, err));
    return transact_read(call, gets, execution->count, execution->request->return_consumed_capacity, err);
}

/* Writes ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code make_actions(struct execution *execution, struct transact_action *actions, struct err *err)
{
    struct call *call = execution->call;
    struct cancellation_reason *reasons = arena_calloc(call->arena, execution->count, sizeof *reasons, err);
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < execution->count; i++) {
        struct statement *statement = &execution->statements[i];
        enum lf_code code = statement_change(statement, call->arena, &actions[i].change, err);
        if (code == LF_VALIDATION && statement->parsed.is_exists)
            return in_statement(code, i, err);
        TRY(cancellation_take(code, call->arena, &reasons[i], err));
        actions[i].returns_old = execution->request->transact_statements.values[i].return_values_on_condition_check_failure ==
                                 API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
        actions[i].is_insert = statement->parsed.verb == PARTIQL_INSERT;
    }
    return cancellation_check(call, reasons, execution->count, err);
}

enum lf_code execute_transaction_token(const struct execute_transaction_request *request, struct request_token *ret_token,
                                       struct err *err)
{
    struct buf fingerprint;
    ret_token->token = span_of(NULL, 0);
    if (!request->client_request_token.len)
        return LF_OK;
    buf_init(&fingerprint, FINGERPRINT_BYTES_MAX);
    for (size_t i = 0; i < request->transact_statements.count; i++) {
        const struct api_parameterized_statement *statement = &request->transact_statements.values[i];
        fingerprint_put(&fingerprint, statement->statement);
        fingerprint_put_number(&fingerprint, statement->parameters.count);
        for (size_t k = 0; k < statement->parameters.count; k++)
            fingerprint_put_value(&fingerprint, &statement->parameters.values[k]);
    }
    enum lf_code code = request_token_init(ret_token, request->client_request_token, &fingerprint, err);
    buf_done(&fingerprint);
    return code;
}

static enum lf_code write_items(struct execution *execution, struct err *err)
{
    struct call *call = execution->call;
    struct request_token token;
    struct transact transact = { .call = call, .count = execution->count };
    transact.actions = arena_calloc(call->arena, execution->count, sizeof *transact.actions, err);
    if (!transact.actions)
        return err->code;
    TRY(make_actions(execution, transact.actions, err));
    TRY(execute_transaction_token(execution->request, &token, err));
    transact.token = token.token.len ? &token : NULL;
    TRY(transact_run(&transact, err));
    reply_object_begin(call->reply);
    reply_name(call->reply, SPAN("Responses"));
    reply_array_begin(call->reply);
    reply_array_end(call->reply);
    TRY(transact_put_capacity(&transact, execution->request->return_consumed_capacity, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code execute(struct execution *execution, struct err *err)
{
    TRY(find_tables(execution, err));
    return statement_is_read(&execution->statements[0]) ? read_items(execution, err) : write_items(execution, err);
}

enum lf_code operation_execute_transaction(struct call *call, const struct execute_transaction_request *request, struct err *err)
{
    struct execution execution = { .call = call, .request = request, .count = request->transact_statements.count };
    TRY(shape_check_values(&request->head, err));
    execution.statements = arena_calloc(call->arena, execution.count, sizeof *execution.statements, err);
    if (!execution.statements)
        return err->code;
    TRY(parse(&execution, err));
    TRY(request_tables_init(&execution.tables, execution.count, call->arena, err));
    enum lf_code code = execute(&execution, err);
    request_tables_done(&execution.tables);
    return code;
}
