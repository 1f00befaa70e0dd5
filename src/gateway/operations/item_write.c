#include "gateway/operations/item_write.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/collection_metrics.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/parameters.h"
#include "gateway/write.h"

/* Writing ------------------------------------------------------------------------------------------------------------------ */

struct job {
    const struct item_change *change;
    struct item_outcome outcome; /* of the last decision */
};

static enum lf_code decide(void *context, struct stored_item *old, const struct item *old_item, struct arena *arena,
                           struct write_decision *ret_decision, struct err *err)
{
    struct job *job = context;
    TRY(item_change_decide(job->change, old, old_item, arena, &job->outcome, err));
    *ret_decision = (struct write_decision){
        .writes = job->outcome.writes,
        .item = job->outcome.has_new ? &job->outcome.new_item : NULL,
    };
    return LF_OK;
}

static enum lf_code write(struct call *call, const struct item_change *change, struct item_outcome *outcome, struct err *err)
{
    struct job job = { .change = change };
    const struct write_options how = { .decide = decide, .context = &job };
    enum lf_code code = write_item(call->worker, change->table, &change->key, &how, call->arena, err);
    *outcome = job.outcome;
    return code;
}

static enum lf_code write_unseen(struct call *call, const struct item_change *change, struct err *err)
{
    const struct blind_write blind = { .key = change->key, .item = change->kind == CHANGE_PUT ? change->item : NULL };
    return write_blindly(call->worker, change->table, &blind, 1, call->arena, err);
}

enum lf_code item_write_run(struct call *call, const struct item_change *change, bool needs_old, struct item_outcome *outcome,
                            struct err *err)
{
    *outcome = (struct item_outcome){ 0 };
    if (needs_old || change->kind == CHANGE_UPDATE || change->condition)
        return write(call, change, outcome, err);
    return write_unseen(call, change, err);
}

enum lf_code item_write_put_failed(const struct item_outcome *outcome, struct arena *arena, struct buf *error_members,
                                   struct err *err)
{
    struct stored_item old = outcome->old;
    struct span json;
    if (!old.is_present)
        return LF_OK;
    TRY(stored_item_json(&old, arena, &json, err));
    buf_put_cstr(error_members, ",\"Item\":");
    buf_put_span(error_members, json);
    return buf_check(error_members, err);
}

/* Answering ---------------------------------------------------------------------------------------------------------------- */

static void put_old(const struct item_outcome *outcome, struct reply *reply)
{
    if (!outcome->old.is_present)
        return;
    reply_name(reply, SPAN("Attributes"));
    stored_item_reply(&outcome->old, reply);
}

static enum lf_code put_attributes(const struct item_change *change, struct item_outcome *outcome,
                                   enum api_return_value return_values, struct call *call, struct err *err)
{
    struct item values;
    if (return_values == API_RETURN_VALUE_ALL_OLD) {
        put_old(outcome, call->reply);
        return LF_OK;
    }
    TRY(item_change_returned(change, outcome, return_values, call->arena, &values, err));
    if (values.count)
        reply_member_item(call->reply, SPAN("Attributes"), &values);
    return LF_OK;
}

static enum lf_code put_capacity(const struct item_change *change, const struct item_outcome *outcome,
                                 enum api_return_consumed_capacity asked, struct call *call, struct err *err)
{
    struct capacity capacity;
    if (!capacity_is_asked(asked))
        return LF_OK;
    TRY(capacity_init(&capacity, change->table, true, false, call->arena, err));
    capacity_add_write(&capacity, outcome->old.is_present ? &outcome->old_item : NULL,
                       outcome->has_new ? &outcome->new_item : NULL);
    return capacity_put_member(&capacity, asked, call->reply, call->arena, err);
}

static enum lf_code answer(struct call *call, const struct item_change *change, struct item_outcome *outcome,
                           const struct item_write_options *options, struct err *err)
{
    reply_object_begin(call->reply);
    TRY(put_attributes(change, outcome, options->return_values, call, err));
    TRY(put_capacity(change, outcome, options->return_consumed_capacity, call, err));
    if (collection_metrics_are_asked(change->table, options->return_item_collection_metrics)) {
        reply_name(call->reply, SPAN("ItemCollectionMetrics"));
        collection_metrics_put(change->table, &change->key.attributes, call->reply);
    }
    reply_object_end(call->reply);
    return LF_OK;
}

static bool needs_old(const struct item_write_options *options)
{
    bool returns_values = options->return_values != API_RETURN_VALUE_UNSET && options->return_values != API_RETURN_VALUE_NONE;
    return returns_values || capacity_is_asked(options->return_consumed_capacity);
}

enum lf_code item_write(struct call *call, const struct item_change *change, const struct item_write_options *options,
                        struct err *err)
{
    struct item_outcome outcome;
    bool tells_failed = options->return_values_on_condition_check_failure == API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
    enum lf_code code = item_write_run(call, change, needs_old(options), &outcome, err);
    if (code == LF_CONDITIONAL_CHECK_FAILED && tells_failed)
        TRY(item_write_put_failed(&outcome, call->arena, call->error_members, err));
    return code ? code : answer(call, change, &outcome, options, err);
}

enum lf_code item_write_read_condition(const struct item_write_condition *condition, const struct table *table,
                                       struct expression_inputs *inputs, struct arena *arena,
                                       const struct expression_node **ret_condition, struct err *err)
{
    if (!condition->expression.ptr)
        return parameters_expected(condition->expected, condition->conditional_operator, arena, ret_condition, err);
    TRY(expression_parse_condition(condition->expression, EXPRESSION_CONDITION, inputs, arena, ret_condition, err));
    TRY(expression_inputs_check_used(inputs, err));
    return key_paths_check(table, *ret_condition, err);
}

enum lf_code item_write_check_return_values(enum api_return_value return_values, struct err *err)
{
    bool is_known = return_values == API_RETURN_VALUE_UNSET || return_values == API_RETURN_VALUE_NONE ||
                    return_values == API_RETURN_VALUE_ALL_OLD;
    return is_known ? LF_OK : ERR(err, LF_VALIDATION, "Return values set to invalid value");
}
