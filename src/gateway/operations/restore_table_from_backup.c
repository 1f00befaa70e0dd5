#include "gateway/backup.h"
#include "gateway/operations/operations.h"
#include "gateway/operations/table_description.h"
#include "gateway/operations/table_rules.h"
#include "gateway/table_work.h"

#define INVALID "One or more parameter values were invalid: "

/* Indexes may be left out, not added. */
static bool has_global(const struct create_table_request *definition, struct span name)
{
    for (size_t i = 0; i < definition->global_secondary_indexes.count; i++)
        if (span_equal(definition->global_secondary_indexes.values[i].index_name, name))
            return true;
    return false;
}

static bool has_local(const struct create_table_request *definition, struct span name)
{
    for (size_t i = 0; i < definition->local_secondary_indexes.count; i++)
        if (span_equal(definition->local_secondary_indexes.values[i].index_name, name))
            return true;
    return false;
}

static enum lf_code unknown_index(struct span name, struct err *err)
{
    return ERR(err, LF_VALIDATION, INVALID "The table of the backup has no such index. Index: %.*s", SPAN_ARG(name));
}

static enum lf_code override_indexes(const struct restore_table_from_backup_request *request,
                                     struct create_table_request *definition, struct err *err)
{
    const struct api_global_secondary_index_list *global = &request->global_secondary_index_override;
    const struct api_local_secondary_index_list *local = &request->local_secondary_index_override;
    for (size_t i = 0; i < global->count; i++)
        if (!has_global(definition, global->values[i].index_name))
            return unknown_index(global->values[i].index_name, err);
    for (size_t i = 0; i < local->count; i++)
        if (!has_local(definition, local->values[i].index_name))
            return unknown_index(local->values[i].index_name, err);
    if (global->values)
        definition->global_secondary_indexes = *global;
    if (local->values)
        definition->local_secondary_indexes = *local;
    if (!definition->global_secondary_indexes.count)
        definition->global_secondary_indexes.values = NULL;
    if (!definition->local_secondary_indexes.count)
        definition->local_secondary_indexes.values = NULL;
    return LF_OK;
}

static enum lf_code override_billing(const struct restore_table_from_backup_request *request,
                                     struct create_table_request *definition, struct arena *arena, struct err *err)
{
    struct api_global_secondary_index_list *indexes = &definition->global_secondary_indexes;
    struct api_global_secondary_index *copies = arena_calloc(arena, indexes->count + 1, sizeof *copies, err);
    if (!copies)
        return err->code;
    if (request->billing_mode_override)
        definition->billing_mode = request->billing_mode_override;
    if (definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST)
        definition->provisioned_throughput = NULL;
    if (request->provisioned_throughput_override)
        definition->provisioned_throughput = request->provisioned_throughput_override;
    if (request->on_demand_throughput_override)
        definition->on_demand_throughput = request->on_demand_throughput_override;
    for (size_t i = 0; i < indexes->count; i++) {
        copies[i] = indexes->values[i];
        if (definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST)
            copies[i].provisioned_throughput = NULL;
    }
    if (indexes->count)
        indexes->values = copies;
    return LF_OK;
}

/* The table as it was, but for what DynamoDB does not restore (tags, stream, protection) and what the request has otherwise. */
static enum lf_code define(const struct backup *backup, const struct restore_table_from_backup_request *request,
                           struct arena *arena, struct create_table_request *ret_definition, struct err *err)
{
    struct create_table_request definition = *backup->definition;
    definition.table_name = request->target_table_name;
    definition.stream_specification = NULL;
    definition.tags = (struct api_tag_list){ 0 };
    definition.deletion_protection_enabled = definition.has_deletion_protection_enabled = false;
    definition.resource_policy = (struct span){ NULL, 0 };
    if (request->sse_specification_override)
        definition.sse_specification = request->sse_specification_override;
    TRY(override_indexes(request, &definition, err));
    TRY(override_billing(request, &definition, arena, err));
    TRY(definition_keep_used(&definition, arena, err));
    *ret_definition = definition;
    return table_rules_check(ret_definition, arena, err);
}

static enum lf_code restore(struct table_change *change, const struct backup *backup,
                            const struct create_table_request *definition, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read(change, definition->table_name, &table, err));
    table_unref(table);
    if (table)
        return ERR(err, LF_TABLE_ALREADY_EXISTS, "Table already exists: %.*s", SPAN_ARG(definition->table_name));
    TRY(table_change_create(change, definition, &table, err));
    enum lf_code code = backup_begin_restore(change, table, backup, err);
    table_unref(table);
    return code;
}

enum lf_code operation_restore_table_from_backup(struct call *call, const struct restore_table_from_backup_request *request,
                                                 struct err *err)
{
    struct table_change change;
    struct create_table_request definition;
    struct backup backup;
    TRY(backup_get(call->worker, request->backup_arn, call->arena, &backup, err));
    if (!backup.is_available)
        return ERR(err, LF_BACKUP_IN_USE, "Backup is being created: %.*s", SPAN_ARG(backup.arn));
    TRY(define(&backup, request, call->arena, &definition, err));
    TRY(table_change_begin(call->worker, &change, err));
    TRY(table_change_end(&change, restore(&change, &backup, &definition, err), err));
    TRY(table_description_answer_now(call, SPAN("TableDescription"), request->target_table_name, err));
    table_work_start(call->worker, request->target_table_name);
    return LF_OK;
}
