#include "gateway/operations/operations.h"

#include "gateway/operations/item_key.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/operations/request_tables.h"
#include "gateway/operations/transact.h"
#include "gateway/operations/update_check.h"

/* A Put, Update, Delete or ConditionCheck. */
struct member {
    enum item_change_kind kind;
    struct span table_name;
    const struct item *item; /* of Put; else the key */
    struct span condition, update;
    const struct api_string_map *names;
    const struct item *values;
    enum api_return_values_on_condition_check_failure on_failure;
};

#define MEMBER(of, kind_, item_, update_)                                                                              \
    (struct member)                                                                                                    \
    {                                                                                                                  \
        .kind = (kind_), .table_name = (of)->table_name, .item = (item_), .condition = (of)->condition_expression,     \
        .update = (update_), .names = &(of)->expression_attribute_names, .values = &(of)->expression_attribute_values, \
        .on_failure = (of)->return_values_on_condition_check_failure                                                   \
    }

/* What the request asks for ------------------------------------------------------------------------------------------------ */

static enum lf_code check_kinds(const struct transact_write_items_request *request, struct err *err)
{
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct api_transact_write_item *item = &request->transact_items.values[i];
        unsigned kinds = !!item->put + !!item->update + !!item->delete + !!item->condition_check;
        if (kinds == 0)
            return ERR(err, LF_VALIDATION,
                       "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request");
        if (kinds > 1)
            return ERR(err, LF_VALIDATION, "TransactItems can only contain one of Check, Put, Update or Delete");
    }
    return LF_OK;
}

static struct member member_of(const struct api_transact_write_item *item)
{
    const struct span none = { NULL, 0 };
    if (item->put)
        return MEMBER(item->put, CHANGE_PUT, &item->put->item, none);
    if (item->update)
        return MEMBER(item->update, CHANGE_UPDATE, &item->update->key, item->update->update_expression);
    if (item->delete)
        return MEMBER(item->delete, CHANGE_DELETE, &item->delete->key, none);
    return MEMBER(item->condition_check, CHANGE_CHECK, &item->condition_check->key, none);
}

static enum lf_code parse(const struct member *member, struct arena *arena, struct item_change *change, struct err *err)
{
    struct expression_inputs inputs;
    bool has_expression = member->condition.ptr || member->update.ptr;
    TRY(parameters_inputs(member->names, member->values, arena, &inputs, err));
    TRY(expression_inputs_check(&inputs, has_expression, has_expression ? NULL : "ConditionExpression is null", err));
    if (member->update.ptr)
        TRY(update_parse(member->update, &inputs, arena, &change->update, err));
    if (member->condition.ptr)
        TRY(expression_parse_condition(member->condition, EXPRESSION_CONDITION, &inputs, arena, &change->condition, err));
    TRY(expression_inputs_check_used(&inputs, err));
    return member->kind == CHANGE_PUT ? item_check_size(member->item, err) : LF_OK;
}

static size_t payload_bytes(const struct member *member)
{
    size_t values = 0;
    for (size_t i = 0; i < member->values->count; i++)
        values += value_size(&member->values->attributes[i].value);
    return item_size(member->item) + values + member->update.len + member->condition.len;
}

static enum lf_code check_payload(const struct member *members, size_t count, struct err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += payload_bytes(&members[i]);
    if (bytes > TRANSACT_BYTES_MAX)
        return ERR(err, LF_VALIDATION, "Transaction payload size cannot exceed 4MB. Payload Size: %zu", bytes);
    return LF_OK;
}

static enum lf_code read_members(const struct transact_write_items_request *request, struct arena *arena, struct member *members,
                                 struct transact_action *actions, struct err *err)
{
    size_t count = request->transact_items.count;
    TRY(check_kinds(request, err));
    TRY(shape_check_values(&request->head, err));
    for (size_t i = 0; i < count; i++) {
        members[i] = member_of(&request->transact_items.values[i]);
        actions[i].change.kind = members[i].kind;
        actions[i].change.item = members[i].kind == CHANGE_PUT ? members[i].item : NULL;
        actions[i].returns_old = members[i].on_failure == API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
        TRY(parse(&members[i], arena, &actions[i].change, err));
    }
    return check_payload(members, count, err);
}

