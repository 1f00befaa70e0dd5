#include "gateway/operations/item_write.h"

#include "gateway/operations/capacity.h"
#include "gateway/operations/collection_metrics.h"
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

static bool needs_old(const struct item_change *change, const struct item_write_options *options)
{
    bool returns_values = options->return_values != API_RETURN_VALUE_UNSET && options->return_values != API_RETURN_VALUE_NONE;
    return change->kind == CHANGE_UPDATE || change->condition || returns_values ||
           capacity_is_asked(options->return_consumed_capacity);
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

static enum lf_code write(struct call *call, const struct item_change *change, const struct item_write_options *options,
                          struct job *job, struct err *err)
{
    const struct write_options how = { .decide = decide, .context = job };
    enum lf_code code = write_item(call->worker, change->table, &change->key, &how, call->arena, err);
    bool tells_item = code == LF_CONDITIONAL_CHECK_FAILED &&
                      options->return_values_on_condition_check_failure == API_RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD;
    if (tells_item)
        TRY(item_write_put_failed(&job->outcome, call->arena, call->error_members, err));
    return code;
}

static enum lf_code write_unseen(struct call *call, const struct item_change *change, struct err *err)
{
    const struct blind_write blind = { .key = change->key, .item = change->kind == CHANGE_PUT ? change->item : NULL };
    return write_blindly(call->worker, change->table, &blind, 1, call->arena, err);
}

/* Answering ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code put_updated(const struct item_change *change, const struct item *item, struct call *call, struct err *err)
{
    struct projection projection;
    struct item updated;
    if (change->update.count == 0)
        return LF_OK;
    TRY(update_projection(&change->update, call->arena, &projection, err));
    TRY(projection_apply(&projection, item, call->arena, &updated, err));
    if (updated.count)
        reply_member_item(call->reply, SPAN("Attributes"), &updated);
    return LF_OK;
}

static enum lf_code put_old(struct item_outcome *outcome, struct call *call, struct err *err)
{
    struct span json;
    if (!outcome->old.is_present)
        return LF_OK;
    TRY(stored_item_json(&outcome->old, call->arena, &json, err));
    reply_member_raw(call->reply, SPAN("Attributes"), json);
    return LF_OK;
}

static enum lf_code put_attributes(const struct item_change *change, struct item_outcome *outcome,
                                   enum api_return_value return_values, struct call *call, struct err *err)
{
    switch (return_values) {
    case API_RETURN_VALUE_ALL_OLD:
        return put_old(outcome, call, err);
    case API_RETURN_VALUE_ALL_NEW:
        reply_member_item(call->reply, SPAN("Attributes"), &outcome->new_item);
        return LF_OK;
    case API_RETURN_VALUE_UPDATED_OLD:
        return put_updated(change, &outcome->old_item, call, err);
    case API_RETURN_VALUE_UPDATED_NEW:
        return put_updated(change, &outcome->new_item, call, err);
    default:
        return LF_OK;
    }
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

enum lf_code item_write(struct call *call, const struct item_change *change, const struct item_write_options *options,
                        struct err *err)
{
    struct job job = { .change = change };
    TRY(needs_old(change, options) ? write(call, change, options, &job, err) : write_unseen(call, change, err));
    return answer(call, change, &job.outcome, options, err);
}

enum lf_code item_write_check_return_values(enum api_return_value return_values, struct err *err)
{
    bool is_known = return_values == API_RETURN_VALUE_UNSET || return_values == API_RETURN_VALUE_NONE ||
                    return_values == API_RETURN_VALUE_ALL_OLD;
    return is_known ? LF_OK : ERR(err, LF_VALIDATION, "Return values set to invalid value");
}
