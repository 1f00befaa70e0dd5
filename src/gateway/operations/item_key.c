#include "gateway/operations/item_key.h"

#include "base/limits.h"

#define INVALID "One or more parameter values were invalid: "

/* Keys --------------------------------------------------------------------------------------------------------------------- */

static bool has_typed(const struct item *item, const struct key_attribute *attribute)
{
    const struct value *value = item_get(item, attribute->name);
    return value && value->type == attribute->type;
}

bool item_has_key(const struct table *table, const struct item *item)
{
    return has_typed(item, &table->key.partition) && (!key_schema_has_sort(&table->key) || has_typed(item, &table->key.sort));
}

static enum lf_code take_attributes(const struct table *table, const struct item *item, struct arena *arena,
                                    struct item *ret_attributes, struct err *err)
{
    struct attribute *attributes = arena_calloc(arena, 2, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    const struct key_attribute *names[] = { &table->key.partition, &table->key.sort };
    size_t count = key_schema_has_sort(&table->key) ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        attributes[i] = (struct attribute){ names[i]->name, *item_get(item, names[i]->name) };
    *ret_attributes = (struct item){ attributes, count };
    return LF_OK;
}

enum lf_code item_key_of_item(const struct table *table, const struct item *item, struct arena *arena, struct item_key *ret_key,
                              struct err *err)
{
    enum lf_code code = key_of_item(&table->key, item, arena, &ret_key->bytes, err);
    if (code)
        return code == LF_MEMORY ? code : (err->code = LF_VALIDATION);
    return take_attributes(table, item, arena, &ret_key->attributes, err);
}

enum lf_code item_key_of_request(const struct table *table, const struct item *key, struct arena *arena, struct item_key *ret_key,
                                 struct err *err)
{
    size_t count = key_schema_has_sort(&table->key) ? 2 : 1;
    if (key->count != count || !item_has_key(table, key))
        return ERR(err, LF_VALIDATION, "The provided key element does not match the schema");
    return item_key_of_item(table, key, arena, ret_key, err);
}

/* Index keys --------------------------------------------------------------------------------------------------------------- */

static enum lf_code check_index_attribute(const struct table_index *index, const struct key_attribute *attribute,
                                          const struct item *item, struct err *err)
{
    const struct value *value = item_get(item, attribute->name);
    if (!value)
        return LF_OK;
    if (value->type != attribute->type)
        return ERR(err, LF_VALIDATION, INVALID "Type mismatch for Index Key %.*s Expected: %s Actual: %s IndexName: %.*s",
                   SPAN_ARG(attribute->name), value_type_name(attribute->type), value_type_name(value->type),
                   SPAN_ARG(index->name));
    if (value->type != VALUE_N && value->bytes.len == 0)
        return ERR(
            err, LF_VALIDATION,
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The "
            "AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %.*s, IndexKey: %.*s",
            value->type == VALUE_S ? "string" : "binary", SPAN_ARG(index->name), SPAN_ARG(attribute->name));
    return LF_OK;
}

static size_t key_part_bytes(const struct key_attribute *attributes, size_t count, const struct item *item)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct value *value = item_get(item, attributes[i].name);
        bytes += value && value->type != VALUE_N ? value->bytes.len : 0;
    }
    return bytes;
}

static enum lf_code check_index_sizes(const struct table_index *index, const struct item *item, struct err *err)
{
    if (key_part_bytes(index->partition, index->partition_count, item) > LIMIT_PARTITION_KEY_BYTES)
        return ERR(err, LF_VALIDATION, INVALID "Size of hashkey has exceeded the maximum size limit of%d bytes",
                   LIMIT_PARTITION_KEY_BYTES);
    if (key_part_bytes(index->sort, index->sort_count, item) > LIMIT_SORT_KEY_BYTES)
        return ERR(err, LF_VALIDATION, INVALID "Aggregated size of all range keys has exceeded the size limit of %d bytes",
                   LIMIT_SORT_KEY_BYTES);
    return LF_OK;
}

static enum lf_code check_index(const struct table_index *index, const struct item *item, struct err *err)
{
    for (size_t i = 0; i < index->partition_count && !index->is_local; i++)
        TRY(check_index_attribute(index, &index->partition[i], item, err));
    for (size_t i = 0; i < index->sort_count; i++)
        TRY(check_index_attribute(index, &index->sort[i], item, err));
    return check_index_sizes(index, item, err);
}

enum lf_code item_check_index_keys(const struct table *table, const struct item *item, struct err *err)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].is_local)
            TRY(check_index(&table->indexes[i], item, err));
    for (size_t i = 0; i < table->index_count; i++)
        if (!table->indexes[i].is_local)
            TRY(check_index(&table->indexes[i], item, err));
    return LF_OK;
}

/* Items -------------------------------------------------------------------------------------------------------------------- */

enum lf_code item_check_size(const struct item *item, struct err *err)
{
    if (item_size(item) > LIMIT_ITEM_BYTES)
        return ERR(err, LF_VALIDATION, "Item size has exceeded the maximum allowed size");
    return LF_OK;
}

static bool is_nested_too_deep(const struct value *value, unsigned level)
{
    if (value->type != VALUE_M && value->type != VALUE_L)
        return false;
    if (level >= LIMIT_NESTING)
        return true;
    size_t count = value->type == VALUE_M ? value->map.count : value->list.count;
    for (size_t i = 0; i < count; i++)
        if (is_nested_too_deep(value->type == VALUE_M ? &value->map.attributes[i].value : &value->list.values[i], level + 1))
            return true;
    return false;
}

enum lf_code item_check_updated(const struct table *table, const struct item *item, struct err *err)
{
    TRY(item_check_index_keys(table, item, err));
    if (item_size(item) > LIMIT_ITEM_BYTES)
        return ERR(err, LF_VALIDATION, "Item size to update has exceeded the maximum allowed size");
    for (size_t i = 0; i < item->count; i++)
        if (is_nested_too_deep(&item->attributes[i].value, 1))
            return ERR(
                err, LF_VALIDATION,
                "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "
                "limit");
    return LF_OK;
}
