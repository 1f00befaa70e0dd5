#include "gateway/operations/table_description.h"

#include <stdio.h>

#include "gateway/shape_write.h"
#include "gateway/store/store.h"
#include "gateway/stream/stream.h"
#include "gateway/table.h"

enum { NUMBER_BYTES = 24, ON_DEMAND_READS = 12000, ON_DEMAND_WRITES = 4000 };

#define KMS_KEY SPAN("arn:aws:kms:us-east-1:000000000000:alias/aws/dynamodb")

/* What landfall.dynamodb_table keeps only to be shown. Times are 0 for never. */
struct table_times {
    int64_t on_demand_ms, increased_ms, decreased_ms, class_changed_ms;
    int64_t decreases_today;
    struct span restored_from; /* JSON, or empty */
};

static enum lf_code read_times(struct call *call, const struct table *table, struct table_times *ret_times, struct err *err)
{
#define MILLISECONDS(column) "floor(extract(epoch FROM " column ") * 1000)::bigint::text, "
    static const struct pg_statement select = {
        .sql = "SELECT " MILLISECONDS("on_demand_at") MILLISECONDS("increased_at") MILLISECONDS("decreased_at")
            MILLISECONDS("class_changed_at") "CASE WHEN decreased_at::date = now()::date THEN decreases_today ELSE 0 END::text, "
                                             "coalesce(restored_from::text, '') FROM landfall.dynamodb_table WHERE id = "
                                             "$1::text::bigint",
    };
#undef MILLISECONDS
    char text[NUMBER_BYTES];
    int len = snprintf(text, sizeof text, "%lld", (long long)table->id);
    struct pg_field id = { text, (size_t)len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(call->worker->db, &select, &(struct pg_params){ .values = &id, .count = 1 }, &rows, err));
    *ret_times = (struct table_times){ 0 };
    if (!pg_result_rows(rows))
        return LF_OK;
    ret_times->on_demand_ms = pg_result_int64(rows, 0, 0);
    ret_times->increased_ms = pg_result_int64(rows, 0, 1);
    ret_times->decreased_ms = pg_result_int64(rows, 0, 2);
    ret_times->class_changed_ms = pg_result_int64(rows, 0, 3);
    ret_times->decreases_today = pg_result_int64(rows, 0, 4);
    struct pg_field restored = pg_result_get(rows, 0, 5);
    return arena_copy(call->arena, span_of(restored.data, restored.len), &ret_times->restored_from, err);
}

/* Parts -----------------------------------------------------------------------------------------------------------------------
 */

static void put_shape(struct reply *reply, struct span name, const struct shape *shape, const void *structure)
{
    if (!structure)
        return;
    reply_name(reply, name);
    shape_write(shape, structure, reply->buf);
    reply->needs_comma = true;
}

