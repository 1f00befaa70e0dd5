#include "gateway/operations/table_rules.h"

#include "gateway/table_change.h"

enum { UNITS_MAX = 40000, TAGS_MAX = 50, NAMES_BYTES_MAX = 64 * 1024, TABLE_KEYS_MAX = 2 };

#define INVALID "One or more parameter values were invalid: "

/* Names in messages -----------------------------------------------------------------------------------------------------------
 */

typedef struct span name_at(const void *list, size_t index);

static struct span key_name(const void *list, size_t index)
{
    return ((const struct api_key_schema_element_list *)list)->values[index].attribute_name;
}

static struct span attribute_name(const void *list, size_t index)
{
    return ((const struct api_attribute_definition_list *)list)->values[index].attribute_name;
}

/* "a, b" */
static enum lf_code join(const void *list, size_t count, name_at *name, struct arena *arena, struct span *ret_text,
                         struct err *err)
{
    struct buf text;
    buf_init(&text, NAMES_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(&text, i ? ", " : "");
        buf_put_span(&text, name(list, i));
    }
    enum lf_code code = buf_check(&text, err);
    if (!code)
        code = arena_copy(arena, buf_span(&text), ret_text, err);
    buf_done(&text);
    return code;
}

static enum lf_code undefined_keys(const struct api_key_schema_element_list *keys,
                                   const struct api_attribute_definition_list *attributes, struct arena *arena, struct err *err)
{
    struct span names, defined;
    TRY(join(keys, keys->count, key_name, arena, &names, err));
    TRY(join(attributes, attributes->count, attribute_name, arena, &defined, err));
    return ERR(err, LF_VALIDATION,
               INVALID "Some index key attributes are not defined in AttributeDefinitions. Keys: [%.*s], AttributeDefinitions: "
                       "[%.*s]",
               SPAN_ARG(names), SPAN_ARG(defined));
}

/* Keys ------------------------------------------------------------------------------------------------------------------------
 */

static bool is_defined(const struct api_attribute_definition_list *attributes, struct span name)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (span_equal(attributes->values[i].attribute_name, name))
            return true;
    return false;
}

static bool all_defined(const struct api_key_schema_element_list *keys, const struct api_attribute_definition_list *attributes)
{
    for (size_t i = 0; i < keys->count; i++)
        if (!is_defined(attributes, keys->values[i].attribute_name))
            return false;
    return true;
}

static bool has_key(const struct api_key_schema_element_list *keys, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(keys->values[i].attribute_name, name))
            return true;
    return false;
}

