#include "gateway/operations/start_key.h"

#define INVALID "The provided starting key is invalid"

enum { START_KEY_ATTRIBUTES_MAX = 2 + 2 * INDEX_KEY_ATTRIBUTES_MAX };

/* Attributes, without repetition. */
struct attributes {
    struct key_attribute values[START_KEY_ATTRIBUTES_MAX];
    size_t count;
};

static void add(struct attributes *attributes, const struct key_attribute *attribute)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (span_equal(attributes->values[i].name, attribute->name))
            return;
    attributes->values[attributes->count++] = *attribute;
}

static struct attributes attributes_of(const struct table *table, const struct table_index *index)
{
    struct attributes attributes = { .count = 0 };
    add(&attributes, &table->key.partition);
    if (key_schema_has_sort(&table->key))
        add(&attributes, &table->key.sort);
    for (size_t i = 0; index && i < index->partition_count; i++)
        add(&attributes, &index->partition[i]);
    for (size_t i = 0; index && i < index->sort_count; i++)
        add(&attributes, &index->sort[i]);
    return attributes;
}

enum lf_code start_key_check(const struct table *table, const struct table_index *index, const struct item *key, struct err *err)
{
    struct attributes attributes = attributes_of(table, index);
    bool is_complete = key->count == attributes.count;
    for (size_t i = 0; i < attributes.count; i++)
        is_complete &= item_get(key, attributes.values[i].name) != NULL;
    if (!is_complete)
        return ERR(err, LF_VALIDATION, INVALID);
    for (size_t i = 0; i < attributes.count; i++) {
        const struct value *value = item_get(key, attributes.values[i].name);
        if (value->type != attributes.values[i].type)
            return ERR(err, LF_VALIDATION, INVALID ": The provided key element does not match the schema");
        if (value->type != VALUE_N && value->bytes.len == 0)
            return ERR(err, LF_VALIDATION,
                       INVALID ": One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                               "contain an empty %s value. Key: %.*s",
                       value->type == VALUE_S ? "string" : "binary", SPAN_ARG(attributes.values[i].name));
    }
    return LF_OK;
}

enum lf_code start_key_of(const struct table *table, const struct table_index *index, const struct item *item,
                          struct arena *arena, struct item *ret_key, struct err *err)
{
    struct attributes names = attributes_of(table, index);
    struct attribute *attributes = arena_calloc(arena, names.count, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++) {
        const struct value *value = item_get(item, names.values[i].name);
        if (value)
            attributes[count++] = (struct attribute){ names.values[i].name, *value };
    }
    *ret_key = (struct item){ attributes, count };
    return LF_OK;
}
