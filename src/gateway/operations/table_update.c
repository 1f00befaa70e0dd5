#include "gateway/operations/table_update.h"

#include "gateway/operations/table_rules.h"
#include "gateway/store/store.h"

#define INVALID "One or more parameter values were invalid: "
#define IN_USE "Attempt to change a resource which is still in use: "

/* The request alone -----------------------------------------------------------------------------------------------------------
 */

static bool asks_for_something(const struct update_table_request *request)
{
    return request->billing_mode || request->provisioned_throughput || request->global_secondary_index_updates.count ||
           request->stream_specification || request->sse_specification || request->replica_updates.count ||
           request->table_class || request->has_deletion_protection_enabled || request->multi_region_consistency ||
           request->global_table_witness_updates.count || request->on_demand_throughput || request->warm_throughput ||
           request->global_table_settings_replication_mode;
}

static struct span index_of(const struct api_global_secondary_index_update *update)
{
    if (update->create)
        return update->create->index_name;
    return update->update ? update->update->index_name : update->delete->index_name;
}

static enum lf_code check_index_updates(const struct api_global_secondary_index_update_list *updates, struct err *err)
{
    size_t online = 0;
    for (size_t i = 0; i < updates->count; i++) {
        const struct api_global_secondary_index_update *update = &updates->values[i];
        if (!update->create + !update->update + !update->delete != 2)
            return ERR(err, LF_VALIDATION,
                       INVALID "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                               "GlobalSecondaryIndexUpdate.Delete must not be null");
        for (size_t k = 0; k < i; k++)
            if (span_equal(index_of(&updates->values[k]), index_of(update)))
                return ERR(err, LF_VALIDATION,
                           INVALID "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
                           SPAN_ARG(index_of(update)));
        online += !update->update;
    }
    if (online > 1)
        return ERR(err, LF_LIMIT_EXCEEDED,
                   "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
    return LF_OK;
}

enum lf_code table_update_check(const struct update_table_request *request, struct err *err)
{
    if (!asks_for_something(request))
        return ERR(err, LF_VALIDATION,
                   "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                   "SSESpecification or ReplicaUpdates is required");
    if (request->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST && request->provisioned_throughput)
        return ERR(err, LF_VALIDATION,
                   INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                           "PAY_PER_REQUEST");
    if (request->provisioned_throughput)
        TRY(table_rules_check_throughput(request->provisioned_throughput, err));
    if (request->replica_updates.count || request->global_table_witness_updates.count || request->multi_region_consistency)
        return ERR(err, LF_VALIDATION, "Global tables are not supported: there is one region");
    TRY(table_rules_check_stream(request->stream_specification, err));
    return check_index_updates(&request->global_secondary_index_updates, err);
}

/* Throughput ------------------------------------------------------------------------------------------------------------------
 */

static bool is_on_demand(const struct create_table_request *definition)
{
    return definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
}

static bool is_same(const struct api_provisioned_throughput *a, const struct api_provisioned_throughput *b)
{
    return a && b && a->read_capacity_units == b->read_capacity_units && a->write_capacity_units == b->write_capacity_units;
}

static enum lf_code unchanged(const char *what, struct span index, const struct api_provisioned_throughput *now, struct err *err)
{
    long long reads = now->read_capacity_units, writes = now->write_capacity_units;
    return ERR(err, LF_VALIDATION,
               "The provisioned throughput for the %s%s%.*s will not change. The requested value equals the current value. "
               "Current ReadCapacityUnits provisioned for the %s: %lld. Requested ReadCapacityUnits: %lld. Current "
               "WriteCapacityUnits provisioned for the %s: %lld. Requested WriteCapacityUnits: %lld. Refer to the Amazon "
               "DynamoDB Developer Guide for current limits and how to request higher limits.",
               what, index.len ? " " : "", SPAN_ARG(index), what, reads, reads, what, writes, writes);
}

static void note_throughput(const struct api_provisioned_throughput *before, const struct api_provisioned_throughput *after,
                            struct table_notes *notes)
{
    int64_t reads = before ? before->read_capacity_units : 0, writes = before ? before->write_capacity_units : 0;
    notes->increased = after->read_capacity_units > reads || after->write_capacity_units > writes;
    notes->decreased = after->read_capacity_units < reads || after->write_capacity_units < writes;
}

static enum lf_code update_throughput(const struct update_table_request *request, struct table_update *update, struct err *err)
{
    struct create_table_request *definition = &update->definition;
    const struct api_provisioned_throughput *before = definition->provisioned_throughput;
    const struct api_provisioned_throughput *after = request->provisioned_throughput;
    if (!after)
        return LF_OK;
    if (is_on_demand(definition))
        return ERR(err, LF_VALIDATION,
                   INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                           "PAY_PER_REQUEST");
    if (is_same(before, after))
        return unchanged("table", SPAN(""), before, err);
    note_throughput(before, after, &update->notes);
    definition->provisioned_throughput = after;
    return LF_OK;
}

/* Before the indexes' own updates, which may then say what is provisioned. */
static enum lf_code update_billing(const struct update_table_request *request, struct table_update *update, struct err *err)
{
    struct create_table_request *definition = &update->definition;
    if (!request->billing_mode || is_on_demand(definition) == (request->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST))
        return LF_OK;
    definition->billing_mode = request->billing_mode;
    if (!is_on_demand(definition)) {
        if (request->provisioned_throughput)
            return LF_OK;
        return ERR(err, LF_VALIDATION,
                   INVALID "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    }
    update->notes.became_on_demand = true;
    definition->provisioned_throughput = NULL;
    for (size_t i = 0; i < definition->global_secondary_indexes.count; i++)
        definition->global_secondary_indexes.values[i].provisioned_throughput = NULL;
    return LF_OK;
}

static enum lf_code check_all_provisioned(const struct create_table_request *definition, struct err *err)
{
    const struct api_global_secondary_index_list *indexes = &definition->global_secondary_indexes;
    for (size_t i = 0; i < indexes->count && !is_on_demand(definition); i++)
        if (!indexes->values[i].provisioned_throughput)
            return ERR(err, LF_VALIDATION, INVALID "ProvisionedThroughput must be specified for index: %.*s",
                       SPAN_ARG(indexes->values[i].index_name));
    return LF_OK;
}

/* Indexes ---------------------------------------------------------------------------------------------------------------------
 */

static struct api_global_secondary_index *find_index(struct create_table_request *definition, struct span name)
{
    for (size_t i = 0; i < definition->global_secondary_indexes.count; i++)
        if (span_equal(definition->global_secondary_indexes.values[i].index_name, name))
            return &definition->global_secondary_indexes.values[i];
    return NULL;
}

static enum lf_code check_not_in_use(const struct table *table, const struct table_index *index, bool is_deletion,
                                     struct err *err)
{
    bool is_changing = index->status == TABLE_CREATING || index->status == TABLE_DELETING;
    if (!is_changing || (is_deletion && index->is_backfilling))
        return LF_OK;
    return ERR(err, LF_RESOURCE_IN_USE, IN_USE "Index is being %s. Table: %.*s, index: %.*s",
               index->status == TABLE_CREATING ? "created" : "deleted", SPAN_ARG(table->name), SPAN_ARG(index->name));
}

static enum lf_code update_index(const struct table *table, const struct api_update_global_secondary_index_action *action,
                                 struct table_update *update, struct err *err)
{
    struct api_global_secondary_index *index = find_index(&update->definition, action->index_name);
    const struct api_provisioned_throughput *after = action->provisioned_throughput;
    if (!index)
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found");
    TRY(check_not_in_use(table, table_find_index(table, action->index_name), false, err));
    if (!after && !action->on_demand_throughput && !action->warm_throughput)
        return ERR(err, LF_VALIDATION, INVALID "ProvisionedThroughput must be specified for index: %.*s",
                   SPAN_ARG(action->index_name));
    if (after && is_on_demand(&update->definition))
        return ERR(err, LF_VALIDATION,
                   INVALID "ProvisionedThroughput should not be specified for index: %.*s when BillingMode is PAY_PER_REQUEST",
                   SPAN_ARG(action->index_name));
    if (after)
        TRY(table_rules_check_throughput(after, err));
    if (after && is_same(index->provisioned_throughput, after))
        return unchanged("index", action->index_name, after, err);
    index->provisioned_throughput = after ? after : index->provisioned_throughput;
    index->on_demand_throughput = action->on_demand_throughput ? action->on_demand_throughput : index->on_demand_throughput;
    index->warm_throughput = action->warm_throughput ? action->warm_throughput : index->warm_throughput;
    return LF_OK;
}

static enum lf_code delete_index(const struct table *table, struct span name, struct table_update *update, struct err *err)
{
    if (!find_index(&update->definition, name))
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found");
    TRY(check_not_in_use(table, table_find_index(table, name), true, err));
    update->deleted = name;
    return LF_OK;
}

/* Attributes that the request defines and the table does not know yet, behind the table's own. */
static enum lf_code merge_attributes(const struct api_attribute_definition_list *more, struct create_table_request *definition,
                                     struct arena *arena, struct err *err)
{
    const struct api_attribute_definition_list known = definition->attribute_definitions;
    struct api_attribute_definition_list merged = { arena_calloc(arena, known.count + more->count, sizeof *merged.values, err),
                                                    known.count };
    if (!merged.values)
        return err->code;
    memcpy(merged.values, known.values, known.count * sizeof *known.values);
    for (size_t i = 0; i < more->count; i++) {
        size_t at = 0;
        while (at < merged.count && !span_equal(merged.values[at].attribute_name, more->values[i].attribute_name))
            at++;
        if (at == merged.count)
            merged.values[merged.count++] = more->values[i];
        else if (merged.values[at].attribute_type != more->values[i].attribute_type)
            return ERR(err, LF_VALIDATION,
                       "invalid attribute, SchemaElement redefined should be of same type as previously defined");
    }
    definition->attribute_definitions = merged;
    return LF_OK;
}

static enum lf_code append_index(const struct api_create_global_secondary_index_action *action,
                                 struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_global_secondary_index_list before = definition->global_secondary_indexes;
    struct api_global_secondary_index_list after = { arena_calloc(arena, before.count + 1, sizeof *after.values, err),
                                                     before.count + 1 };
    if (!after.values)
        return err->code;
    if (before.count)
        memcpy(after.values, before.values, before.count * sizeof *before.values);
    after.values[before.count] = (struct api_global_secondary_index){
        .index_name = action->index_name,
        .key_schema = action->key_schema,
        .projection = action->projection,
        .provisioned_throughput = action->provisioned_throughput,
        .on_demand_throughput = action->on_demand_throughput,
        .warm_throughput = action->warm_throughput,
    };
    definition->global_secondary_indexes = after;
    return LF_OK;
}

static enum lf_code create_index(const struct table *table, const struct update_table_request *request,
                                 const struct api_create_global_secondary_index_action *action, struct table_update *update,
                                 struct arena *arena, struct err *err)
{
    struct create_table_request *definition = &update->definition;
    const struct table_index *present = table_find_index(table, action->index_name);
    if (present)
        TRY(check_not_in_use(table, present, false, err));
    if (present)
        return ERR(err, LF_VALIDATION, "Attempting to create an index which already exists");
    if (!table->store->add_index)
        return ERR(err, LF_VALIDATION, "The items of table %.*s are rows of its map's tables; indexes are added to the map",
                   SPAN_ARG(table->name));
    TRY(merge_attributes(&request->attribute_definitions, definition, arena, err));
    TRY(append_index(action, definition, arena, err));
    const struct api_global_secondary_index_list *indexes = &definition->global_secondary_indexes;
    TRY(table_rules_check_global(&indexes->values[indexes->count - 1], &definition->attribute_definitions,
                                 is_on_demand(definition), arena, err));
    if (indexes->count > TABLE_GSI_MAX)
        return ERR(err, LF_VALIDATION, INVALID "GlobalSecondaryIndex count exceeds the per-table limit of %d", TABLE_GSI_MAX);
    TRY(definition_keep_used(definition, arena, err));
    update->created = action->index_name;
    return table_rules_check_projected(definition, err);
}

static enum lf_code update_indexes(const struct table *table, const struct update_table_request *request,
                                   struct table_update *update, struct arena *arena, struct err *err)
{
    const struct api_global_secondary_index_update_list *updates = &request->global_secondary_index_updates;
    for (size_t i = 0; i < updates->count; i++) {
        if (updates->values[i].create)
            TRY(create_index(table, request, updates->values[i].create, update, arena, err));
        else if (updates->values[i].delete)
            TRY(delete_index(table, updates->values[i].delete->index_name, update, err));
        else
            TRY(update_index(table, updates->values[i].update, update, err));
    }
    return LF_OK;
}

/* While an index is made or dropped, nothing else is changed but that an index that is being filled can be given up. */
static enum lf_code check_settled(const struct table *table, const struct table_update *update, struct err *err)
{
    bool is_online_change = update->created.ptr || update->deleted.ptr;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        bool is_changing = index->status == TABLE_CREATING || index->status == TABLE_DELETING;
        if (is_changing && is_online_change && !span_equal(index->name, update->deleted))
            return ERR(err, LF_LIMIT_EXCEEDED,
                       "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
        if (is_changing && !is_online_change)
            return ERR(err, LF_RESOURCE_IN_USE, IN_USE "Table is being updated: %.*s", SPAN_ARG(table->name));
    }
    return LF_OK;
}

/* Settings --------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code update_stream(const struct table *table, const struct update_table_request *request,
                                  struct table_update *update, struct err *err)
{
    const struct api_stream_specification *stream = request->stream_specification;
    if (!stream)
        return LF_OK;
    if (stream->stream_enabled && table->stream)
        return ERR(err, LF_VALIDATION, "Table already has an enabled stream");
    if (!stream->stream_enabled && !table->stream)
        return ERR(err, LF_VALIDATION, "Table has no stream to disable");
    update->notes.new_stream = stream->stream_enabled;
    update->definition.stream_specification = stream->stream_enabled ? stream : NULL;
    return LF_OK;
}

static void update_settings(const struct update_table_request *request, struct table_update *update)
{
    struct create_table_request *definition = &update->definition;
    if (request->sse_specification)
        definition->sse_specification = request->sse_specification;
    if (request->on_demand_throughput)
        definition->on_demand_throughput = request->on_demand_throughput;
    if (request->warm_throughput)
        definition->warm_throughput = request->warm_throughput;
    if (request->has_deletion_protection_enabled) {
        definition->has_deletion_protection_enabled = true;
        definition->deletion_protection_enabled = request->deletion_protection_enabled;
    }
    update->notes.class_changed = request->table_class && request->table_class != definition->table_class;
    if (request->table_class)
        definition->table_class = request->table_class;
}

/* The list of indexes is changed in place, so it is copied first. */
static enum lf_code copy_definition(const struct table *table, struct arena *arena, struct table_update *update, struct err *err)
{
    struct api_global_secondary_index_list indexes = table->definition->global_secondary_indexes;
    update->definition = *table->definition;
    if (!indexes.count)
        return LF_OK;
    update->definition.global_secondary_indexes.values = arena_calloc(arena, indexes.count, sizeof *indexes.values, err);
    if (!update->definition.global_secondary_indexes.values)
        return err->code;
    memcpy(update->definition.global_secondary_indexes.values, indexes.values, indexes.count * sizeof *indexes.values);
    return LF_OK;
}

enum lf_code table_update_make(const struct table *table, const struct update_table_request *request, struct arena *arena,
                               struct table_update *ret_update, struct err *err)
{
    struct table_update update = { 0 };
    TRY(copy_definition(table, arena, &update, err));
    TRY(update_billing(request, &update, err));
    TRY(update_throughput(request, &update, err));
    TRY(update_indexes(table, request, &update, arena, err));
    TRY(check_all_provisioned(&update.definition, err));
    TRY(check_settled(table, &update, err));
    TRY(update_stream(table, request, &update, err));
    update_settings(request, &update);
    *ret_update = update;
    return LF_OK;
}
