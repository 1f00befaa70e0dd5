/*
 * update: UpdateExpression, and AttributeUpdates in the same form.
 *
 * All operands are taken from the item as it was, so that "SET a = b, b = a" swaps; the actions change it each in its own place,
 * since no two paths may overlap. The new item shares everything with the old one that no action touches. Errors:
 * LF_VALIDATION in AWS's words, also those that depend on the item, LF_MEMORY. Source: AWS, "Using update expressions in
 * DynamoDB". Pure.
 */
#pragma once

#include "expression/projection.h"

enum update_verb {
    UPDATE_SET,
    UPDATE_REMOVE,
    UPDATE_ADD,
    UPDATE_DELETE,
};

struct update_action {
    enum update_verb verb;
    struct document_path path;
    const struct expression_node *operand; /* NULL for REMOVE */
};

struct update {
    const struct update_action *actions; /* may be none: AttributeUpdates may be empty */
    size_t count;
    bool is_legacy; /* AttributeUpdates: ADD may also append to lists */
};

enum lf_code update_parse(struct span text, struct expression_inputs *inputs, struct arena *arena, struct update *ret_update,
                          struct err *err) MUST_CHECK;

/* No action changes one of the table's key attributes. */
enum lf_code update_check_keys(const struct update *update, const struct span *key_names, size_t key_name_count,
                               struct err *err) MUST_CHECK;

/* `old` NULL when there is no item: the new one then begins as `key`. The limit of item sizes is the caller's to check. */
enum lf_code update_apply(const struct update *update, const struct item *old, const struct item *key, struct arena *arena,
                          struct item *ret_new, struct err *err) MUST_CHECK;

/* What the actions name: applied to the old item it gives UPDATED_OLD, to the new one UPDATED_NEW. */
enum lf_code update_projection(const struct update *update, struct arena *arena, struct projection *ret_projection,
                               struct err *err) MUST_CHECK;
