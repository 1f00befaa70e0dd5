/*
 * cancellation: why a transaction does not happen, action by action.
 *
 *     {"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"…","Item":{…}}],
 *      "Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"}
 *
 * Source: AWS, "TransactWriteItems", errors.
 */
#pragma once

#include "gateway/call.h"

struct cancellation_reason {
    enum lf_code code; /* LF_OK: nothing is wrong with this action */
    struct span message;
    struct span item; /* JSON of the item as it is; ptr NULL: not asked for, or there is none */
};

/* Takes an action's failure for its reason, and then gives LF_OK; hands up what is not the action's (memory, the database) and
 * what DynamoDB refuses before a transaction begins: empty values of keys. `code` may be LF_OK. */
enum lf_code cancellation_take(enum lf_code code, struct arena *arena, struct cancellation_reason *reason,
                               struct err *err) MUST_CHECK;

/* LF_TRANSACTION_CANCELED, with its members in call->error_members, when any of them is a reason. */
enum lf_code cancellation_check(struct call *call, const struct cancellation_reason *reasons, size_t count,
                                struct err *err) MUST_CHECK;

/* The same reason for all: others hold locks, and PostgreSQL does not say of which item. */
enum lf_code cancellation_of_conflict(struct call *call, size_t count, struct err *err) MUST_CHECK;
