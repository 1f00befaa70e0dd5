/*
 * parameters: the expressions of a request, and the legacy parameters in their place, as trees.
 *
 *     parameters_check ─► shape_check_values ─► parse … ─► expression_inputs_check_used
 *
 * Errors: LF_VALIDATION in AWS's words, LF_MEMORY. Pure.
 */
#pragma once

#include "expression/legacy.h"
#include "gateway/shape.h"

/* A parameter's name, and whether the request has it. */
struct parameter {
    const char *name;
    bool is_given;
};

/* The parameters of an operation that cannot stand together, in the order in which messages list them. */
struct parameters {
    const struct parameter *legacy;
    size_t legacy_count;
    const struct parameter *expressions;
    size_t expression_count;
    const char *absent_expressions; /* as expression_inputs_check wants it, for when all that could use values are absent */
};

/* No legacy parameter together with an expression; names and values only with an expression; maps not empty, keys well-formed.
 * ProjectionExpression, which uses no values, comes first among the expressions or not at all. */
enum lf_code parameters_check(const struct parameters *parameters, const struct expression_inputs *inputs,
                              struct err *err) MUST_CHECK;

/* ExpressionAttributeNames and ExpressionAttributeValues; `values` NULL where the operation has none. */
enum lf_code parameters_inputs(const struct api_string_map *names, const struct item *values, struct arena *arena,
                               struct expression_inputs *ret_inputs, struct err *err) MUST_CHECK;

/* Legacy parameters, as legacy.h takes them; ConditionalOperator as text, ptr NULL when not given. */
struct span parameters_conditional_operator(enum api_conditional_operator conditional_operator);
enum lf_code parameters_conditions(const struct api_condition_map *map, struct arena *arena,
                                   struct legacy_condition **ret_conditions, struct err *err) MUST_CHECK;
enum lf_code parameters_expected(const struct api_expected_attribute_value_map *map,
                                 enum api_conditional_operator conditional_operator, struct arena *arena,
                                 const struct expression_node **ret_root, struct err *err) MUST_CHECK;
/* Of what is wrong with Expected by itself, DeleteItem and UpdateItem hear before they look at anything else. */
enum lf_code parameters_check_expected(const struct shape_head *head, const struct api_expected_attribute_value_map *map,
                                       struct arena *arena, struct err *err) MUST_CHECK;
enum lf_code parameters_updates(const struct api_attribute_value_update_map *map, struct arena *arena, struct update *ret_update,
                                struct err *err) MUST_CHECK;

/* ProjectionExpression or AttributesToGet. *ret_is_projected false: neither is given. */
enum lf_code parameters_projection(struct span expression, const struct api_string_list *attributes_to_get,
                                   struct expression_inputs *inputs, struct arena *arena, struct projection *ret_projection,
                                   bool *ret_is_projected, struct err *err) MUST_CHECK;
