/*
 * capacity: what operations consume, in DynamoDB's units.
 *
 *     reads    4 KB each, half as much when eventually consistent; what Query and Scan read counts as one
 *     writes   1 KB each, of the larger of the old and the new item; an index that an item enters or leaves, or whose projected
 *              attributes change, likewise; an item whose index key changes leaves and enters
 *     transactions count twice
 *
 * Source: AWS, "DynamoDB read and write operations", "Provisioned throughput considerations for global secondary indexes".
 * Nothing limits throughput here; clients that meter themselves see the numbers they are used to. Pure.
 */
#pragma once

#include "gateway/catalog.h"
#include "gateway/reply.h"

struct capacity {
    const struct table *table;
    bool is_write, is_transaction;
    double table_units;
    struct capacity_of_index {
        bool is_used;
        double units;
    } * indexes; /* as table->indexes */
};

/* Whether the request asks for it at all. */
bool capacity_is_asked(enum api_return_consumed_capacity asked);

/* Nothing consumed yet. LF_MEMORY. */
enum lf_code capacity_init(struct capacity *capacity, const struct table *table, bool is_write, bool is_transaction,
                           struct arena *arena, struct err *err) MUST_CHECK;

/* Units of reading so many bytes at once; an item that is not there counts like one of a byte. */
double capacity_read_units(size_t size_bytes, bool is_consistent);

/* `index` NULL: of the table. `units` as capacity_read_units. */
void capacity_add_read(struct capacity *capacity, const struct table_index *index, double units);

/* One item written; `old` or `new_item` NULL: it was not, or will not be, there. */
void capacity_add_write(struct capacity *capacity, const struct item *old, const struct item *new_item);

/* The value of a ConsumedCapacity. */
enum lf_code capacity_put(const struct capacity *capacity, enum api_return_consumed_capacity asked, struct reply *reply,
                          struct arena *arena, struct err *err) MUST_CHECK;
/* The member ConsumedCapacity, if it is asked for. */
enum lf_code capacity_put_member(const struct capacity *capacity, enum api_return_consumed_capacity asked, struct reply *reply,
                                 struct arena *arena, struct err *err) MUST_CHECK;
