#include "gateway/operations/backup_description.h"

#include "gateway/operations/table_description.h"
#include "gateway/shape_write.h"

void backup_put_details(struct reply *reply, const struct backup *backup, struct span status)
{
    struct span own = backup->is_available ? SPAN("AVAILABLE") : SPAN("CREATING");
    reply_member_string(reply, SPAN("BackupArn"), backup->arn);
    reply_member_string(reply, SPAN("BackupName"), backup->name);
    reply_member_integer(reply, SPAN("BackupSizeBytes"), backup->bytes);
    reply_member_string(reply, SPAN("BackupStatus"), status.len ? status : own);
    reply_member_string(reply, SPAN("BackupType"), SPAN("USER"));
    reply_member_timestamp(reply, SPAN("BackupCreationDateTime"), backup->created_ms);
}

static void put_shape(struct reply *reply, struct span name, const struct shape *shape, const void *structure)
{
    if (!structure)
        return;
    reply_name(reply, name);
    shape_write(shape, structure, reply->buf);
    reply->needs_comma = true;
}

static void put_throughput(struct reply *reply, const struct api_provisioned_throughput *throughput)
{
    reply_name(reply, SPAN("ProvisionedThroughput"));
    reply_object_begin(reply);
    reply_member_integer(reply, SPAN("ReadCapacityUnits"), throughput ? throughput->read_capacity_units : 0);
    reply_member_integer(reply, SPAN("WriteCapacityUnits"), throughput ? throughput->write_capacity_units : 0);
    reply_object_end(reply);
}

static void put_source(struct reply *reply, const struct backup *backup)
{
    const struct create_table_request *definition = backup->definition;
    bool is_on_demand = definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
    reply_name(reply, SPAN("SourceTableDetails"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TableName"), backup->table_name);
    reply_member_string(reply, SPAN("TableId"), backup->table_id);
    reply_member_string(reply, SPAN("TableArn"), span_of(backup->arn.ptr, span_find(backup->arn, SPAN("/backup/"))));
    reply_member_integer(reply, SPAN("TableSizeBytes"), backup->bytes);
    put_key_schema(reply, &definition->key_schema);
    reply_member_timestamp(reply, SPAN("TableCreationDateTime"), backup->table_created_ms);
    put_throughput(reply, definition->provisioned_throughput);
    put_shape(reply, SPAN("OnDemandThroughput"), &shape_api_on_demand_throughput, definition->on_demand_throughput);
    reply_member_integer(reply, SPAN("ItemCount"), backup->items);
    reply_member_string(reply, SPAN("BillingMode"), is_on_demand ? SPAN("PAY_PER_REQUEST") : SPAN("PROVISIONED"));
    reply_object_end(reply);
}

static void put_local_indexes(struct reply *reply, const struct api_local_secondary_index_list *indexes)
{
    if (!indexes->count)
        return;
    reply_name(reply, SPAN("LocalSecondaryIndexes"));
    reply_array_begin(reply);
    for (size_t i = 0; i < indexes->count; i++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("IndexName"), indexes->values[i].index_name);
        put_key_schema(reply, &indexes->values[i].key_schema);
        put_projection(reply, indexes->values[i].projection);
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

static void put_global_indexes(struct reply *reply, const struct api_global_secondary_index_list *indexes)
{
    if (!indexes->count)
        return;
    reply_name(reply, SPAN("GlobalSecondaryIndexes"));
    reply_array_begin(reply);
    for (size_t i = 0; i < indexes->count; i++) {
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("IndexName"), indexes->values[i].index_name);
        put_key_schema(reply, &indexes->values[i].key_schema);
        put_projection(reply, indexes->values[i].projection);
        put_throughput(reply, indexes->values[i].provisioned_throughput);
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

static void put_features(struct reply *reply, const struct backup *backup)
{
    reply_name(reply, SPAN("SourceTableFeatureDetails"));
    reply_object_begin(reply);
    put_local_indexes(reply, &backup->definition->local_secondary_indexes);
    put_global_indexes(reply, &backup->definition->global_secondary_indexes);
    put_shape(reply, SPAN("StreamDescription"), &shape_api_stream_specification, backup->definition->stream_specification);
    reply_name(reply, SPAN("TimeToLiveDescription"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TimeToLiveStatus"), backup->ttl_attribute.len ? SPAN("ENABLED") : SPAN("DISABLED"));
    if (backup->ttl_attribute.len)
        reply_member_string(reply, SPAN("AttributeName"), backup->ttl_attribute);
    reply_object_end(reply);
    reply_object_end(reply);
}

void backup_description_answer(struct call *call, const struct backup *backup, struct span status)
{
    struct reply *reply = call->reply;
    reply_object_begin(reply);
    reply_name(reply, SPAN("BackupDescription"));
    reply_object_begin(reply);
    reply_name(reply, SPAN("BackupDetails"));
    reply_object_begin(reply);
    backup_put_details(reply, backup, status);
    reply_object_end(reply);
    put_source(reply, backup);
    put_features(reply, backup);
    reply_object_end(reply);
    reply_object_end(reply);
}
