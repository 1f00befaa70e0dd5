#include "gateway/operations/item_change.h"

#include "expression/evaluate.h"
#include "gateway/operations/item_key.h"

static enum lf_code update(const struct item_change *change, struct arena *arena, struct item_outcome *outcome, struct err *err)
{
    const struct item *old = outcome->old.is_present ? &outcome->old_item : NULL;
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
