#include "gateway/operations/index_projection.h"

static bool is_among(const struct key_attribute *attributes, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(attributes[i].name, name))
            return true;
    return false;
}

static bool is_key(const struct table *table, const struct table_index *index, struct span name)
{
    return span_equal(table->key.partition.name, name) ||
           (key_schema_has_sort(&table->key) && span_equal(table->key.sort.name, name)) ||
           is_among(index->partition, index->partition_count, name) || is_among(index->sort, index->sort_count, name);
}

bool index_projects(const struct table *table, const struct table_index *index, struct span name)
{
    if (index->projection == API_PROJECTION_TYPE_ALL || is_key(table, index, name))
        return true;
    for (size_t i = 0; i < index->included_count; i++)
        if (span_equal(index->included[i], name))
            return true;
    return false;
}

static bool has_typed(const struct item *item, const struct key_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct value *value = item_get(item, attributes[i].name);
        if (!value || value->type != attributes[i].type)
            return false;
    }
    return true;
}

bool index_has_item(const struct table_index *index, const struct item *item)
{
    return has_typed(item, index->partition, index->partition_count) && has_typed(item, index->sort, index->sort_count);
}

enum lf_code index_project(const struct table *table, const struct table_index *index, const struct item *item,
                           struct arena *arena, struct item *ret_item, struct err *err)
{
    if (index->projection == API_PROJECTION_TYPE_ALL) {
        *ret_item = *item;
        return LF_OK;
    }
    struct attribute *attributes = arena_calloc(arena, item->count + 1, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < item->count; i++)
        if (index_projects(table, index, item->attributes[i].name))
            attributes[count++] = item->attributes[i];
    *ret_item = (struct item){ attributes, count };
    return LF_OK;
}

size_t index_item_size(const struct table *table, const struct table_index *index, const struct item *item)
{
    size_t size = 0;
    for (size_t i = 0; i < item->count; i++)
        if (index_projects(table, index, item->attributes[i].name))
            size += item->attributes[i].name.len + value_size(&item->attributes[i].value);
    return size;
}