void put_key_schema(struct reply *reply, const struct api_key_schema_element_list *keys)
{
    reply_name(reply, SPAN("KeySchema"));
    reply_array_begin(reply);
    for (size_t i = 0; i < keys->count; i++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("AttributeName"), keys->values[i].attribute_name);
        reply_member_string(reply, SPAN("KeyType"), keys->values[i].key_type == API_KEY_TYPE_HASH ? SPAN("HASH") : SPAN("RANGE"));
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

void put_projection(struct reply *reply, const struct api_projection *projection)
{
    put_shape(reply, SPAN("Projection"), &shape_api_projection, projection);
}

static void put_attribute_definitions(struct reply *reply, const struct api_attribute_definition_list *attributes)
{
    static const char *const types[] = {
        [API_ATTRIBUTE_TYPE_B] = "B", [API_ATTRIBUTE_TYPE_N] = "N", [API_ATTRIBUTE_TYPE_S] = "S"
    };
    reply_name(reply, SPAN("AttributeDefinitions"));
    reply_array_begin(reply);
    for (size_t i = 0; i < attributes->count; i++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("AttributeName"), attributes->values[i].attribute_name);
        reply_member_string(reply, SPAN("AttributeType"), span_from_cstr(types[attributes->values[i].attribute_type]));
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

/* Zeros for tables on demand. `times` NULL: an index's, whose times nobody keeps. */
static void put_throughput(struct reply *reply, const struct api_provisioned_throughput *throughput,
                           const struct table_times *times)
{
    reply_name(reply, SPAN("ProvisionedThroughput"));
    reply_object_begin(reply);
    if (times && times->increased_ms)
        reply_member_timestamp(reply, SPAN("LastIncreaseDateTime"), times->increased_ms);
    if (times && times->decreased_ms)
        reply_member_timestamp(reply, SPAN("LastDecreaseDateTime"), times->decreased_ms);
    reply_member_integer(reply, SPAN("NumberOfDecreasesToday"), times ? times->decreases_today : 0);
    reply_member_integer(reply, SPAN("ReadCapacityUnits"), throughput ? throughput->read_capacity_units : 0);
    reply_member_integer(reply, SPAN("WriteCapacityUnits"), throughput ? throughput->write_capacity_units : 0);
    reply_object_end(reply);
}

/* As asked for; otherwise what is provisioned, or what DynamoDB keeps ready for a table on demand. */
static void put_warm_throughput(struct reply *reply, const struct api_warm_throughput *warm,
                                const struct api_provisioned_throughput *provisioned, struct span status)
{
    int64_t reads = provisioned ? provisioned->read_capacity_units : ON_DEMAND_READS;
    int64_t writes = provisioned ? provisioned->write_capacity_units : ON_DEMAND_WRITES;
    reply_name(reply, SPAN("WarmThroughput"));
    reply_object_begin(reply);
    reply_member_integer(reply, SPAN("ReadUnitsPerSecond"),
                         warm && warm->has_read_units_per_second ? warm->read_units_per_second : reads);
    reply_member_integer(reply, SPAN("WriteUnitsPerSecond"),
                         warm && warm->has_write_units_per_second ? warm->write_units_per_second : writes);
    reply_member_string(reply, SPAN("Status"), status);
    reply_object_end(reply);
}

static enum lf_code put_measures(struct call *call, const struct table *table, const struct table_index *index, struct span size,
                                 struct err *err)
{
    int64_t items = 0, bytes = 0;
    bool may_be_gone = table->status == TABLE_DELETING || (index && index->status == TABLE_DELETING);
    enum lf_code code = table->store->measure(call->worker, table, index, &items, &bytes, err);
    if (code && !(code == LF_SQL && may_be_gone))
        return code;
    reply_member_integer(call->reply, size, bytes);
    reply_member_integer(call->reply, SPAN("ItemCount"), items);
    return LF_OK;
}

/* Indexes ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_index_arn(struct call *call, const struct table *table, struct span index, struct err *err)
{
    struct span arn;
    TRY(arena_printf(call->arena, &arn, err, "%.*s/index/%.*s", SPAN_ARG(table->arn), SPAN_ARG(index)));
    reply_member_string(call->reply, SPAN("IndexArn"), arn);
    return LF_OK;
}

static enum lf_code put_local_index(struct call *call, const struct table *table, const struct api_local_secondary_index *local,
                                    struct err *err)
{
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("IndexName"), local->index_name);
    put_key_schema(call->reply, &local->key_schema);
    put_projection(call->reply, local->projection);
    TRY(put_measures(call, table, table_find_index(table, local->index_name), SPAN("IndexSizeBytes"), err));
    TRY(put_index_arn(call, table, local->index_name, err));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code put_global_state(struct call *call, const struct table *table, const struct table_index *index,
                                     struct err *err)
{
    struct span status = span_from_cstr(table_status_name(index->status));
    reply_member_string(call->reply, SPAN("IndexStatus"), status);
    if (index->status == TABLE_CREATING) {
        reply_member_boolean(call->reply, SPAN("Backfilling"), index->is_backfilling);
        return LF_OK;
    }
    return put_measures(call, table, index, SPAN("IndexSizeBytes"), err);
}

static enum lf_code put_global_index(struct call *call, const struct table *table,
                                     const struct api_global_secondary_index *global, struct err *err)
{
    const struct table_index *index = table_find_index(table, global->index_name);
    reply_object_begin(call->reply);
    reply_member_string(call->reply, SPAN("IndexName"), global->index_name);
    put_key_schema(call->reply, &global->key_schema);
    put_projection(call->reply, global->projection);
    TRY(put_global_state(call, table, index, err));
    put_throughput(call->reply, global->provisioned_throughput, NULL);
    TRY(put_index_arn(call, table, global->index_name, err));
    put_shape(call->reply, SPAN("OnDemandThroughput"), &shape_api_on_demand_throughput, global->on_demand_throughput);
    put_warm_throughput(call->reply, global->warm_throughput, global->provisioned_throughput,
                        span_from_cstr(table_status_name(index->status)));
    reply_object_end(call->reply);
    return LF_OK;
}

static enum lf_code put_indexes(struct call *call, const struct table *table, struct err *err)
{
    const struct api_local_secondary_index_list *local = &table->definition->local_secondary_indexes;
    const struct api_global_secondary_index_list *global = &table->definition->global_secondary_indexes;
    if (local->count) {
        reply_name(call->reply, SPAN("LocalSecondaryIndexes"));
        reply_array_begin(call->reply);
        for (size_t i = 0; i < local->count; i++)
            TRY(put_local_index(call, table, &local->values[i], err));
        reply_array_end(call->reply);
    }
    if (global->count) {
        reply_name(call->reply, SPAN("GlobalSecondaryIndexes"));
        reply_array_begin(call->reply);
        for (size_t i = 0; i < global->count; i++)
            TRY(put_global_index(call, table, &global->values[i], err));
        reply_array_end(call->reply);
    }
    return LF_OK;
}

/* Table -----------------------------------------------------------------------------------------------------------------------
 */

static void put_billing(struct reply *reply, const struct create_table_request *definition, const struct table_times *times)
{
    bool is_on_demand = definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
    if (!times->on_demand_ms)
        return;
    reply_name(reply, SPAN("BillingModeSummary"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("BillingMode"), is_on_demand ? SPAN("PAY_PER_REQUEST") : SPAN("PROVISIONED"));
    reply_member_timestamp(reply, SPAN("LastUpdateToPayPerRequestDateTime"), times->on_demand_ms);
    reply_object_end(reply);
}

static enum lf_code put_stream_of_dynamodb(struct call *call, const struct table_move *move, struct err *err)
{
    struct span specification;
    TRY(arena_printf(call->arena, &specification, err, "{\"StreamEnabled\":true,\"StreamViewType\":\"%.*s\"}",
                     SPAN_ARG(move->stream_view)));
    reply_member_raw(call->reply, SPAN("StreamSpecification"), specification);
    reply_member_string(call->reply, SPAN("LatestStreamLabel"), stream_label_of(move->stream_arn));
    reply_member_string(call->reply, SPAN("LatestStreamArn"), move->stream_arn);
    return LF_OK;
}

static enum lf_code put_stream(struct call *call, const struct table *table, struct err *err)
{
    struct span arn;
    if (stream_is_dynamodbs(call, table))
        return put_stream_of_dynamodb(call, &table->move, err);
    if (table->stream)
        put_shape(call->reply, SPAN("StreamSpecification"), &shape_api_stream_specification,
                  table->definition->stream_specification);
    if (!table->stream_label.len)
        return LF_OK;
    TRY(arena_printf(call->arena, &arn, err, "%.*s/stream/%.*s", SPAN_ARG(table->arn), SPAN_ARG(table->stream_label)));
    reply_member_string(call->reply, SPAN("LatestStreamLabel"), table->stream_label);
    reply_member_string(call->reply, SPAN("LatestStreamArn"), arn);
    return LF_OK;
}

static void put_encryption(struct reply *reply, const struct api_sse_specification *specification)
{
    if (!specification || !specification->enabled)
        return;
    reply_name(reply, SPAN("SSEDescription"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("Status"), SPAN("ENABLED"));
    reply_member_string(reply, SPAN("SSEType"), SPAN("KMS"));
    reply_member_string(reply, SPAN("KMSMasterKeyArn"),
                        specification->kms_master_key_id.ptr ? specification->kms_master_key_id : KMS_KEY);
    reply_object_end(reply);
}

static void put_class(struct reply *reply, const struct create_table_request *definition, const struct table_times *times)
{
    bool is_standard = definition->table_class == API_TABLE_CLASS_STANDARD;
    if (!definition->table_class)
        return;
    reply_name(reply, SPAN("TableClassSummary"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TableClass"), is_standard ? SPAN("STANDARD") : SPAN("STANDARD_INFREQUENT_ACCESS"));
    if (times->class_changed_ms)
        reply_member_timestamp(reply, SPAN("LastUpdateDateTime"), times->class_changed_ms);
    reply_object_end(reply);
}

static void put_head(struct reply *reply, const struct table *table)
{
    put_attribute_definitions(reply, &table->definition->attribute_definitions);
    reply_member_string(reply, SPAN("TableName"), table->name);
    put_key_schema(reply, &table->definition->key_schema);
    reply_member_string(reply, SPAN("TableStatus"), span_from_cstr(table_status_name(table->status)));
    reply_member_timestamp(reply, SPAN("CreationDateTime"), table->created_ms);
    reply_member_string(reply, SPAN("TableArn"), table->arn);
    reply_member_string(reply, SPAN("TableId"), table->table_id);
}

static void put_settings(struct reply *reply, const struct create_table_request *definition, const struct table_times *times)
{
    put_throughput(reply, definition->provisioned_throughput, times);
    put_billing(reply, definition, times);
    put_encryption(reply, definition->sse_specification);
    put_class(reply, definition, times);
    reply_member_boolean(reply, SPAN("DeletionProtectionEnabled"), definition->deletion_protection_enabled);
    put_shape(reply, SPAN("OnDemandThroughput"), &shape_api_on_demand_throughput, definition->on_demand_throughput);
    put_warm_throughput(reply, definition->warm_throughput, definition->provisioned_throughput, SPAN("ACTIVE"));
    if (times->restored_from.len)
        reply_member_raw(reply, SPAN("RestoreSummary"), times->restored_from);
}

enum lf_code table_description_answer(struct call *call, struct span member, const struct table *table, struct err *err)
{
    struct table_times times;
    TRY(read_times(call, table, &times, err));
    reply_object_begin(call->reply);
    reply_name(call->reply, member);
    reply_object_begin(call->reply);
    put_head(call->reply, table);
    put_settings(call->reply, table->definition, &times);
    TRY(put_measures(call, table, NULL, SPAN("TableSizeBytes"), err));
    TRY(put_indexes(call, table, err));
    TRY(put_stream(call, table, err));
    reply_object_end(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}

enum lf_code table_description_answer_now(struct call *call, struct span member, struct span name, struct err *err)
{
    const struct table *table = NULL;
    TRY(catalog_refresh(call->worker->catalog, call->worker->db, err));
    TRY(catalog_get(call->worker->catalog, call->worker->db, name, &table, err));
    enum lf_code code = table_description_answer(call, member, table, err);
    table_unref(table);
    return code;
}
