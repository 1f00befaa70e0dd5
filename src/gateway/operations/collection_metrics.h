/*
 * collection_metrics: ItemCollectionMetrics, which DynamoDB gives for tables with local indexes: the partition key of the items
 * that were written, and an estimate of how large their collection is. Landfall sets collections no limit of 10 GB and always
 * says between 0 and 1 GB.
 */
#pragma once

#include "gateway/catalog.h"
#include "gateway/reply.h"

/* Whether there are any to give. */
bool collection_metrics_are_asked(const struct table *table, enum api_return_item_collection_metrics asked);

/* The value, of the collection of an item with this key. */
void collection_metrics_put(const struct table *table, const struct item *key, struct reply *reply);
