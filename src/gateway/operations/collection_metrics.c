#include "gateway/operations/collection_metrics.h"

bool collection_metrics_are_asked(const struct table *table, enum api_return_item_collection_metrics asked)
{
    bool has_local_index = false;
    for (size_t i = 0; i < table->index_count; i++)
        has_local_index |= table->indexes[i].is_local;
    return has_local_index && asked == API_RETURN_ITEM_COLLECTION_METRICS_SIZE;
}

void collection_metrics_put(const struct table *table, const struct item *key, struct reply *reply)
{
    reply_object_begin(reply);
    reply_name(reply, SPAN("ItemCollectionKey"));
    reply_object_begin(reply);
    reply_user_name(reply, table->key.partition.name);
    reply_value(reply, item_get(key, table->key.partition.name));
    reply_object_end(reply);
    reply_name(reply, SPAN("SizeEstimateRangeGB"));
    reply_array_begin(reply);
    reply_double(reply, 0);
    reply_double(reply, 1);
    reply_array_end(reply);
    reply_object_end(reply);
}
