/*
 * item_write: runs one change by itself, and answers as PutItem, UpdateItem and DeleteItem do.
 *
 *     Attributes (ReturnValues) · ConsumedCapacity · ItemCollectionMetrics;  Item of a failed condition
 *
 * What needs nothing of the old item is written without reading it.
 */
#pragma once

#include "gateway/call.h"
#include "gateway/operations/item_change.h"

struct item_write_options {
    enum api_return_value return_values;
    enum api_return_consumed_capacity return_consumed_capacity;
    enum api_return_item_collection_metrics return_item_collection_metrics;
    enum api_return_values_on_condition_check_failure return_values_on_condition_check_failure;
};

/* The condition of a PutItem or DeleteItem, by an expression or, where that is not there, as it was said before there were any.
 */
struct item_write_condition {
    struct span expression;
    const struct api_expected_attribute_value_map *expected;
    enum api_conditional_operator conditional_operator;
};
enum lf_code item_write_read_condition(const struct item_write_condition *condition, const struct table *table,
                                       struct expression_inputs *inputs, struct arena *arena,
                                       const struct expression_node **ret_condition, struct err *err) MUST_CHECK;

enum lf_code item_write(struct call *call, const struct item_change *change, const struct item_write_options *options,
                        struct err *err) MUST_CHECK;

/* Runs the change and answers nothing. `needs_old`: the outcome must say what was there; after LF_CONDITIONAL_CHECK_FAILED it
 * does in any case. */
enum lf_code item_write_run(struct call *call, const struct item_change *change, bool needs_old, struct item_outcome *outcome,
                            struct err *err) MUST_CHECK;

/* Puts what ReturnValuesOnConditionCheckFailure asks for, `,"Item":{…}`, into an error's members. */
enum lf_code item_write_put_failed(const struct item_outcome *outcome, struct arena *arena, struct buf *error_members,
                                   struct err *err) MUST_CHECK;

/* PutItem and DeleteItem know no new or updated values. */
enum lf_code item_write_check_return_values(enum api_return_value return_values, struct err *err) MUST_CHECK;
