/*
 * item_change: what a request wants done with one item, decided on the item as it is.
 *
 *     PutItem, UpdateItem, DeleteItem, members of TransactWriteItems ──► struct item_change
 *                                     item_change_decide(old item) ──► struct item_outcome: condition held, new item
 */
#pragma once

#include "expression/update.h"
#include "gateway/store/store.h"

enum item_change_kind { CHANGE_PUT, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_CHECK };

struct item_change {
    enum item_change_kind kind;
    const struct table *table;
    struct item_key key;
    const struct item *item;                 /* of CHANGE_PUT, checked */
    struct update update;                    /* of CHANGE_UPDATE */
    const struct expression_node *condition; /* NULL: none */
};

struct item_outcome {
    bool writes;
    struct stored_item old; /* is_present false: there was none */
    struct item old_item;
    bool has_new;
    struct item new_item; /* as it is afterwards */
};

/* Errors: LF_CONDITIONAL_CHECK_FAILED, with the outcome's old item set; LF_VALIDATION when the update does not suit the item, or
 * makes one that breaks DynamoDB's limits; LF_MEMORY. Pure. */
enum lf_code item_change_decide(const struct item_change *change, const struct stored_item *old, const struct item *old_item,
                                struct arena *arena, struct item_outcome *ret_outcome, struct err *err) MUST_CHECK;

/* What ReturnValues asks for of the outcome; without attributes: nothing. */
enum lf_code item_change_returned(const struct item_change *change, const struct item_outcome *outcome,
                                  enum api_return_value return_values, struct arena *arena, struct item *ret_item,
                                  struct err *err) MUST_CHECK;
