/*
 * legacy: the parameters that expressions replaced, translated into the same trees.
 *
 * Expected, QueryFilter and ScanFilter become a condition, KeyConditions a key condition, AttributeUpdates an update and
 * AttributesToGet a projection. The caller has read them into these structs; attribute names, operators and values are borrowed.
 * Errors: LF_VALIDATION in AWS's words, LF_MEMORY. Source: AWS, "Legacy conditional parameters". Pure.
 */
#pragma once

#include "expression/key_condition.h"
#include "expression/update.h"

/* One entry of QueryFilter, ScanFilter or KeyConditions. */
struct legacy_condition {
    struct span name;
    struct span comparison;     /* ComparisonOperator: "EQ", "NOT_NULL", … */
    const struct value *values; /* AttributeValueList */
    size_t value_count;
};

/* One entry of Expected: either { Value, Exists } or { ComparisonOperator, AttributeValueList }. */
struct legacy_expected {
    struct legacy_condition condition; /* comparison.ptr NULL when ComparisonOperator is not given */
    bool has_values;                   /* AttributeValueList is given */
    const struct value *value;         /* NULL when Value is not given */
    bool has_exists;
    bool exists;
};

/* One entry of AttributeUpdates. */
struct legacy_update {
    struct span name;
    struct span action;        /* ptr NULL: PUT */
    const struct value *value; /* NULL when not given */
};

/* QueryFilter or ScanFilter. `conditional_operator` is "AND", "OR" or has no ptr. No conditions give NULL,
 * which always holds. */
enum lf_code legacy_filter(const struct legacy_condition *conditions, size_t count, struct span conditional_operator,
                           struct arena *arena, const struct expression_node **ret_root, struct err *err) MUST_CHECK;

/* Of QueryFilter: no condition is on a key attribute of the table or index. */
enum lf_code legacy_check_query_filter(const struct legacy_condition *conditions, size_t count, const struct span *key_names,
                                       size_t key_name_count, struct err *err) MUST_CHECK;

/* Expected; the same. */
enum lf_code legacy_expect(const struct legacy_expected *expected, size_t count, struct span conditional_operator,
                           struct arena *arena, const struct expression_node **ret_root, struct err *err) MUST_CHECK;

/* Of Expected all but what the values are: some of them are none. */
enum lf_code legacy_check_expected_members(const struct legacy_expected *expected, size_t count, struct err *err) MUST_CHECK;

enum lf_code legacy_key_conditions(const struct legacy_condition *conditions, size_t count,
                                   const struct key_condition_schema *schema, struct key_condition *ret_condition,
                                   struct err *err) MUST_CHECK;

enum lf_code legacy_updates(const struct legacy_update *updates, size_t count, struct arena *arena, struct update *ret_update,
                            struct err *err) MUST_CHECK;

enum lf_code legacy_attributes_to_get(const struct span *names, size_t count, struct arena *arena,
                                      struct projection *ret_projection, struct err *err) MUST_CHECK;
