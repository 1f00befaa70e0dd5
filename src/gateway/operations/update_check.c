#include "gateway/operations/update_check.h"

#include "gateway/operations/key_paths.h"

/* The value that the update gives an attribute for certain, or that AttributeUpdates takes from it; NULL when that depends on the
 * item. */
static const struct value *constant_of(const struct update *update, const struct update_action *action)
{
    bool has_value = action->verb == UPDATE_SET || (update->is_legacy && action->verb == UPDATE_DELETE);
    bool is_constant = has_value && action->path.count == 1 && action->operand->kind == NODE_VALUE;
    return is_constant ? action->operand->value : NULL;
}

static enum lf_code check_index_value(const struct key_attribute *attribute, struct span index_name, const struct value *value,
                                      struct err *err)
{
    if (value->type != attribute->type)
        return ERR(
            err, LF_VALIDATION,
            "One or more parameter values were invalid: Type mismatch for Index Key %.*s Expected: %s Actual: %s IndexName: "
            "%.*s",
            SPAN_ARG(attribute->name), value_type_name(attribute->type), value_type_name(value->type), SPAN_ARG(index_name));
    if (value->type != VALUE_N && value->bytes.len == 0)
        return ERR(
            err, LF_VALIDATION,
            "One or more parameter values are not valid. The update expression attempted to update a secondary index key to "
            "a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.",
            value->type == VALUE_S ? "string" : "binary");
    return LF_OK;
}

static enum lf_code check_index_keys(const struct table_index *index, const struct update *update,
                                     const struct update_action *action, struct err *err)
{
    const struct value *value = constant_of(update, action);
    if (!value)
        return LF_OK;
    struct span name = action->path.elements[0].name;
    for (size_t i = 0; i < index->partition_count; i++)
        if (span_equal(index->partition[i].name, name))
            TRY(check_index_value(&index->partition[i], index->name, value, err));
    for (size_t i = 0; i < index->sort_count; i++)
        if (span_equal(index->sort[i].name, name))
            TRY(check_index_value(&index->sort[i], index->name, value, err));
    return LF_OK;
}

enum lf_code update_check(const struct table *table, const struct update *update, const struct expression_node *condition,
                          struct err *err)
{
    const struct span keys[] = { table->key.partition.name, table->key.sort.name };
    TRY(key_paths_check(table, condition, err));
    TRY(update_check_keys(update, keys, key_schema_has_sort(&table->key) ? 2 : 1, err));
    TRY(key_paths_check_update(table, update, err));
    for (size_t i = 0; i < table->index_count; i++)
        for (size_t k = 0; k < update->count; k++)
            TRY(check_index_keys(&table->indexes[i], update, &update->actions[k], err));
    return LF_OK;
}