enum lf_code transact_write_items_token(const struct transact_write_items_request *request, struct request_token *ret_token,
                                        struct err *err)
{
    struct buf fingerprint;
    ret_token->token = span_of(NULL, 0);
    TRY(check_kinds(request, err));
    if (!request->client_request_token.len)
        return LF_OK;
    buf_init(&fingerprint, FINGERPRINT_BYTES_MAX);
    for (size_t i = 0; i < request->transact_items.count; i++) {
        const struct member member = member_of(&request->transact_items.values[i]);
        fingerprint_put_number(&fingerprint, member.kind);
        fingerprint_put(&fingerprint, member.table_name);
        fingerprint_put_item(&fingerprint, member.item);
        fingerprint_put(&fingerprint, member.condition);
        fingerprint_put(&fingerprint, member.update);
        fingerprint_put_item(&fingerprint, member.values);
        fingerprint_put_number(&fingerprint, member.on_failure);
        fingerprint_put_names(&fingerprint, member.names);
    }
    enum lf_code code = request_token_init(ret_token, request->client_request_token, &fingerprint, err);
    buf_done(&fingerprint);
    return code;
}

/* Against the tables ------------------------------------------------------------------------------------------------------- */

static enum lf_code check_put(const struct member *member, struct arena *arena, struct item_change *change, struct err *err)
{
    TRY(item_key_of_item(change->table, member->item, arena, &change->key, err));
    TRY(item_check_index_keys(change->table, member->item, err));
    return key_paths_check(change->table, change->condition, err);
}

static enum lf_code check_other(const struct member *member, struct arena *arena, struct item_change *change, struct err *err)
{
    TRY(item_key_of_request(change->table, member->item, arena, &change->key, err));
    return update_check(change->table, &change->update, change->condition, err);
}

static enum lf_code check_members(struct call *call, const struct member *members, struct transact_action *actions, size_t count,
                                  struct err *err)
{
    struct cancellation_reason *reasons = arena_calloc(call->arena, count, sizeof *reasons, err);
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        enum lf_code code = members[i].kind == CHANGE_PUT ? check_put(&members[i], call->arena, &actions[i].change, err)
                                                          : check_other(&members[i], call->arena, &actions[i].change, err);
        TRY(cancellation_take(code, call->arena, &reasons[i], err));
    }
    return cancellation_check(call, reasons, count, err);
}

static enum lf_code find_tables(struct call *call, const struct member *members, struct transact_action *actions, size_t count,
                                struct request_tables *tables, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        TRY(request_tables_get(tables, call, members[i].table_name, true, &actions[i].change.table, err));
    return LF_OK;
}

static enum lf_code write_items(struct transact *transact, const struct transact_write_items_request *request,
                                const struct member *members, struct request_tables *tables, struct err *err)
{
    struct call *call = transact->call;
    TRY(find_tables(call, members, transact->actions, transact->count, tables, err));
    TRY(check_members(call, members, transact->actions, transact->count, err));
    TRY(transact_run(transact, err));
    reply_object_begin(call->reply);
    TRY(transact_put_capacity(transact, request->return_consumed_capacity, err));
    transact_put_metrics(transact, request->return_item_collection_metrics);
    reply_object_end(call->reply);
    return LF_OK;
}

enum lf_code operation_transact_write_items(struct call *call, const struct transact_write_items_request *request,
                                            struct err *err)
{
    struct request_token token;
    struct request_tables tables;
    struct transact transact = { .call = call, .count = request->transact_items.count };
    struct member *members = arena_calloc(call->arena, transact.count, sizeof *members, err);
    transact.actions = members ? arena_calloc(call->arena, transact.count, sizeof *transact.actions, err) : NULL;
    if (!transact.actions)
        return err->code;
    TRY(read_members(request, call->arena, members, transact.actions, err));
    TRY(transact_write_items_token(request, &token, err));
    transact.token = token.token.len ? &token : NULL;
    TRY(request_tables_init(&tables, transact.count, call->arena, err));
    enum lf_code code = write_items(&transact, request, members, &tables, err);
    request_tables_done(&tables);
    return code;
}
