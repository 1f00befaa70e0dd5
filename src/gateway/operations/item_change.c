#include "gateway/operations/item_change.h"

#include "expression/evaluate.h"
#include "gateway/operations/item_key.h"

static enum lf_code update(const struct item_change *change, struct arena *arena, struct item_outcome *outcome, struct err *err)
{
    /* An item that the update makes has its key from the beginning: operands see it. */
    const struct item *old = outcome->old.is_present ? &outcome->old_item : &change->key.attributes;
    TRY(update_apply(&change->update, old, &change->key.attributes, arena, &outcome->new_item, err));
    return item_check_updated(change->table, &outcome->new_item, err);
}

enum lf_code item_change_decide(const struct item_change *change, const struct stored_item *old, const struct item *old_item,
                                struct arena *arena, struct item_outcome *ret_outcome, struct err *err)
{
    struct item_outcome *outcome = ret_outcome;
    *outcome = (struct item_outcome){ .old = *old, .old_item = *old_item };
    if (!condition_holds(change->condition, old->is_present ? old_item : NULL))
        return ERR(err, LF_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
    switch (change->kind) {
    case CHANGE_PUT:
        outcome->writes = outcome->has_new = true;
        outcome->new_item = *change->item;
        return LF_OK;
    case CHANGE_UPDATE:
        outcome->writes = outcome->has_new = true;
        return update(change, arena, outcome, err);
    case CHANGE_DELETE:
        outcome->writes = old->is_present;
        return LF_OK;
    case CHANGE_CHECK:
        outcome->has_new = old->is_present;
        outcome->new_item = *old_item;
        return LF_OK;
    }
    return LF_OK;
}

static enum lf_code updated(const struct item_change *change, const struct item *item, struct arena *arena, struct item *ret_item,
                            struct err *err)
{
    struct projection projection;
    if (change->update.count == 0)
        return LF_OK;
    TRY(update_projection(&change->update, arena, &projection, err));
    return projection_apply(&projection, item, arena, ret_item, err);
}

enum lf_code item_change_returned(const struct item_change *change, const struct item_outcome *outcome,
                                  enum api_return_value return_values, struct arena *arena, struct item *ret_item,
                                  struct err *err)
{
    *ret_item = (struct item){ 0 };
    switch (return_values) {
    case API_RETURN_VALUE_ALL_OLD:
        *ret_item = outcome->old_item;
        return LF_OK;
    case API_RETURN_VALUE_ALL_NEW:
        *ret_item = outcome->new_item;
        return LF_OK;
    case API_RETURN_VALUE_UPDATED_OLD:
        return updated(change, &outcome->old_item, arena, ret_item, err);
    case API_RETURN_VALUE_UPDATED_NEW:
        return updated(change, &outcome->new_item, arena, ret_item, err);
    default:
        return LF_OK;
    }
}