static enum lf_code check_distinct(const struct api_key_schema_element_list *keys, struct err *err)
{
    for (size_t i = 1; i < keys->count; i++)
        if (has_key(keys, i, keys->values[i].attribute_name))
            return ERR(err, LF_VALIDATION, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
    return LF_OK;
}

/* A hash key, and at most one range key behind it. */
static enum lf_code check_pair(const struct api_key_schema_element_list *keys, struct err *err)
{
    TRY(check_distinct(keys, err));
    if (keys->values[0].key_type != API_KEY_TYPE_HASH)
        return ERR(err, LF_VALIDATION, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (keys->count > 1 && keys->values[1].key_type != API_KEY_TYPE_RANGE)
        return ERR(err, LF_VALIDATION, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    return LF_OK;
}

/* Global indexes: one to four hash keys, then up to four range keys. */
static enum lf_code check_several(const struct api_global_secondary_index *index, struct err *err)
{
    const struct api_key_schema_element_list *keys = &index->key_schema;
    size_t hashes = 0;
    TRY(check_distinct(keys, err));
    while (hashes < keys->count && keys->values[hashes].key_type == API_KEY_TYPE_HASH)
        hashes++;
    if (!hashes)
        return ERR(err, LF_VALIDATION, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    for (size_t i = hashes; i < keys->count; i++)
        if (keys->values[i].key_type != API_KEY_TYPE_RANGE)
            return ERR(err, LF_VALIDATION, "Invalid KeySchema: All HASH key attributes must come before RANGE key attributes");
    if (hashes > INDEX_KEY_ATTRIBUTES_MAX || keys->count - hashes > INDEX_KEY_ATTRIBUTES_MAX)
        return ERR(err, LF_VALIDATION,
                   INVALID "The KeySchema of an index has at most %d HASH and %d RANGE key attributes. Index: %.*s",
                   INDEX_KEY_ATTRIBUTES_MAX, INDEX_KEY_ATTRIBUTES_MAX, SPAN_ARG(index->index_name));
    return LF_OK;
}

static enum lf_code check_attributes(const struct api_attribute_definition_list *attributes, struct err *err)
{
    for (size_t i = 1; i < attributes->count; i++) {
        struct api_attribute_definition_list before = { attributes->values, i };
        if (is_defined(&before, attributes->values[i].attribute_name))
            return ERR(err, LF_VALIDATION, "Cannot have two attributes with the same name");
    }
    return LF_OK;
}

static enum lf_code check_table_key(const struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_key_schema_element_list *keys = &definition->key_schema;
    const struct api_attribute_definition_list *attributes = &definition->attribute_definitions;
    if (keys->count > TABLE_KEYS_MAX)
        return ERR(err, LF_VALIDATION,
                   "Key Schema too big.  Key Schema must at most consist of the hash and range key of a table");
    if (keys->count == TABLE_KEYS_MAX && !all_defined(keys, attributes))
        return ERR(err, LF_VALIDATION, "Invalid KeySchema: Some index key attribute have no definition");
    if (!all_defined(keys, attributes))
        return undefined_keys(keys, attributes, arena, err);
    TRY(check_pair(keys, err));
    bool has_indexes = definition->local_secondary_indexes.values || definition->global_secondary_indexes.values;
    if (!has_indexes && keys->count != attributes->count)
        return ERR(err, LF_VALIDATION,
                   INVALID "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                           "AttributeDefinitions");
    return LF_OK;
}

static enum lf_code check_all_used(const struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_attribute_definition_list *attributes = &definition->attribute_definitions;
    struct api_attribute_definition_list used = { arena_calloc(arena, attributes->count + 1, sizeof *used.values, err), 0 };
    struct span defined_names, used_names;
    if (!used.values)
        return err->code;
    for (size_t i = 0; i < attributes->count; i++)
        if (definition_uses_attribute(definition, attributes->values[i].attribute_name))
            used.values[used.count++] = attributes->values[i];
    if (used.count == attributes->count)
        return LF_OK;
    TRY(join(attributes, attributes->count, attribute_name, arena, &defined_names, err));
    TRY(join(&used, used.count, attribute_name, arena, &used_names, err));
    return ERR(err, LF_VALIDATION,
               INVALID "Some AttributeDefinitions are not used. AttributeDefinitions: [%.*s], keys used: [%.*s]",
               SPAN_ARG(defined_names), SPAN_ARG(used_names));
}

/* Projections -----------------------------------------------------------------------------------------------------------------
 */

static enum lf_code check_projection(const struct api_projection *projection, struct err *err)
{
    static const char *const names[] = { [API_PROJECTION_TYPE_ALL] = "ALL", [API_PROJECTION_TYPE_KEYS_ONLY] = "KEYS_ONLY" };
    const struct api_string_list *included = &projection->non_key_attributes;
    if (!projection->projection_type)
        return ERR(err, LF_VALIDATION, INVALID "Unknown ProjectionType: null");
    if (projection->projection_type != API_PROJECTION_TYPE_INCLUDE && included->values)
        return ERR(err, LF_VALIDATION, INVALID "ProjectionType is %s, but NonKeyAttributes is specified",
                   names[projection->projection_type]);
    if (projection->projection_type == API_PROJECTION_TYPE_INCLUDE && !included->values)
        return ERR(err, LF_VALIDATION, INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
    for (size_t i = 0; i < included->count; i++)
        for (size_t k = 0; k < i; k++)
            if (span_equal(included->values[i], included->values[k]))
                return ERR(err, LF_VALIDATION, "Cannot have two attributes with the same name");
    return LF_OK;
}

enum lf_code table_rules_check_projected(const struct create_table_request *definition, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < definition->local_secondary_indexes.count; i++)
        count += definition->local_secondary_indexes.values[i].projection->non_key_attributes.count;
    for (size_t i = 0; i < definition->global_secondary_indexes.count; i++)
        count += definition->global_secondary_indexes.values[i].projection->non_key_attributes.count;
    if (count > INDEX_PROJECTED_MAX)
        return ERR(err, LF_VALIDATION, INVALID "Number of projected NonKeyAttributes exceeds the per-table limit of %d",
                   INDEX_PROJECTED_MAX);
    return LF_OK;
}

/* Indexes ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code check_local(const struct create_table_request *definition, const struct api_local_secondary_index *index,
                                struct arena *arena, struct err *err)
{
    const struct api_key_schema_element_list *keys = &index->key_schema;
    struct span table_hash = definition->key_schema.values[0].attribute_name;
    if (!all_defined(keys, &definition->attribute_definitions))
        return undefined_keys(keys, &definition->attribute_definitions, arena, err);
    if (keys->count > TABLE_KEYS_MAX)
        return ERR(err, LF_VALIDATION,
                   "Key Schema too big.  Key Schema must at most consist of the hash and range key of a table");
    TRY(check_pair(keys, err));
    if (keys->count < TABLE_KEYS_MAX)
        return ERR(err, LF_VALIDATION, INVALID "Index KeySchema does not have a range key for index: %.*s",
                   SPAN_ARG(index->index_name));
    if (!span_equal(keys->values[0].attribute_name, table_hash))
        return ERR(err, LF_VALIDATION,
                   INVALID "Index KeySchema does not have the same leading hash key as table KeySchema for index: %.*s. index "
                           "hash key: %.*s, table hash key: %.*s",
                   SPAN_ARG(index->index_name), SPAN_ARG(keys->values[0].attribute_name), SPAN_ARG(table_hash));
    return check_projection(index->projection, err);
}

static enum lf_code duplicate_name(struct span name, struct err *err)
{
    return ERR(err, LF_VALIDATION, INVALID "Duplicate index name: %.*s", SPAN_ARG(name));
}

static enum lf_code check_locals(const struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_local_secondary_index_list *indexes = &definition->local_secondary_indexes;
    if (!indexes->values)
        return LF_OK;
    if (!indexes->count)
        return ERR(err, LF_VALIDATION, INVALID "List of LocalSecondaryIndexes is empty");
    if (definition->key_schema.count < TABLE_KEYS_MAX)
        return ERR(err, LF_VALIDATION,
                   INVALID "Table KeySchema does not have a range key, which is required when specifying a "
                           "LocalSecondaryIndex");
    for (size_t i = 0; i < indexes->count; i++) {
        TRY(check_local(definition, &indexes->values[i], arena, err));
        for (size_t k = 0; k < i; k++)
            if (span_equal(indexes->values[i].index_name, indexes->values[k].index_name))
                return duplicate_name(indexes->values[i].index_name, err);
    }
    if (indexes->count > TABLE_LSI_MAX)
        return ERR(err, LF_VALIDATION, INVALID "Number of LocalSecondaryIndexes exceeds per-table limit of %d", TABLE_LSI_MAX);
    return LF_OK;
}

static enum lf_code check_index_throughput(const struct api_global_secondary_index *index, bool is_on_demand, struct err *err)
{
    const struct api_provisioned_throughput *throughput = index->provisioned_throughput;
    if (is_on_demand && throughput)
        return ERR(err, LF_VALIDATION,
                   INVALID "ProvisionedThroughput should not be specified for index: %.*s when BillingMode is PAY_PER_REQUEST",
                   SPAN_ARG(index->index_name));
    if (!is_on_demand && !throughput)
        return ERR(err, LF_VALIDATION, INVALID "ProvisionedThroughput must be specified for index: %.*s",
                   SPAN_ARG(index->index_name));
    return throughput ? table_rules_check_throughput(throughput, err) : LF_OK;
}

enum lf_code table_rules_check_global(const struct api_global_secondary_index *index,
                                      const struct api_attribute_definition_list *attributes, bool is_on_demand,
                                      struct arena *arena, struct err *err)
{
    if (!all_defined(&index->key_schema, attributes))
        return undefined_keys(&index->key_schema, attributes, arena, err);
    TRY(check_several(index, err));
    TRY(check_projection(index->projection, err));
    return check_index_throughput(index, is_on_demand, err);
}

static bool is_local_name(const struct create_table_request *definition, struct span name)
{
    for (size_t i = 0; i < definition->local_secondary_indexes.count; i++)
        if (span_equal(definition->local_secondary_indexes.values[i].index_name, name))
            return true;
    return false;
}

static enum lf_code check_globals(const struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_global_secondary_index_list *indexes = &definition->global_secondary_indexes;
    bool is_on_demand = definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
    if (!indexes->values)
        return LF_OK;
    if (!indexes->count)
        return ERR(err, LF_VALIDATION, INVALID "List of GlobalSecondaryIndexes is empty");
    for (size_t i = 0; i < indexes->count; i++) {
        TRY(table_rules_check_global(&indexes->values[i], &definition->attribute_definitions, is_on_demand, arena, err));
        if (is_local_name(definition, indexes->values[i].index_name))
            return duplicate_name(indexes->values[i].index_name, err);
        for (size_t k = 0; k < i; k++)
            if (span_equal(indexes->values[i].index_name, indexes->values[k].index_name))
                return duplicate_name(indexes->values[i].index_name, err);
    }
    if (indexes->count > TABLE_GSI_MAX)
        return ERR(err, LF_VALIDATION, INVALID "GlobalSecondaryIndex count exceeds the per-table limit of %d", TABLE_GSI_MAX);
    return LF_OK;
}

/* Settings --------------------------------------------------------------------------------------------------------------------
 */

enum lf_code table_rules_check_throughput(const struct api_provisioned_throughput *throughput, struct err *err)
{
    if (throughput->read_capacity_units > UNITS_MAX || throughput->write_capacity_units > UNITS_MAX)
        return ERR(err, LF_VALIDATION, "Cannot increase provisioned throughput to more than 40,000 units per table");
    return LF_OK;
}

static enum lf_code check_billing(const struct create_table_request *definition, struct err *err)
{
    bool is_on_demand = definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
    const struct api_provisioned_throughput *throughput = definition->provisioned_throughput;
    if (is_on_demand && throughput)
        return ERR(err, LF_VALIDATION,
                   INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                           "PAY_PER_REQUEST");
    if (!is_on_demand && !throughput)
        return ERR(err, LF_VALIDATION,
                   INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    return throughput ? table_rules_check_throughput(throughput, err) : LF_OK;
}

enum lf_code table_rules_check_stream(const struct api_stream_specification *stream, struct err *err)
{
    if (stream && stream->stream_enabled && !stream->stream_view_type)
        return ERR(err, LF_VALIDATION,
                   "Invalid StreamViewType: Stream ViewType must not be null or empty when enabling streams.");
    if (stream && !stream->stream_enabled && stream->stream_view_type)
        return ERR(err, LF_VALIDATION,
                   "Invalid StreamViewType: Stream StreamEnabled was false but a StreamViewType was present.");
    return LF_OK;
}

enum lf_code table_rules_check_tags(const struct api_tag_list *tags, struct err *err)
{
    if (tags->count > TAGS_MAX)
        return ERR(err, LF_VALIDATION, "The number of tags exceeds the limit of %d", TAGS_MAX);
    for (size_t i = 0; i < tags->count; i++) {
        struct span key = tags->values[i].key;
        if (span_starts_with(key, SPAN("aws:")))
            return ERR(err, LF_VALIDATION, "Tag keys starting with 'aws:' are reserved for system use");
        for (size_t k = 0; k < i; k++)
            if (span_equal(tags->values[k].key, key))
                return ERR(err, LF_VALIDATION, "Duplicate tag keys are not allowed: %.*s", SPAN_ARG(key));
    }
    return LF_OK;
}

enum lf_code table_rules_check(const struct create_table_request *definition, struct arena *arena, struct err *err)
{
    TRY(check_billing(definition, err));
    TRY(check_attributes(&definition->attribute_definitions, err));
    TRY(check_table_key(definition, arena, err));
    TRY(check_locals(definition, arena, err));
    TRY(check_globals(definition, arena, err));
    TRY(table_rules_check_projected(definition, err));
    TRY(check_all_used(definition, arena, err));
    TRY(table_rules_check_stream(definition->stream_specification, err));
    return table_rules_check_tags(&definition->tags, err);
}
